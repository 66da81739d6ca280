"""Templates in the portal: written with a preview, tested, approved where the platform wants it."""

import re
import secrets
from html import unescape
from typing import Any

import pytest

from msgcenter.database.database import Database
from msgcenter.portal.pages.templates import PREVIEW_POLICY
from tests.conftest import Credentials, Raw, SharedConnections, new_app, wait_for
from tests.gateway.calls import Json, accepted, refused
from tests.portal.conftest import Company, Visitor

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def platform() -> str:
    """A platform that no other test uses."""
    return f"p{secrets.token_hex(5)}"


@pytest.fixture
def app(shared_database: str, platform: str) -> Credentials:
    """An app of that platform."""
    return wait_for(new_app(shared_database, platform))


@pytest.fixture
def home(app: Credentials) -> str:
    """The path of the app's templates."""
    return f"/apps/{app.app_id}/templates"


def _fields(platform: str, code: str = "meeting", **more: str) -> dict[str, str]:
    return {
        "platform": platform,
        "code": code,
        "name": "Parents' meeting",
        "v1.name": "title",
        "v1.kind": "text",
        "v1.required": "1",
        "v1.sample": "家长会",
        "v3.name": "due",
        "v3.kind": "date",
        "v3.sample": "2026-12-01T15:00",
        "zh.kind": "oa",
        "zh.oa.head.text": "{{ title }}",
        "zh.oa.head.bgColor": "#2f6fde",
        "zh.oa.body.title": "通知",
        "zh.oa.row2.key": "时间",
        "zh.oa.row2.value": "{{ due }}",
        "zh.oa.pcUrl": "https://school.example/",
        "zh.email.html": "<p>{{ title }}</p>",
        "zh.sms.code": "SMS_1",
        "zh.sms.variables": "title={{ title }}\nlink = {{ link }}",
        "en.kind": "text",
        "en.text.content": "{{ title }} {{ due }}",
        **more,
    }


def _send(user: str, code: str) -> Json:
    return {"receiverIds": [user], "template": code, "params": {"title": "x"}, "busiId": "1"}


async def _want_approval(database: Database, platform: str) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "insert into channel_settings (platform_code, approves_templates) values ($1, true)", platform
        )


def _value(page: str, name: str) -> str:
    """Return what a field of a page contains."""
    area = re.search(rf'<textarea[^>]* name="{re.escape(name)}"[^>]*>([^<]*)</textarea>', page)
    if area is not None:
        return unescape(area[1])
    field = re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]*>', page)
    assert field is not None, name
    value = re.search(r'value="([^"]*)"', field[0])
    return unescape(value[1]) if value else ""


def test_a_developer_writes_a_template_that_the_app_uses_at_once(
    developer: Visitor, raw: Raw, home: str, platform: str, user: str
) -> None:
    saved = developer.post(f"{home}/edit", then="submit", **_fields(platform))
    assert saved.status_code == 303, saved.text
    assert saved.headers["location"].endswith("?done=template-live")
    assert "Version 1 in use" in developer.get(home).text
    page = developer.get(f"{home}/edit?platform={platform}&code=meeting").text
    for name, value in _fields(platform).items():
        if not name.endswith(".kind") and "row2" not in name:
            assert _value(page, name.replace("v3", "v2")) == value.replace("link = ", "link="), name
    assert _value(page, "zh.oa.row1.key") == "时间"
    accepted(raw, "sendMsg", _send(user, "meeting"))


def test_a_new_version_replaces_the_one_in_use(developer: Visitor, home: str, platform: str) -> None:
    page = f"{home}/edit?platform={platform}&code=meeting"
    developer.post(f"{home}/edit", then="submit", **_fields(platform))
    draft = developer.post(f"{home}/edit", then="draft", seen="1", **_fields(platform, name="Renamed"))
    assert draft.headers["location"].endswith("?done=saved")
    shown = developer.get(page).text
    assert "Draft" in shown
    assert _value(shown, "name") == "Renamed"
    late = developer.post(f"{home}/edit", page=page, then="draft", seen="1", **_fields(platform))
    assert (late.status_code, "look at the newest version" in late.text) == (422, True)
    done = developer.post(f"{home}/submit", page=page, platform=platform, code="meeting", seen="2")
    assert done.headers["location"].endswith("?done=template-live")
    assert "Version 2 in use" in developer.get(home).text


def test_a_refused_template_shows_its_fields_and_the_reason_at_its_field(
    developer: Visitor, home: str, platform: str
) -> None:
    cases = {
        "v1.name": {"v1.name": "9"},
        "v3.name": {"zh.oa.row2.value": "x", "en.text.content": "{{ title }}"},
        "v3.sample": {"v3.sample": "soon"},
        "zh.kind": {"zh.kind": "", "en.kind": ""},
        "zh.oa.head.text": {"zh.oa.head.text": "{{ other }}"},
        "zh.oa.row2.value": {"zh.oa.row2.value": "{{ due() }}"},
        "zh.oa.pcUrl": {"zh.oa.pcUrl": ""},
        "zh.email.html": {"zh.email.html": HOSTILE},
        "zh.sms.variables": {"zh.sms.variables": "a={{ b }}"},
        "zh.push.text": {"zh.push.text": "{% if %}"},
        "en.text.content": {"en.text.content": ""},
        "code": {"code": "Not a code"},
        "name": {"name": ""},
    }
    for field, changes in cases.items():
        answer = developer.post(f"{home}/edit", then="submit", **{**_fields(platform), **changes})
        assert answer.status_code == 422, field
        place = field.replace("v3.sample", "v3.name").replace("row2", "row1")
        assert f'id="wrong-{place}"' in answer.text, field
        assert _value(answer.text, "v1.sample") == "家长会"
        assert HOSTILE not in answer.text
    assert "No templates yet" in developer.get(home).text


def test_the_preview_shows_every_channel_in_every_language(developer: Visitor, home: str, platform: str) -> None:
    fields = _fields(platform, **{"v1.sample": f"A & {HOSTILE}", "zh.push.title": "Push {{ title }}"})
    answer = developer.post(f"{home}/preview", page=f"{home}/edit", **fields)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == PREVIEW_POLICY
    assert HOSTILE not in answer.text
    page = unescape(answer.text)
    for text in ("2026年12月1日 15:00", "1 December 2026 15:00", "SMS_1", f"Push A & {HOSTILE}", "WeCom", "Feishu"):
        assert text in page
    assert answer.text.count("<iframe") == 2
    assert answer.text.count('sandbox srcdoc="') == 2
    # The mail escapes it, and the page once more.
    assert f"<p>{HOSTILE}</p>" not in page
    assert "<p>A &amp; &lt;script&gt;" in page


def test_the_preview_says_what_is_wrong(developer: Visitor, home: str, platform: str) -> None:
    answer = developer.post(f"{home}/preview", page=f"{home}/edit", **_fields(platform, **{"en.text.content": "{{ x"}))
    assert answer.status_code == 200
    assert "data-problem" in answer.text
    assert "en.text.content" in answer.text
    assert "<iframe" not in answer.text


def test_a_test_goes_to_the_sandbox_and_keeps_the_form(
    developer: Visitor, raw: Raw, home: str, app: Credentials, platform: str
) -> None:
    before = _unread(raw, app)
    answer = developer.post(f"{home}/test", page=f"{home}/edit", **_fields(platform))
    assert answer.status_code == 200, answer.text
    assert f"sandbox-{app.app_id}" in answer.text
    assert _value(answer.text, "zh.email.html") == "<p>{{ title }}</p>"
    assert _unread(raw, app) == before + 1
    wrong = developer.post(f"{home}/test", page=f"{home}/edit", **_fields(platform, **{"v3.sample": "soon"}))
    assert wrong.status_code == 422


def _unread(raw: Raw, app: Credentials) -> int:
    count: int = accepted(raw, "getUnreadCount", {"publisherId": f"sandbox-{app.app_id}"})["unread"]
    return count


def test_an_operator_approves_or_rejects_what_waits(
    developer: Visitor,
    operator: Visitor,
    shared_connections: SharedConnections,
    home: str,
    platform: str,
) -> None:
    shared_connections.run(_want_approval(shared_connections.database, platform))
    sent = developer.post(f"{home}/edit", then="submit", **_fields(platform))
    assert sent.headers["location"].endswith("?done=template-waits")
    page = f"/operator/templates/edit?platform={platform}&code=meeting"
    assert f"platform={platform}" in operator.get("/operator/templates").text
    shown = operator.get(page).text
    assert f'src="/portal/operator/templates/preview?platform={platform}' in shown
    assert "SMS_1" in operator.get(f"/operator/templates/preview?platform={platform}&code=meeting&version=1").text
    decide: Any = {"page": page, "platform": platform, "code": "meeting"}
    no_reason = operator.post("/operator/templates/decide", decision="reject", seen="1", **decide)
    assert no_reason.status_code == 422
    operator.post("/operator/templates/decide", decision="reject", seen="1", answer=f"No {HOSTILE}", **decide)
    refused = developer.get(f"{home}/edit?platform={platform}&code=meeting").text
    assert f"No {HOSTILE}" in unescape(refused)
    assert HOSTILE not in refused
    developer.post(f"{home}/edit", then="submit", seen="1", **_fields(platform))
    stale = operator.post("/operator/templates/decide", decision="approve", seen="1", **decide)
    assert stale.status_code == 422
    done = operator.post("/operator/templates/decide", decision="approve", seen="2", **decide)
    assert done.headers["location"].endswith("?done=template-live")
    assert "Version 2 in use" in developer.get(home).text


def test_templates_of_the_platform_are_written_by_operators_and_read_by_developers(
    developer: Visitor, operator: Visitor, home: str, platform: str
) -> None:
    saved = operator.post("/operator/templates/edit", then="submit", **_fields(platform))
    assert saved.status_code == 303, saved.text
    assert "all apps of the platform" in developer.get(home).text
    page = developer.get(f"{home}/edit?platform={platform}&code=meeting").text
    assert "<iframe" in page
    assert 'name="zh.email.html"' not in page
    fields = _fields(platform)
    assert developer.post(f"{home}/edit", then="submit", seen="1", **fields).status_code == 422
    archive = developer.post(f"{home}/archive", page=f"{home}/edit", platform=platform, code="meeting", archived="1")
    assert archive.status_code in {404, 422}
    copied = developer.get(f"{home}/edit?platform={platform}&copy=meeting").text
    assert _value(copied, "zh.email.html") == "<p>{{ title }}</p>"
    assert _value(copied, "code") == ""


def test_an_app_neither_sees_nor_tests_the_templates_of_another(
    developer: Visitor, company: Company, shared_database: str, home: str, platform: str
) -> None:
    developer.post(f"{home}/edit", then="submit", **_fields(platform))
    other = wait_for(new_app(shared_database, platform))
    visitor, _ = company.enter(app=other)
    theirs = f"/apps/{other.app_id}/templates"
    assert "No templates yet" in visitor.get(theirs).text
    for page in ("edit", "preview"):
        assert visitor.get(f"{theirs}/{page}?platform={platform}&code=meeting").status_code == 404
    assert visitor.get(f"{home}/edit?platform={platform}&code=meeting").status_code == 404
    taken = visitor.post(f"{theirs}/edit", then="submit", **_fields(platform))
    assert (taken.status_code, "is taken" in taken.text) == (422, True)
    steal = visitor.post(f"{theirs}/edit", then="submit", seen="1", **_fields(platform))
    assert steal.status_code in {404, 422}


def test_an_archived_template_is_marked_and_can_be_restored(
    developer: Visitor, raw: Raw, home: str, platform: str, user: str
) -> None:
    developer.post(f"{home}/edit", then="submit", **_fields(platform, code="old"))
    named: Any = {"page": f"{home}/edit?platform={platform}&code=old", "platform": platform, "code": "old"}
    developer.post(f"{home}/archive", archived="1", **named)
    assert "Archived" in developer.get(home).text
    refused(raw, "sendMsg", _send(user, "old"), "100003", "template")
    developer.post(f"{home}/archive", archived="0", **named)
    accepted(raw, "sendMsg", _send(user, "old"))
