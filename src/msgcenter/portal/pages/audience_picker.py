"""Choosing organisations and roles in a form, which works without scripts: what is ticked stays while one searches.

Its fields are `org.ID` and `role.CODE` ("1" if ticked), `roles` (other codes), `sub` ("0": without the organisations
below) and `find` (the text to search for).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from msgcenter.actions.directory.browsing import DirectoryBrowser, OrgInLine
from msgcenter.domain.account import Platform
from msgcenter.domain.audience import Organisations
from msgcenter.domain.directory import MAX_ORG_IDS, MAX_ROLES
from msgcenter.domain.identifiers import RoleCode
from msgcenter.domain.refusal import malformed
from msgcenter.portal.page_request import Form
from msgcenter.portal.texts.roles import COMMON_ROLES

_FOUND = 20


class AudienceChoice(NamedTuple):
    """What the form shows: the organisations that are ticked, and others that a search has found."""

    chosen: list[OrgInLine]
    found: list[OrgInLine]
    has_more: bool
    roles: tuple[str, ...]


@dataclass(frozen=True)
class AudiencePicker:
    """Finds what the form shows."""

    browser: DirectoryBrowser

    async def choice_of_code(self, platform_code: str, fields: Mapping[str, str]) -> AudienceChoice:
        """Return what the form shows for the platform with this code; nothing if there is none."""
        platform = await self.browser.platform(platform_code)
        if platform is None:
            return AudienceChoice([], [], has_more=False, roles=COMMON_ROLES)
        return await self.choice(platform, fields)

    async def choice(self, platform: Platform, fields: Mapping[str, str]) -> AudienceChoice:
        """Return what the form shows with these fields. Organisations that do not exist are left out."""
        org_ids = _ticked(fields, "org.")[:MAX_ORG_IDS]
        chosen = await self.browser.find_orgs(platform, org_ids)
        found = await self.browser.search_orgs(platform, fields.get("find", ""), _FOUND + len(chosen) + 1)
        others = [org for org in found if org not in chosen]
        return AudienceChoice(chosen, others[:_FOUND], len(others) > _FOUND, COMMON_ROLES)


def audience_in(fields: Mapping[str, str]) -> Organisations | None:
    """Return the audience that a form describes; None if no organisation is ticked.

    Refuses with FIELD_MALFORMED (orgIds, roles) too many organisations or roles, or a role that is none.
    """
    org_ids = _ticked(fields, "org.")
    roles = [*_ticked(fields, "role."), *fields.get("roles", "").replace(",", " ").replace("，", " ").split()]
    if len(org_ids) > MAX_ORG_IDS:
        raise malformed("orgIds", f"最多{MAX_ORG_IDS}个组织", f"must be {MAX_ORG_IDS} at most")
    if len(set(roles)) > MAX_ROLES:
        raise malformed("roles", f"最多{MAX_ROLES}个角色", f"must be {MAX_ROLES} at most")
    try:
        msgspec.convert(roles, list[RoleCode])
    except msgspec.ValidationError:
        raise malformed("roles", "须为1–16个字母、数字、_或-", "must be 1-16 letters, digits, _ or -") from None
    if not org_ids:
        return None
    return Organisations.of(org_ids, roles or None, include_sub=fields.get("sub", "1") != "0")


def fields_of(audience: Organisations) -> Form:
    """Return the fields that describe an audience."""
    form = Form({f"org.{org_id}": "1" for org_id in audience.org_ids}, sub="1" if audience.include_sub else "0")
    roles = audience.roles or ()
    form |= {f"role.{role}": "1" for role in roles if role in COMMON_ROLES}
    form["roles"] = " ".join(role for role in roles if role not in COMMON_ROLES)
    return form


def _ticked(fields: Mapping[str, str], prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in fields if name.startswith(prefix) and len(name) > len(prefix)]
