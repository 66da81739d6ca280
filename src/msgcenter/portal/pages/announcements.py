"""For operators: announcements, written by one of them and approved by another."""

import json
from dataclasses import dataclass
from typing import get_args

from starlette.responses import Response

from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.messages.audience_previews import AudiencePreview, AudiencePreviews
from msgcenter.actions.portal.announcement_views import AnnouncementViews
from msgcenter.actions.portal.announcements import Announcements
from msgcenter.domain.announcement import AnnouncementVersion, State, fields_of, headline_of, steps_open
from msgcenter.domain.content import MAX_FORM_ROWS
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import MAX_NUMBER, Form, PageRequest, whole_number
from msgcenter.portal.pages.announcement_form import AnnouncementForm, request_of
from msgcenter.portal.pages.audience_picker import AudiencePicker, audience_in
from msgcenter.portal.texts.roles import role_name

_ROWS = 50
_HOME = "/operator/announcements"


@dataclass(frozen=True)
class AnnouncementPages:
    """List, write and review announcements."""

    announcements: Announcements
    views: AnnouncementViews
    platforms: Platforms
    form: AnnouncementForm
    picker: AudiencePicker
    previews: AudiencePreviews

    async def list_announcements(self, request: PageRequest) -> Answer:
        """List announcements, newest first, of the state and the platform in the query."""
        state = next((state for state in get_args(State) if state == request.query("state")), None)
        before = whole_number(request.query("before"))
        rows, next_before = await self.views.page(
            state, request.query("platform") or None, MAX_NUMBER if before is None else before, _ROWS
        )
        return View(
            "operator_announcements.html",
            {
                "rows": [(row, headline_of(row.version)) for row in rows],
                "next_before": next_before,
                "states": get_args(State),
                "reviewers": await self.views.other_operators(request.person),
                "platforms": {platform.code: platform.name for platform in await self.platforms.all()},
            },
        )

    # --- Writing ----------------------------------------------------------------------------------------------------

    async def new(self, request: PageRequest) -> Answer:
        """Show the form of a new announcement, or of a copy of an earlier one."""
        form, number = request.form, request.query("copy")
        if number and not form:
            source = await self.views.open(_number(number), request.person)
            form = Form({**self.form.fields_of(source.version), "sendTime": "", "expireTime": ""})
        return await self._form_page(form, None)

    async def create(self, request: PageRequest) -> Answer:
        """Save a new announcement, and submit it if the form says so."""
        # The button that finds organisations saves nothing.
        if request.form["then"] == "find":
            return await self._form_page(request.form, None)
        version = self.form.version_in(request.form)
        number = await self.announcements.draft(version, request.person, request.actor)
        return await self._saved(request, number, 1)

    async def edit(self, request: PageRequest) -> Answer:
        """Show the form of an announcement."""
        opened = await self.views.open(_number_in_path(request), request.person)
        form = request.form
        if not form:
            form = Form({**self.form.fields_of(opened.version), "version": str(opened.version.number)})
        return await self._form_page(form, opened.announcement.number)

    async def save(self, request: PageRequest) -> Answer:
        """Save a new version of an announcement, and submit it if the form says so."""
        number = _number_in_path(request)
        if request.form["then"] == "find":
            return await self._form_page(request.form, number)
        version = self.form.version_in(request.form)
        saved = await self.announcements.edit(
            number, _version(request), version, person=request.person, by=request.actor
        )
        return await self._saved(request, number, saved)

    async def _saved(self, request: PageRequest, number: int, version: int) -> Response:
        if request.form["then"] != "submit":
            return see_other(f"{_HOME}/{number}", "saved")
        try:
            await self.announcements.submit(number, version, request.person, request.actor)
        except Refusal:  # changed in between, or no other operator: the version is saved, and its page shows the state
            return see_other(f"{_HOME}/{number}", "saved")
        return see_other(f"{_HOME}/{number}", "drafted")

    async def _form_page(self, form: Form, number: int | None) -> View:
        platforms = await self.platforms.all()
        code = form["platform"] or (platforms[0].code if platforms else "")
        values = {
            "number": number,
            "platforms": platforms,
            "platform": code,
            "choice": await self.picker.choice_of_code(code, form),
            "audience_preview": await self._preview(code, form) if form["audience"] == "organisations" else None,
            "role_name": role_name,
            "rows": range(1, MAX_FORM_ROWS + 1),
            "zone": self.form.times.zone.key,
        }
        return View("operator_announcement_form.html", values, form=form)

    async def _preview(self, code: str, form: Form) -> AudiencePreview | None:
        """Return whom the form's organisations would reach; None if it does not say so correctly, yet."""
        try:
            audience = audience_in(form)
            return None if audience is None else await self.previews.preview_of_code(code, audience, 0)
        except Refusal as refusal:
            if refusal.reason is Reason.DATABASE_UNAVAILABLE:
                raise
            return None

    # --- Reviewing --------------------------------------------------------------------------------------------------

    async def show(self, request: PageRequest) -> Answer:
        """Show an announcement as its readers will see it, what changed, and the possible steps."""
        opened = await self.views.open(_number_in_path(request), request.person)
        announcement, version = opened.announcement, opened.version
        platforms = {platform.code: platform.name for platform in await self.platforms.all()}
        return View(
            "operator_announcement.html",
            {
                "announcement": announcement,
                "version": version,
                "opened": opened,
                "fields": fields_of(version),
                "request": json.dumps(request_of(version), ensure_ascii=False),
                "platform": platforms.get(version.platform_code, version.platform_code),
                "audience": await self._receivers(version),
                "app_id": await self.views.app_id(version.platform_code),
                "report": await self.views.message_status(announcement, version),
                "open_steps": steps_open(announcement.state),
                "reviewers": await self.views.other_operators(request.person),
                "is_late": version.send_at is not None and version.send_at < now_ms(),
            },
        )

    async def _receivers(self, version: AnnouncementVersion) -> int:
        """Return how many users a version would have now; of organisations that exist."""
        if version.audience is None:
            return await self.views.audience(version.platform_code)
        try:
            return (await self.previews.preview_of_code(version.platform_code, version.audience, 0)).receivers
        except Refusal as refusal:
            if refusal.reason is not Reason.ORGANISATION_UNKNOWN:
                raise
            return 0

    async def submit(self, request: PageRequest) -> Answer:
        """Ask for an approval."""
        number = _number_in_path(request)
        await self.announcements.submit(number, _version(request), request.person, request.actor)
        return see_other(f"{_HOME}/{number}", "drafted")

    async def approve(self, request: PageRequest) -> Answer:
        """Approve the version that the person has seen, which sends it."""
        number = _number_in_path(request)
        await self.announcements.approve(number, _version(request), request.person, request.actor)
        return see_other(f"{_HOME}/{number}", "approved")

    async def send_back(self, request: PageRequest) -> Answer:
        """Return the announcement to its author with a reason."""
        number, reason = _number_in_path(request), request.form["reason"]
        await self.announcements.send_back(number, _version(request), reason, request.person, request.actor)
        return see_other(f"{_HOME}/{number}", "rejected")

    async def withdraw(self, request: PageRequest) -> Answer:
        """Discard an announcement that is not sent."""
        number = _number_in_path(request)
        await self.announcements.withdraw(number, _version(request), request.person, request.actor)
        return see_other(f"{_HOME}/{number}", "withdrawn")

    async def recall(self, request: PageRequest) -> Answer:
        """Recall a sent announcement from every inbox."""
        number = _number_in_path(request)
        await self.announcements.recall(number, _version(request), request.person, request.actor)
        return see_other(f"{_HOME}/{number}", "recalled")


def _number_in_path(request: PageRequest) -> int:
    return _number(request.path_part("number"))


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    return number


def _version(request: PageRequest) -> int:
    version = whole_number(request.form["version"])
    if version is None:
        raise malformed("version", "请刷新页面后重试", "is missing; reload the page")
    return version
