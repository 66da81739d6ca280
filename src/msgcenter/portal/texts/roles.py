"""Names of the roles in organisations that many platforms have; platforms may have other roles of their own."""

from msgcenter.domain.language import Phrase

_NAMES = {
    "tea": Phrase("教师", "teachers"),
    "stu": Phrase("学生", "students"),
    "par": Phrase("家长", "parents"),
    "adm": Phrase("管理员", "administrators"),
}
COMMON_ROLES = tuple(_NAMES)


def role_name(role: str) -> Phrase:
    """Return the name of a role; its code if it is one of the platform's own."""
    return _NAMES.get(role, Phrase(role, role))
