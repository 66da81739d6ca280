"""Templates: developers write those of their app, operators those of a platform, and approve what waits."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.channels.templates import TemplateReport, Templates
from msgcenter.actions.messages.sending import Sending
from msgcenter.domain.account import App
from msgcenter.domain.audience import Receivers
from msgcenter.domain.channels.rendering import example_params, message_body
from msgcenter.domain.channels.template import MAX_VARIABLES, TemplateContent, TemplateVersion, content_of
from msgcenter.domain.channels.values import check_params
from msgcenter.domain.content import MAX_FORM_ROWS
from msgcenter.domain.language import Language
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import Form, PageRequest, whole_number
from msgcenter.portal.pages.template_form import (
    CHANNEL_FIELDS,
    EMPTY_ROWS,
    KINDS,
    LANGUAGES,
    VARIABLE_KINDS,
    content_in,
    fields_of,
    in_form,
)
from msgcenter.portal.pages.template_preview import previews_of
from msgcenter.portal.texts.channels import channel_name
from msgcenter.portal.times import Times

PREVIEW_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' https: http: data:; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""The preview is a frame of the editor, and mails in it have their styles inline. They run no scripts."""


@dataclass(frozen=True)
class TemplatePages:
    """List, write, preview and approve templates: those of the app in the path, or all for operators."""

    templates: Templates
    platforms: Platforms
    sending: Sending
    times: Times

    async def list_templates(self, request: PageRequest) -> Answer:
        """List the templates that an app may use, or all of the platform in the query; first those that wait."""
        app = _app(request)
        if app is not None:
            listed = await self.templates.of_app(app)
        else:
            listed = await self.templates.of_platform(request.query("platform") or None)
        waiting = [] if app is not None else await self.templates.waiting()
        values = {"listed": listed, "waiting": waiting, "here": _home(request), "platforms": await self._platforms(app)}
        return View("templates.html", values)

    # --- Writing ----------------------------------------------------------------------------------------------------

    async def edit(self, request: PageRequest) -> Answer:
        """Show the editor of a new template, of a copy, or of an own one; and what another one says."""
        app, code = _app(request), request.query("code") or (request.form["seen"] and request.form["code"])
        if not code:
            return await self._editor(request, None, request.form or await self._copied(request))
        report = await self._report(request, app, code)
        if report.template.app_number != (None if app is None else app.number):
            return await self._shown(request, report)
        form = request.form if "zh.kind" in request.form else Form()
        if not form:
            form = fields_of(report.newest.content)
            form |= {"name": report.template.name, "seen": str(report.newest.version)}
        form |= {"platform": report.template.platform_code, "code": report.template.code}
        return await self._editor(request, report, form)

    async def save(self, request: PageRequest) -> Answer:
        """Save a new version of a template, and submit it unless the form says that it is a draft."""
        form = request.form
        try:
            version = await self.templates.save(
                form["platform"],
                form["code"],
                form["name"],
                content_of(content_in(form)),
                app=_app(request),
                seen_version=whole_number(form["seen"]),
                submits=form["then"] != "draft",
                by=request.actor,
            )
        except Refusal as refusal:
            if refusal.reason is Reason.DATABASE_UNAVAILABLE:
                raise
            raise in_form(refusal, form) from None
        done = {"draft": "saved", "waiting": "template-waits"}.get(version.state, "template-live")
        return _back(request, done)

    async def submit(self, request: PageRequest) -> Answer:
        """Submit the newest version, a draft."""
        form = request.form
        state = await self.templates.submit(
            form["platform"], form["code"], _version(form), app=_app(request), by=request.actor
        )
        return _back(request, "template-live" if state == "approved" else "template-waits")

    async def archive(self, request: PageRequest) -> Answer:
        """Archive a template, or restore it."""
        form, archived = request.form, request.form["archived"] == "1"
        await self.templates.archive(
            form["platform"], form["code"], app=_app(request), archived=archived, by=request.actor
        )
        return _back(request, "template-archived" if archived else "template-restored")

    async def send_test(self, request: PageRequest) -> Answer:
        """Send what the form makes of its samples to the app's sandbox user, and show the form again."""
        form, app = request.form, request.required_app.app
        content = await self._checked(form)
        language: Language = next((item for item in content.languages() if item == request.language), "zh")
        params = check_params(content.variables, example_params(content.variables))
        body = message_body(content, params, language=language, zone=self.times.zone, business_id="template-test")
        await self.sending.send(app, body, Receivers.of([app.sandbox_user]))
        answer = await self.edit(request)
        assert isinstance(answer, View)
        return View(answer.template, {**answer.values, "tested": app.sandbox_user}, form=answer.form)

    # --- Previews ---------------------------------------------------------------------------------------------------

    async def preview(self, request: PageRequest) -> Answer:
        """Show what the form makes of its samples, or why it makes nothing."""
        form = request.form
        try:
            content = await self._checked(form)
        except Refusal as refusal:
            if refusal.reason is Reason.DATABASE_UNAVAILABLE:
                raise
            return View("template_preview.html", {"previews": [], "problem": refusal}, policy=PREVIEW_POLICY)
        return self._previewed(request, content)

    async def preview_version(self, request: PageRequest) -> Answer:
        """Show what the version in the query makes of its samples; nothing without one."""
        if not request.query("code"):
            return View("template_preview.html", {"previews": [], "problem": None}, policy=PREVIEW_POLICY)
        report = await self._report(request, _app(request), request.query("code"))
        return self._previewed(request, _chosen(request, report).content)

    def _previewed(self, request: PageRequest, content: TemplateContent) -> View:
        app = request.app.app.name if request.app else "MsgCenter"
        previews = previews_of(content, self.times, app_name=app, sender=request.person.name, server=request.server)
        values = {"previews": previews, "problem": None, "channel_name": channel_name, "app_name": app}
        return View("template_preview.html", values, policy=PREVIEW_POLICY)

    async def _checked(self, form: Form) -> TemplateContent:
        try:
            content = content_of(content_in(form))
            await self.templates.check(form["platform"], content)
        except Refusal as refusal:
            if refusal.reason is Reason.DATABASE_UNAVAILABLE:
                raise
            raise in_form(refusal, form) from None
        return content

    # --- For operators ----------------------------------------------------------------------------------------------

    async def decide(self, request: PageRequest) -> Answer:
        """Approve the version that waits, or reject it with a reason."""
        form = request.form
        if form["decision"] == "approve":
            await self.templates.approve(form["platform"], form["code"], _version(form), by=request.actor)
            return _back(request, "template-live")
        await self.templates.reject(form["platform"], form["code"], _version(form), form["answer"], by=request.actor)
        return _back(request, "template-rejected")

    # --- Views ------------------------------------------------------------------------------------------------------

    async def _shown(self, request: PageRequest, report: TemplateReport) -> View:
        values = {"report": report, "version": _chosen(request, report), "here": _home(request)}
        return View("template.html", values)

    async def _editor(self, request: PageRequest, report: TemplateReport | None, form: Form) -> View:
        app = _app(request)
        platforms = await self._platforms(app)
        code = form["platform"] or (platforms[0][0] if platforms else "")
        rows = [number for number in range(1, MAX_VARIABLES + 1) if form[f"v{number}.name"]]
        values: dict[str, Any] = {
            "report": report,
            "here": _home(request),
            "platforms": platforms,
            "languages": LANGUAGES,
            "kinds": KINDS,
            "variable_kinds": VARIABLE_KINDS,
            "variable_rows": range(1, min(MAX_VARIABLES, max(rows, default=0) + EMPTY_ROWS) + 1),
            "form_rows": range(1, MAX_FORM_ROWS + 1),
            "channel_fields": CHANNEL_FIELDS,
            "channel_name": channel_name,
            "waits_first": app is not None and bool(code) and await self.templates.wants_approval(code),
            "tested": "",
        }
        return View("template_edit.html", values, form=form)

    async def _copied(self, request: PageRequest) -> Form:
        code = request.query("copy")
        if not code:
            return Form({"zh.kind": "text", "v1.required": "1"})
        report = await self._report(request, _app(request), code)
        return Form({**fields_of(report.newest.content), "name": report.template.name})

    async def _platforms(self, app: App | None) -> list[tuple[str, str]]:
        """Return the codes and names of the platforms that templates can be written for."""
        records = await self.platforms.all()
        allowed = None if app is None else {app.platform_code, *app.platforms}
        return [(record.code, record.name) for record in records if allowed is None or record.code in allowed]

    async def _report(self, request: PageRequest, app: App | None, code: str) -> TemplateReport:
        try:
            return await self.templates.find(request.query("platform") or request.form["platform"], code, app=app)
        except Refusal as refusal:
            if refusal.reason is Reason.FIELD_MALFORMED:
                raise Refusal(Reason.MESSAGE_UNKNOWN) from None
            raise


def _app(request: PageRequest) -> App | None:
    return None if request.app is None else request.app.app


def _home(request: PageRequest) -> str:
    return "/operator/templates" if request.app is None else f"/apps/{request.app_id}/templates"


def _back(request: PageRequest, done: str) -> Response:
    return see_other(_home(request), done)


def _chosen(request: PageRequest, report: TemplateReport) -> TemplateVersion:
    number = whole_number(request.query("version"))
    return next((version for version in report.versions if version.version == number), report.newest)


def _version(form: Form) -> int:
    number = whole_number(form["seen"])
    if number is None:
        raise malformed("version", "请刷新页面后重试", "is missing; reload the page")
    return number
