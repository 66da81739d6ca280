"""For operators: the directory of a platform, as a tree and by search; an organisation with its members, and a user."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import StreamingResponse

from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.channels.contacts import UserContacts
from msgcenter.actions.directory.browsing import DirectoryBrowser, OrgInLine
from msgcenter.actions.directory.edits import DirectoryEdits
from msgcenter.actions.messages.audience_previews import AudiencePreviews
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.codes import CONTACT_KINDS
from msgcenter.domain.directory import Membership
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.spreadsheet import BYTE_ORDER_MARK, csv_line
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import Form, PageRequest
from msgcenter.portal.pages.audience_picker import AudiencePicker, audience_in
from msgcenter.portal.texts.channels import contact_kind_name
from msgcenter.portal.texts.roles import role_name

_BRANCHES = 200
"""Organisations below one that are listed at once."""
_MEMBERS = 50
_FOUND = 50
_SAMPLE = 20
_EXPORTED_AT_ONCE = 1_000
_HOME = "/operator/directory"
_NOT_FOUND = View("error.html", {"problem": "not_found"}, 404)
_COLUMNS = (
    Phrase("组织编号", "orgId"),
    Phrase("组织", "organisation"),
    Phrase("用户编号", "userId"),
    Phrase("姓名", "name"),
    Phrase("角色", "role"),
    Phrase("角色名称", "role name"),
    Phrase("停用", "disabled"),
)


@dataclass(frozen=True)
class DirectoryPages:
    """Show the directory, without reading more of it than a page shows."""

    browser: DirectoryBrowser
    edits: DirectoryEdits
    picker: AudiencePicker
    previews: AudiencePreviews
    platforms: Platforms
    contacts: UserContacts

    async def directory(self, request: PageRequest) -> Answer:
        """Show the tree of a platform (by default the first), open down to one organisation; or what a search finds."""
        platforms = await self.platforms.all()
        code = request.query("platform") or (platforms[0].code if platforms else "")
        platform = await self.browser.platform(code)
        if platform is None:
            return _NOT_FOUND if platforms else View("operator_directory.html", {"platforms": [], "tree": None})
        text = request.query("q")
        found = await self.browser.search(platform, text, _FOUND) if text else None
        opened = None
        if org_id := request.query("open"):
            opened = await self.browser.find_org(platform, org_id)
        return View(
            "operator_directory.html",
            {
                "platforms": platforms,
                "platform": code,
                "found": found,
                "max_found": _FOUND,
                "opened": opened.row.number if opened else None,
                "tree": None if found else await self.browser.tree(platform, opened, request.query("after"), _BRANCHES),
            },
        )

    async def branch(self, request: PageRequest) -> Answer:
        """Return the branches directly below an organisation: a part of the tree for its script."""
        platform, org = await self._org(request)
        if platform is None or org is None:
            return see_other(_HOME)
        page = await self.browser.below(platform, org.row, "", _BRANCHES)
        return View("directory_branch.html", {"platform": platform.code, "org": org.row, "page": page})

    async def org(self, request: PageRequest) -> Answer:
        """Show an organisation with those directly below it, its roles, and a page of its members."""
        platform, org = await self._org(request)
        if platform is None or org is None:
            return _NOT_FOUND if request.query("org") else see_other(_HOME)
        return View(
            "operator_org.html",
            {
                "platform": platform.code,
                "org": org.row,
                "line": org.line,
                "roles": await self.browser.roles(platform, org.row),
                "below": await self.browser.below(platform, org.row, request.query("after"), _MEMBERS),
                "members": await self.browser.members(platform, org.row, request.query("cursor"), _MEMBERS),
                "role_name": role_name,
            },
        )

    async def members_csv(self, request: PageRequest) -> Answer:
        """Export all members of an organisation and of those below it."""
        platform, org = await self._org(request)
        if platform is None or org is None:
            return _NOT_FOUND if request.query("org") else see_other(_HOME)
        return StreamingResponse(
            self._csv(request.language, platform, org),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="members.csv"'},
        )

    async def user(self, request: PageRequest) -> Answer:
        """Show a user of the directory with all memberships."""
        platform, user_id = await self.browser.platform(request.query("platform")), request.query("user")
        found = None if platform is None else await self.browser.find_user(platform, user_id)
        if platform is None or found is None:
            return _NOT_FOUND if user_id else see_other(_HOME)
        user, roles = found
        return View(
            "operator_directory_user.html",
            {
                "platform": platform.code,
                "user": user,
                "roles": roles,
                "role_name": role_name,
                "contacts": await self.contacts.of_user(platform, user_id),
                "kind_name": contact_kind_name,
            },
        )

    # --- Single changes. The forms' addresses name the platform and the organisation or user, so that a refused one is
    # shown on its page.

    async def add_member(self, request: PageRequest) -> Answer:
        """Make a user a member of the organisation."""
        platform, org = await self._org(request)
        if platform is None or org is None:
            return see_other(_HOME)
        form = request.form
        member = Membership(org.row.org_id, form["user"], form["role"])
        await self.edits.add_member(platform, member, request.actor)
        return _to("/org", platform=platform.code, org=org.row.org_id)

    async def remove_member(self, request: PageRequest) -> Answer:
        """End a role of the user in an organisation."""
        platform, user_id = await self.browser.platform(request.query("platform")), request.query("user")
        if platform is None:
            return see_other(_HOME)
        form = request.form
        await self.edits.remove_member(platform, Membership(form["org"], user_id, form["role"]), request.actor)
        return _to("/user", platform=platform.code, user=user_id)

    async def remove_contact(self, request: PageRequest) -> Answer:
        """Remove a contact point of the user."""
        platform, user_id = await self.browser.platform(request.query("platform")), request.query("user")
        kind = next((kind for kind in CONTACT_KINDS if kind == request.form["kind"]), None)
        if platform is None or kind is None:
            return see_other(_HOME)
        await self.contacts.remove(platform, user_id, kind, request.actor)
        return _to("/user", platform=platform.code, user=user_id)

    async def set_disabled(self, request: PageRequest) -> Answer:
        """Disable or enable the user."""
        platform, user_id = await self.browser.platform(request.query("platform")), request.query("user")
        if platform is None or await self.browser.find_user(platform, user_id) is None:
            return see_other(_HOME)
        disabled = request.form["disabled"] == "1"
        await self.edits.set_disabled(platform, user_id, disabled=disabled, by=request.actor)
        return _to("/user", platform=platform.code, user=user_id)

    async def audience(self, request: PageRequest) -> Answer:
        """Show how many users the chosen organisations and roles have, and some of them.

        The form changes nothing; it is posted because an address has no room for many organisations.
        """
        fields = request.form or Form(request.http.query_params)
        platforms = await self.platforms.all()
        platform = await self.browser.platform(fields["platform"] or next((it.code for it in platforms), ""))
        if platform is None:
            return _NOT_FOUND if platforms else see_other(_HOME)
        preview, error = None, None
        try:
            if (audience := audience_in(fields)) is not None:
                preview = await self.previews.preview(platform, audience, _SAMPLE)
        except Refusal as refusal:
            error = refusal
        values = {
            "platforms": platforms,
            "platform": platform.code,
            "choice": await self.picker.choice(platform, fields),
            "preview": preview,
            "role_name": role_name,
        }
        return View("operator_audience.html", values, form=fields, error=error)

    async def _org(self, request: PageRequest) -> tuple[Platform | None, OrgInLine | None]:
        """Return the platform and the organisation in the query."""
        platform = await self.browser.platform(request.query("platform"))
        if platform is None:
            return None, None
        return platform, await self.browser.find_org(platform, request.query("org"))

    async def _csv(self, language: Language, platform: Platform, org: OrgInLine) -> AsyncIterator[str]:
        yield BYTE_ORDER_MARK + csv_line(*(column.in_language(language) for column in _COLUMNS))
        cursor: str | None = ""
        while cursor is not None:
            page = await self.browser.members(platform, org.row, cursor, _EXPORTED_AT_ONCE, include_sub=True)
            rows = await self.browser.org_rows({item.org_number for item in page.items}, platform)
            for item in page.items:
                row, user = rows[item.org_number], item.user
                disabled = Phrase("是", "yes").in_language(language) if user.disabled else ""
                for role in item.roles:
                    named = role_name(role).in_language(language)
                    yield csv_line(row.org_id, row.name, user.user_id, user.name, role, named, disabled)
            cursor = page.next_cursor


def _to(page: str, **query: str) -> Answer:
    return see_other(f"{_HOME}{page}?{urlencode({**query, 'done': 'saved'})}")
