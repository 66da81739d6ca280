"""Templates: who may save, approve and archive them, and which version messages use."""

from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels import template_use
from msgcenter.actions.channels.template_use import TemplateUse
from msgcenter.actions.channels.templates import Templates
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.audience import Receivers
from msgcenter.domain.channels.template import TemplateCall, TemplateContent, content_of
from msgcenter.domain.content import Text
from msgcenter.domain.person import COMMAND, Actor
from msgcenter.domain.refusal import Refusal
from msgcenter.store import audit
from msgcenter.store.audit import AuditFilter
from msgcenter.store.channels import message_params
from msgcenter.store.messages.node_lease import NodeLease
from tests.conftest import PLATFORM, SECRET_KEY
from tests.scene import HOME

DEVELOPER = Actor("person", "dev@example.edu", "")
HOME_ZONE = ZoneInfo("Asia/Shanghai")
OPERATOR = Actor("person", "op@example.edu", "")


def _content(text: str = "{{ name }}") -> TemplateContent:
    parts: dict[str, Any] = {"zh": {"inbox": {"kind": "text", "content": text}}}
    return content_of({"variables": [{"name": "name"}], "parts": parts})


class Desk:
    """Two apps, and the templates of their platform."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.templates = Templates(database)
        monkeypatch.setattr(template_use, "_REMEMBERED_SECONDS", -1)

    async def open(self) -> tuple[App, App]:
        """Create the apps."""
        apps = Apps(self.database, KeyRing(SECRET_KEY))
        return (await apps.create("First", PLATFORM)).app, (await apps.create("Second", PLATFORM)).app

    async def want_approval(self) -> None:
        """Let the platform want its templates approved."""
        async with self.database.connection() as connection:
            await connection.execute(
                "insert into channel_settings (platform_code, approves_templates) values ($1, true)", PLATFORM
            )

    async def text(self, app: App, reference: str = "news", **params: object) -> str:
        """Return the text that a message of a template has."""
        use = TemplateUse(self.database, HOME_ZONE)
        body, _ = await use.message(app, PLATFORM, TemplateCall(reference, params or {"name": "x"}))
        assert isinstance(body, Text)
        return body.content

    async def refused(self, app: App, reference: str = "news") -> str:
        """Return why a message cannot use a template."""
        with pytest.raises(Refusal) as refused:
            await self.text(app, reference)
        assert refused.value.data["field"] == "template"
        return refused.value.describe("en")

    async def actions(self) -> list[str]:
        """Return the actions about templates in the audit log, oldest first."""
        async with self.database.connection() as connection:
            entries = await audit.list_entries(connection, AuditFilter(action="template."), 100)
        return [entry.action for entry in reversed(entries)]


@pytest.fixture
def desk(database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk at an empty database."""
    return Desk(database, monkeypatch)


@pytest.fixture
async def lease(database: Database) -> AsyncIterator[NodeLease]:
    """A node number for message ids."""
    async with NodeLease(database.direct_url) as opened:
        yield opened


async def _refused(work: Any) -> str:
    with pytest.raises(Refusal) as refused:
        await work
    return str(refused.value.data.get("field"))


async def test_a_saved_version_is_in_use_at_once(desk: Desk) -> None:
    app, other = await desk.open()
    await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    assert await desk.text(app) == "x"
    assert "no such template" in await desk.refused(other)
    assert "no such template" in await desk.refused(app, "other")
    second = await desk.templates.save(
        PLATFORM, "news", "News", _content("{{ name }}!"), app=app, seen_version=1, by=DEVELOPER
    )
    assert (second.version, second.state) == (2, "approved")
    assert await desk.text(app) == "x!"
    assert await desk.text(app, "news@1") == "x"
    assert "no such approved version" in await desk.refused(app, "news@3")


async def test_a_draft_is_not_in_use_until_it_is_submitted(desk: Desk) -> None:
    app, _ = await desk.open()
    await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, submits=False, by=DEVELOPER)
    assert "no approved version" in await desk.refused(app)
    assert await desk.templates.submit(PLATFORM, "news", 1, app=app, by=DEVELOPER) == "approved"
    assert await desk.text(app) == "x"
    assert await desk.actions() == ["template.save", "template.submit"]


async def test_a_platform_may_want_its_apps_templates_approved(desk: Desk) -> None:
    app, _ = await desk.open()
    await desk.want_approval()
    first = await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    assert first.state == "waiting"
    assert [item.template.code for item in await desk.templates.waiting()] == ["news"]
    assert "no approved version" in await desk.refused(app)
    assert await _refused(desk.templates.reject(PLATFORM, "news", 1, " ", by=OPERATOR)) == "answer"
    await desk.templates.reject(PLATFORM, "news", 1, "Say who.", by=OPERATOR)
    report = await desk.templates.find(PLATFORM, "news", app=app)
    assert (report.newest.state, report.newest.answer, report.newest.decided_by) == (
        "rejected",
        "Say who.",
        "op@example.edu",
    )
    await desk.templates.save(PLATFORM, "news", "News", _content("{{ name }}?"), app=app, seen_version=1, by=DEVELOPER)
    await desk.templates.approve(PLATFORM, "news", 2, by=OPERATOR)
    assert await desk.text(app) == "x?"
    assert await desk.templates.waiting() == []
    assert await _refused(desk.templates.approve(PLATFORM, "news", 2, by=OPERATOR)) == "version"
    # The version in use stays until the next one is approved.
    await desk.templates.save(PLATFORM, "news", "News", _content("3{{ name }}"), app=app, seen_version=2, by=DEVELOPER)
    assert await desk.text(app) == "x?"
    assert await _refused(desk.templates.approve(PLATFORM, "news", 2, by=OPERATOR)) == "version"
    assert "no such approved version" in await desk.refused(app, "news@3")
    # A newer version replaces what waits.
    await desk.templates.save(PLATFORM, "news", "News", _content("4{{ name }}"), app=app, seen_version=3, by=DEVELOPER)
    report = await desk.templates.find(PLATFORM, "news")
    assert [(item.version, item.state) for item in report.versions] == [
        (4, "waiting"),
        (2, "approved"),
        (1, "rejected"),
    ]
    assert report.live is not None
    assert report.live.version == 2


async def test_operators_approve_their_own_templates_and_every_app_may_use_them(desk: Desk) -> None:
    app, other = await desk.open()
    await desk.want_approval()
    version = await desk.templates.save(PLATFORM, "news", "News", _content(), by=OPERATOR)
    assert version.state == "approved"
    assert await desk.text(app) == await desk.text(other) == "x"
    assert [item.template.code for item in await desk.templates.of_app(app)] == ["news"]
    save = desk.templates.save(PLATFORM, "news", "News", _content(), app=app, seen_version=1, by=DEVELOPER)
    assert await _refused(save) == "code"
    archive = desk.templates.archive(PLATFORM, "news", app=app, archived=True, by=DEVELOPER)
    assert await _refused(archive) == "code"


async def test_an_app_neither_sees_nor_changes_the_templates_of_another(desk: Desk) -> None:
    app, other = await desk.open()
    await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    assert await desk.templates.of_app(other) == []
    assert await _refused(desk.templates.find(PLATFORM, "news", app=other)) == "code"
    save = desk.templates.save(PLATFORM, "news", "News", _content(), app=other, seen_version=1, by=DEVELOPER)
    assert await _refused(save) == "code"
    assert await _refused(desk.templates.submit(PLATFORM, "news", 1, app=other, by=DEVELOPER)) == "code"


async def test_an_archived_template_makes_no_messages_until_it_is_restored(desk: Desk) -> None:
    app, _ = await desk.open()
    await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    for _ in range(2):
        await desk.templates.archive(PLATFORM, "news", app=app, archived=True, by=DEVELOPER)
    assert "archived" in await desk.refused(app)
    await desk.templates.archive(PLATFORM, "news", archived=False, by=COMMAND)
    assert await desk.text(app) == "x"
    assert await desk.actions() == ["template.save", "template.archive", "template.restore"]


async def test_what_is_saved_is_checked(desk: Desk) -> None:
    app, _ = await desk.open()
    save = desk.templates.save
    assert await _refused(save(PLATFORM, "News", "News", _content(), app=app, by=DEVELOPER)) == "code"
    assert await _refused(save(PLATFORM, "news", "", _content(), app=app, by=DEVELOPER)) == "name"
    assert await _refused(save(PLATFORM, "news", "\u200b", _content(), app=app, by=DEVELOPER)) == "name"
    assert await _refused(save("unknown", "news", "News", _content(), by=DEVELOPER)) == "platform"
    assert await _refused(save("unknown", "news", "News", _content(), app=app, by=DEVELOPER)) == "None"
    wrong = _content("{{ other }}")
    assert await _refused(save(PLATFORM, "news", "News", wrong, app=app, by=DEVELOPER)) == "parts.zh.inbox.content"
    assert await desk.templates.of_platform() == []
    await save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    assert await _refused(save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)) == "code"
    assert (
        await _refused(save(PLATFORM, "news", "News", _content(), app=app, seen_version=2, by=DEVELOPER)) == "version"
    )


async def test_a_message_keeps_its_template_until_its_content_is_another(desk: Desk, lease: NodeLease) -> None:
    app, _ = await desk.open()
    await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    sending = Sending(desk.database, lease, waiting_limit=10)
    sent = SentMessages(desk.database)
    to = Receivers.of([app.sandbox_user])

    async def kept(message_id: int) -> dict[str, object] | None:
        async with desk.database.connection() as connection:
            used = await message_params.find(connection, HOME.first_cell, [message_id])
        return used[message_id].params if used else None

    made = await sending.send(app, TemplateCall("news", {"name": "Ann"}), to)
    written = await sending.send(app, Text("Ann"), to)
    assert (await kept(made), await kept(written)) == ({"name": "Ann"}, None)
    await sent.update(app, made, TemplateCall("news", {"name": "Bob"}), reset_read=False, by=DEVELOPER)
    assert await kept(made) == {"name": "Bob"}
    await sent.update(app, made, Text("Carl"), reset_read=False, by=DEVELOPER)
    assert await kept(made) is None
    await sent.update(app, written, TemplateCall("news", {"name": "Dora"}), reset_read=False, by=DEVELOPER)
    assert await kept(written) == {"name": "Dora"}
    versions = await sent.versions(app, written)
    assert [version.content for version in versions] == ['{"content": "Ann"}', '{"content": "Dora"}']


async def test_a_repeated_request_keeps_one_message_and_its_template(desk: Desk, lease: NodeLease) -> None:
    app, _ = await desk.open()
    await desk.templates.save(PLATFORM, "news", "News", _content(), app=app, by=DEVELOPER)
    sending = Sending(desk.database, lease, waiting_limit=10)
    to = Receivers.of([app.sandbox_user])
    call = TemplateCall("news", {"name": "Ann"})
    ids = [await sending.send(app, call, to, request_id="r1") for _ in range(2)]
    assert ids[0] == ids[1]
    with pytest.raises(Refusal):
        await sending.send(app, TemplateCall("news", {"name": "Bob"}), to, request_id="r1")
    async with desk.database.connection() as connection:
        assert await connection.fetchval("select count(*) from message_params") == 1
