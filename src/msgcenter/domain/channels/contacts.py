"""Contact points of people: which values are valid, how they are stored, and how they are masked when shown."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgcenter.domain.channels.codes import CONTACT_OF_CHANNEL, Channel, ContactKind
from msgcenter.domain.channels.sealing import Sealing, contact_binding
from msgcenter.domain.refusal import Reason, Refusal, malformed

MAX_EMAIL = 254
"""The longest address that mail servers take (RFC 5321), in characters."""
MAX_MOBILE = 32
"""The longest mobile number as it may be written, with spaces and hyphens."""
MAX_ACCOUNT = 64
EMAIL = (
    "^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    "@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?$(?!\\n)"
)
"""The pattern of an e-mail address in ASCII, or "". Nothing in it can end a header line or name a second address."""
MOBILE = "^(\\+?[0-9(][0-9 ()-]*[0-9])?$(?!\\n)"
"""The pattern of a mobile number as people write it, or ""."""
ACCOUNT = "^([A-Za-z0-9][A-Za-z0-9_.@-]*)?$(?!\\n)"
"""The pattern of an account at WeCom, DingTalk or Feishu, or ""."""
_SEPARATORS = re.compile("[ ()-]")
_CHINESE = re.compile("1[3-9][0-9]{9}")
_INTERNATIONAL = re.compile("[1-9][0-9]{6,14}")
_LOCAL_PART = 64

Contacts = tuple[tuple[ContactKind, str], ...]
"""Contact points to set, by kind; "" removes one, and a kind that is left out is kept."""


class ContactWriting(NamedTuple):
    """How contact points are written: sealed for a platform, by an app (None: an import or an operator), at a time."""

    sealing: Sealing
    app_number: int | None
    now: int

    def seal(self, platform_code: str, user_id: str, kind: ContactKind, value: str) -> bytes:
        """Return the value sealed."""
        return self.sealing.seal_value("contact", contact_binding(platform_code, user_id, kind), value)

    def is_sealed(self, platform_code: str, user_id: str, kind: ContactKind, *, value: str, sealed: bytes) -> bool:
        """Return whether `sealed` is this value of this user."""
        return self.sealing.open_value("contact", contact_binding(platform_code, user_id, kind), sealed) == value


def normal_email(text: str) -> str:
    """Return an address with its domain in lower case. Refuses with FIELD_MALFORMED (email)."""
    local, _, domain = text.rpartition("@")
    if len(local) > _LOCAL_PART or len(text) > MAX_EMAIL or not re.search(EMAIL, text):
        raise malformed("email", "须为邮箱地址,如name@school.example", "must be an address such as name@school.example")
    return f"{local}@{domain.lower()}" if text else ""


def normal_mobile(text: str) -> str:
    """Return a number with + and its country code; a Chinese one may be given without.

    Refuses with FIELD_MALFORMED (mobile).

    >>> normal_mobile("138 0013 8000"), normal_mobile("0049 (151) 23456789")
    ('+8613800138000', '+4915123456789')
    """
    if not text:
        return ""
    digits = _SEPARATORS.sub("", text)
    if _CHINESE.fullmatch(digits):
        digits = f"+86{digits}"
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    number = digits[1:]
    is_valid = digits.startswith("+") and _INTERNATIONAL.fullmatch(number)
    if number.startswith("86"):
        is_valid = is_valid and _CHINESE.fullmatch(number[2:])
    if not is_valid or len(text) > MAX_MOBILE:
        raise malformed(
            "mobile",
            "须为手机号,如13800138000;境外号码以+和国家代码开头",
            "must be a mobile number: 13800138000, or + and the country code",
        )
    return digits


def normal_account(text: str) -> str:
    """Return an account at another program. Refuses with FIELD_MALFORMED (account)."""
    if len(text) > MAX_ACCOUNT or not re.search(ACCOUNT, text):
        raise malformed(
            "account",
            f"0–{MAX_ACCOUNT}个字母、数字、_-.@(首位不为符号)",
            f"must be 0-{MAX_ACCOUNT} letters, digits, _-.@ (not first)",
        )
    return text


def normal_address(channel: Channel, text: str) -> str:
    """Return an address of a channel as it is stored; "" for channels whose gateways know where they send.

    Refuses with FIELD_MISSING or FIELD_MALFORMED (address).
    """
    kind = CONTACT_OF_CHANNEL.get(channel)
    if kind is None:
        return ""
    if not text:
        raise Refusal(Reason.FIELD_MISSING, field="address")
    try:
        return {"email": normal_email, "mobile": normal_mobile}.get(kind, normal_account)(text)
    except Refusal as refusal:
        raise Refusal(refusal.reason, result=refusal.result, **{**refusal.data, "field": "address"}) from None


def contacts_of(email: str | None, mobile: str | None, accounts: Mapping[ContactKind, str | None]) -> Contacts:
    """Return the contact points that are not None, normalised. Refuses with FIELD_MALFORMED (email, mobile)."""
    values: dict[ContactKind, str | None] = {
        "email": None if email is None else normal_email(email),
        "mobile": None if mobile is None else normal_mobile(mobile),
        **accounts,
    }
    return tuple((kind, value) for kind, value in values.items() if value is not None)


def masked(kind: ContactKind, value: str) -> str:
    """Return a value as people see it who need to recognise it, but not to know it.

    >>> masked("email", "wang.fang@school.example"), masked("mobile", "+8613800138000"), masked("wecom", "wangfang")
    ('w***@school.example', '+86138****8000', 'wa***')
    """
    if kind == "email":
        local, _, domain = value.rpartition("@")
        return f"{local[0] if len(local) > 1 else ''}***@{domain}"
    if kind == "mobile":
        return f"{value[:-8]}****{value[-4:]}"
    return f"{value[:2] if len(value) > 4 else ''}***"
