"""Templates: written by developers for their app or by operators for a platform, and approved where it is wanted."""

from typing import NamedTuple

import msgspec

from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.channels.rendering import check_content
from msgcenter.domain.channels.template import (
    MAX_ANSWER,
    Code,
    Template,
    TemplateContent,
    TemplateVersion,
    Title,
    VersionState,
)
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.domain.struct_rules import refusal_of
from msgcenter.domain.visible import shows_nothing
from msgcenter.store import audit
from msgcenter.store.apps.platforms import list_platforms
from msgcenter.store.channels import templates
from msgcenter.store.channels.templates import ListedTemplate


class _Name(msgspec.Struct):
    code: Code
    name: Title


class TemplateReport(NamedTuple):
    """A template with its versions, newest first."""

    template: Template
    versions: list[TemplateVersion]

    @property
    def newest(self) -> TemplateVersion:
        """The newest version."""
        return self.versions[0]

    @property
    def live(self) -> TemplateVersion | None:
        """The version in use."""
        return next((item for item in self.versions if item.version == self.template.live_version), None)


class Templates:
    """The templates of all platforms.

    `app` is the app whose developers ask: they change its own templates and see those that all apps may use. Operators
    and commands ask with None. An unknown template is refused with FIELD_MALFORMED (code). Changes are in the audit log
    in the name of `by`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_platform(self, platform_code: str | None = None) -> list[ListedTemplate]:
        """Return the templates of a platform, or of all, by platform and code."""
        async with self._database.connection() as connection:
            return await templates.list_templates(connection, platform_code)

    async def of_app(self, app: App) -> list[ListedTemplate]:
        """Return the templates that an app may use, its own ones first: on its platforms, by code."""
        codes = {app.platform_code, *app.platforms}
        async with self._database.connection() as connection:
            own = await templates.list_templates(connection, app_number=app.number)
            listed = [item for code in sorted(codes) for item in await templates.list_templates(connection, code)]
        return own + [item for item in listed if item.template.app_number is None]

    async def waiting(self) -> list[ListedTemplate]:
        """Return the templates that wait for an operator's approval."""
        return [item for item in await self.of_platform() if item.state == "waiting"]

    async def find(self, platform_code: str, code: str, *, app: App | None = None) -> TemplateReport:
        """Return a template with its versions."""
        async with self._database.connection() as connection:
            template = await templates.find(connection, platform_code, code)
            if template is None or (app is not None and template.app_number not in {None, app.number}):
                raise _unknown()
            return TemplateReport(template, await templates.versions(connection, template.number))

    async def wants_approval(self, platform_code: str) -> bool:
        """Return whether an operator has to approve the templates of a platform's apps."""
        async with self._database.connection() as connection:
            return await templates.wants_approval(connection, platform_code)

    async def check(self, platform_code: str, content: TemplateContent) -> None:
        """Refuse a content that `save` would refuse."""
        check_content(content, await self._app_schemes(platform_code))

    async def save(
        self,
        platform_code: str,
        code: str,
        name: str,
        content: TemplateContent,
        *,
        app: App | None = None,
        seen_version: int | None = None,
        submits: bool = True,
        by: Actor,
    ) -> TemplateVersion:
        """Save a new version of a template, which is new if `seen_version` is None, and return it.

        It replaces drafts and versions that wait. If it is submitted, it is in use at once, unless it is of an app and
        the platform wants its templates approved. Refuses as `check_content` does, with FIELD_MALFORMED (platform,
        code, name, or version: it is not the newest one), or with NOT_AUTHORISED (a platform without a grant).
        """
        try:
            msgspec.convert({"code": code, "name": name}, _Name)
        except msgspec.ValidationError as error:
            raise refusal_of(str(error), _Name) from None
        if shows_nothing(name) or not name.isprintable():
            raise malformed("name", "须为一行可见字符", "must be one line with a visible character")
        if app is not None:
            app.platform_for(platform_code)
        await self.check(platform_code, content)
        return await self._save(
            platform_code, code, name, content, app=app, seen_version=seen_version, submits=submits, by=by
        )

    @transactional
    async def _save(
        self,
        connection: Connection,
        platform_code: str,
        code: str,
        name: str,
        content: TemplateContent,
        *,
        app: App | None,
        seen_version: int | None,
        submits: bool,
        by: Actor,
    ) -> TemplateVersion:
        now = now_ms()
        if seen_version is None:
            number = None if app is None else app.number
            template = await templates.insert(connection, platform_code, code, name=name, app_number=number, now=now)
            if template is None:
                raise malformed("code", "已被使用", "is taken")
            newest = 0
        else:
            template = await self._locked(connection, platform_code, code, app)
            newest = (await templates.versions(connection, template.number))[0].version
            if newest != seen_version:
                raise _changed()
        state = await self._submitted(connection, template) if submits else "draft"
        is_live = state == "approved"
        version = TemplateVersion(
            template_number=template.number,
            version=newest + 1,
            state=state,
            content=content,
            created_at=now,
            created_by=by.name,
            decided_at=now if is_live else None,
            decided_by=by.name if is_live else None,
        )
        await templates.delete_undecided(connection, template.number)
        await templates.insert_version(connection, version)
        live_version = version.version if is_live else template.live_version
        await templates.change(connection, template.number, name, live_version, template.archived_at)
        await self._record(connection, by, "template.save", template, now, version=version.version, state=state)
        return version

    @transactional
    async def submit(
        self, connection: Connection, platform_code: str, code: str, seen_version: int, *, app: App | None, by: Actor
    ) -> VersionState:
        """Submit the newest version, a draft, as `save` does; return its state."""
        template, version = await self._undecided(connection, platform_code, code, seen_version, app=app, state="draft")
        state = await self._submitted(connection, template)
        if state == "approved":
            await self._approve(connection, template, version, by, "template.submit")
        else:
            await templates.set_state(connection, template.number, version.version, state)
            await self._record(
                connection, by, "template.submit", template, now_ms(), version=version.version, state=state
            )
        return state

    @transactional
    async def approve(self, connection: Connection, platform_code: str, code: str, version: int, *, by: Actor) -> None:
        """Approve the version that waits, which is in use then. For operators."""
        template, waiting = await self._undecided(connection, platform_code, code, version, state="waiting")
        await self._approve(connection, template, waiting, by, "template.approve")

    async def reject(self, platform_code: str, code: str, version: int, answer: str, *, by: Actor) -> None:
        """Reject the version that waits, and say why. For operators."""
        answer = answer.strip()
        if not 1 <= len(answer) <= MAX_ANSWER or "\0" in answer:
            raise malformed("answer", f"须为1–{MAX_ANSWER}个字符", f"must be 1-{MAX_ANSWER} characters")
        await self._reject(platform_code, code, version, answer, by=by)

    @transactional
    async def _reject(
        self, connection: Connection, platform_code: str, code: str, version: int, answer: str, *, by: Actor
    ) -> None:
        template, waiting = await self._undecided(connection, platform_code, code, version, state="waiting")
        now = now_ms()
        await templates.decide(
            connection, template.number, waiting.version, state="rejected", by=by.name, answer=answer, now=now
        )
        await self._record(connection, by, "template.reject", template, now, version=version, reason=answer)

    @transactional
    async def archive(
        self,
        connection: Connection,
        platform_code: str,
        code: str,
        *,
        app: App | None = None,
        archived: bool,
        by: Actor,
    ) -> None:
        """Archive a template, or restore it. New messages cannot use an archived one; earlier ones keep its texts."""
        template = await self._locked(connection, platform_code, code, app)
        if (template.archived_at is not None) == archived:
            return
        now = now_ms()
        await templates.change(
            connection, template.number, template.name, template.live_version, now if archived else None
        )
        await self._record(connection, by, "template.archive" if archived else "template.restore", template, now)

    async def _approve(
        self, connection: Connection, template: Template, version: TemplateVersion, by: Actor, action: str
    ) -> None:
        now = now_ms()
        await templates.decide(connection, template.number, version.version, state="approved", by=by.name, now=now)
        await templates.change(connection, template.number, template.name, version.version, template.archived_at)
        await self._record(connection, by, action, template, now, version=version.version, state="approved")

    async def _submitted(self, connection: Connection, template: Template) -> VersionState:
        """Return the state of a version that is submitted: operators have approved their own ones."""
        if template.app_number is not None and await templates.wants_approval(connection, template.platform_code):
            return "waiting"
        return "approved"

    async def _locked(self, connection: Connection, platform_code: str, code: str, app: App | None) -> Template:
        template = await templates.find(connection, platform_code, code, lock=True)
        if template is None or (app is not None and template.app_number != app.number):
            raise _unknown()
        return template

    async def _undecided(
        self,
        connection: Connection,
        platform_code: str,
        code: str,
        seen_version: int,
        *,
        app: App | None = None,
        state: VersionState,
    ) -> tuple[Template, TemplateVersion]:
        template = await self._locked(connection, platform_code, code, app)
        newest = (await templates.versions(connection, template.number))[0]
        if newest.version != seen_version or newest.state != state:
            raise _changed()
        return template, newest

    async def _record(
        self, connection: Connection, by: Actor, action: str, template: Template, now: int, **detail: object
    ) -> None:
        subject = f"{template.platform_code}/{template.code}"
        await audit.record(connection, by, action, subject, now=now, app_number=template.app_number, **detail)

    async def _app_schemes(self, platform_code: str) -> frozenset[str]:
        async with self._database.connection() as connection:
            for platform in await list_platforms(connection):
                if platform.code == platform_code:
                    return frozenset(platform.app_schemes)
        raise malformed("platform", "请选择一个平台", "must be one of the platforms")


def _unknown() -> Refusal:
    return malformed("code", "没有此模板", "there is no such template")


def _changed() -> Refusal:
    return malformed("version", "已有新的版本或决定,请刷新后重试", "has changed; look at the newest version first")
