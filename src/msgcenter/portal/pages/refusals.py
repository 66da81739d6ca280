"""Wrong passwords and codes as refusals that a form shows beside its field."""

from msgcenter.domain.language import Phrase
from msgcenter.domain.person import LoginError, OneTimePasswordError, ThrottledError
from msgcenter.domain.refusal import Reason, Refusal, malformed


def login_refusal(error: LoginError | ThrottledError, field: str = "password") -> Refusal:
    """Return the refusal of a login: of its password, or of its second factor if `field` is "code"."""
    if isinstance(error, ThrottledError):
        minutes = -(-error.seconds // 60)
        rule = Phrase(f"尝试过多,请{minutes}分钟后再试", f"too many attempts; minutes to wait: {minutes}")
    elif isinstance(error, OneTimePasswordError):
        rule = Phrase("一次性密码已过期,请重新申请重置", "This one-time password has expired. Ask for another reset.")
    elif field == "code":
        rule = Phrase("验证码不正确或已使用", "The code is wrong or was used before")
    else:
        rule = Phrase("邮箱或密码不正确", "The e-mail address or the password is wrong")
    return Refusal(Reason.NOT_AUTHORISED, rule=rule, field=field)


def own_password_refusal(error: LoginError | ThrottledError, field: str = "password") -> Refusal:
    """Return the refusal of the person's own password, which a form inside a session asks for in `field`."""
    if isinstance(error, ThrottledError):
        return login_refusal(error, field)
    return malformed(field, "密码不正确", "is wrong")
