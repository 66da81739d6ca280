"""The items of the directory as apps and files write them: an organisation, a user, a membership.

A field that is left out keeps its value, "" clears it.
"""

from functools import cache
from typing import Annotated, TypeAlias
from zoneinfo import available_timezones

from msgspec import UNSET, Meta, Struct, UnsetType

from msgcenter.domain.channels.contacts import ACCOUNT, EMAIL, MAX_ACCOUNT, MAX_EMAIL, MAX_MOBILE, MOBILE, contacts_of
from msgcenter.domain.directory import (
    MAX_KIND,
    MAX_LOCALE,
    MAX_NAME,
    MAX_TIME_ZONE,
    FormerMembership,
    Membership,
    OrgChange,
    UserChange,
)
from msgcenter.domain.identifiers import OrgId, RoleCode, UserId
from msgcenter.domain.refusal import malformed
from msgcenter.domain.rule import RULE, must_be

_CLEAN = "^[^\\u0000-\\u001f\\u007f]*$(?!\\n)"
_EDGE = "[\\s\\u200b\\u2060\\ufeff]"
_TRIMMED = f"^((?!{_EDGE})[^\\u0000-\\u001f\\u007f]+(?<!{_EDGE}))?$(?!\\n)"


def _text(limit: int, *, low: int = 0) -> dict[str, object]:
    return {RULE: must_be(f"{low}–{limit}个字符(不含控制字符)", f"{low}-{limit} non-control characters")}


_PARENT = {
    RULE: must_be(
        "上级组织编号(1–64个字符,首尾无空白);空串表示最上级", 'the id of an organisation, 1-64 characters, or ""'
    )
}
ParentId: TypeAlias = (
    Annotated[str, Meta(max_length=64, pattern=_TRIMMED, extra=_PARENT)]
    | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
)
"""The id of the organisation above; "" for a top organisation."""
OrgKind: TypeAlias = Annotated[str, Meta(max_length=MAX_KIND, pattern=_CLEAN, extra=_text(MAX_KIND))]
OrgName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME, pattern=_CLEAN, extra=_text(MAX_NAME, low=1))
]
UserName: TypeAlias = Annotated[str, Meta(max_length=MAX_NAME, pattern=_CLEAN, extra=_text(MAX_NAME))]
_LOCALE = {RULE: must_be("语言标签,如zh-CN", "a language tag such as zh-CN")}
Locale: TypeAlias = Annotated[
    str, Meta(max_length=MAX_LOCALE, pattern="^([A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*)?$(?!\\n)", extra=_LOCALE)
]
_ZONE = {RULE: must_be("时区名称,如Asia/Shanghai", "a time zone such as Asia/Shanghai")}
TimeZone: TypeAlias = Annotated[str, Meta(max_length=MAX_TIME_ZONE, pattern="^[A-Za-z0-9_+/-]*$(?!\\n)", extra=_ZONE)]
_EMAIL = {RULE: must_be("邮箱地址,如name@school.example", "an address such as name@school.example")}
Email: TypeAlias = Annotated[str, Meta(max_length=MAX_EMAIL, pattern=EMAIL, extra=_EMAIL)]
_MOBILE = {
    RULE: must_be(
        "手机号,如13800138000;境外号码以+和国家代码开头", "a mobile number: 13800138000, or + and the country code"
    )
}
Mobile: TypeAlias = Annotated[str, Meta(max_length=MAX_MOBILE, pattern=MOBILE, extra=_MOBILE)]
_ACCOUNT = {
    RULE: must_be(
        f"0–{MAX_ACCOUNT}个字母、数字、_-.@(首位不为符号)", f"0-{MAX_ACCOUNT} letters, digits, _-.@ (not first)"
    )
}
Account: TypeAlias = Annotated[str, Meta(max_length=MAX_ACCOUNT, pattern=ACCOUNT, extra=_ACCOUNT)]


class Accounts(Struct, frozen=True):
    """The accounts of a user at other programs."""

    wecom: Account | UnsetType = UNSET
    dingtalk: Account | UnsetType = UNSET
    feishu: Account | UnsetType = UNSET


class OrgItem(Struct, frozen=True, rename="camel"):
    """An organisation. A new one needs a `name`. `deleted` deletes it; it must have none below it."""

    org_id: OrgId
    parent_id: ParentId | UnsetType = UNSET
    kind: OrgKind | UnsetType = UNSET
    name: OrgName | UnsetType = UNSET
    deleted: bool = False

    def change(self) -> OrgChange:
        """Return what the item sets."""
        return OrgChange(
            str(self.org_id),
            None if isinstance(self.parent_id, UnsetType) else str(self.parent_id),
            _value(self.kind),
            _value(self.name),
            self.deleted,
        )


class UserItem(Struct, frozen=True, rename="camel"):
    """A user. Messages to organisations do not reach one who is `disabled`; `deleted` removes it from the directory."""

    user_id: UserId
    name: UserName | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    mobile: Mobile | UnsetType = UNSET
    accounts: Accounts | UnsetType = UNSET
    deleted: bool = False

    def change(self) -> UserChange:
        """Return what the item sets.

        Refuses with FIELD_MALFORMED (timeZone, email, mobile) an unknown time zone, and what cannot be an address.
        """
        accounts = Accounts() if isinstance(self.accounts, UnsetType) else self.accounts
        zone = _value(self.time_zone)
        if zone and zone not in _time_zones():
            raise malformed("timeZone", "须为时区名称,如Asia/Shanghai", "must be a time zone such as Asia/Shanghai")
        return UserChange(
            str(self.user_id),
            _value(self.name),
            _value(self.locale),
            zone,
            None if isinstance(self.disabled, UnsetType) else self.disabled,
            self.deleted,
            contacts_of(
                _value(self.email),
                _value(self.mobile),
                {
                    "wecom": _value(accounts.wecom),
                    "dingtalk": _value(accounts.dingtalk),
                    "feishu": _value(accounts.feishu),
                },
            ),
        )


class MemberItem(Struct, frozen=True, rename="camel"):
    """A role of a user in an organisation."""

    org_id: OrgId
    user_id: UserId
    role: RoleCode

    def change(self) -> Membership:
        """Return the membership."""
        return Membership(str(self.org_id), str(self.user_id), self.role)


class FormerMemberItem(Struct, frozen=True, rename="camel"):
    """A membership to end; without `role`, all roles of the user in the organisation."""

    org_id: OrgId
    user_id: UserId
    role: RoleCode | UnsetType = UNSET

    def change(self) -> FormerMembership:
        """Return the membership to end."""
        return FormerMembership(str(self.org_id), str(self.user_id), _value(self.role))


def _value(text: str | UnsetType) -> str | None:
    return None if isinstance(text, UnsetType) else text


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
