"""The operators' page about message types, policies of apps and settings of channels."""

import secrets

import pytest

from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.decisions import MessageType, QuietHours, Settings
from msgcenter.domain.channels.policy import Choice
from msgcenter.store.channels import decisions
from msgcenter.store.channels.decisions import AppPolicy
from tests.conftest import Credentials, SharedConnections, new_app, wait_for
from tests.portal.conftest import Visitor
from tests.portal.test_directory import text_of

PAGE = "/operator/channel-rules"
HOMEWORK = {"code": "homework", "name_zh": "作业", "name_en": "Homework", "urgency": "low"}


@pytest.fixture
def app(shared_database: str) -> Credentials:
    """An app on a platform of its own."""
    return wait_for(new_app(shared_database, f"r{secrets.token_hex(6)}"))


def decided(connections: SharedConnections, platform_code: str) -> tuple[list[MessageType], list[AppPolicy], Settings]:
    """Return what a platform has decided."""

    async def read() -> tuple[list[MessageType], list[AppPolicy], Settings]:
        async with connections.database.connection() as connection:
            return (
                await decisions.list_types(connection, platform_code),
                await decisions.list_policies(connection, platform_code),
                await decisions.find_settings(connection, platform_code),
            )

    return connections.run(read())


def test_operators_decide_on_one_page(
    operator: Visitor, app: Credentials, shared_connections: SharedConnections
) -> None:
    code = app.platform_code
    page = f"{PAGE}?platform={code}"

    def post(path: str, **fields: str) -> None:
        answer = operator.post(f"{PAGE}{path}", page=page, platform=code, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/portal{page}&done=saved"), answer.text

    assert "There are no message types yet" in operator.get(page).text
    own = {"own": "1", "channel.email": "1", "channel.push": "1", "delay": "60"}
    post("/type", new="1", **HOMEWORK, **own)
    post("/type", **{**HOMEWORK, "name_en": "Home work"}, own="1", mandatory="1")
    post("/policy", app=app.app_id, type="homework", delay="0")
    post("/policy", app=app.app_id, own="1", **{"channel.sms": "1"})
    settings = {"delay": "15", "quiet_from": "22:00", "quiet_until": "07:30", "digest_after": "3"}
    post("/settings", **settings, inbox_url="https://a.example/{msgId}", **{"channel.wecom": "1"})
    types, policies, stored = decided(shared_connections, code)
    assert types == [MessageType("homework", "作业", "Home work", Urgency.LOW, Choice(()), mandatory=True)]
    assert [(it.type_code, it.choice) for it in policies] == [
        ("", Choice(("sms",))),
        ("homework", Choice(None, 0)),
    ]
    assert stored == Settings(
        ("wecom",), 15, QuietHours(1_320, 450), 3, time_zone=None, inbox_url="https://a.example/{msgId}"
    )
    shown = text_of(operator.get(page).text)
    assert "Home work homework low mandatory channels: inbox only · delay: as the platform" in shown
    assert "homework as the platform 0 min Remove" in shown
    audit = text_of(operator.get(f"/operator/audit?app={app.app_id}").text)
    assert "Channel policy of an app changed" in audit

    post("/policy/remove", app=app.app_id, type="homework")
    post("/archive", code="homework")
    types, policies, _ = decided(shared_connections, code)
    assert types[0].archived_at is not None
    assert [it.type_code for it in policies] == [""]
    assert "archived" in text_of(operator.get(page).text)
    post("/type", **HOMEWORK)
    assert decided(shared_connections, code)[0][0].archived_at is None


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("/type", {**HOMEWORK, "new": "1", "code": "a b"}, "code"),
        ("/type", {**HOMEWORK, "code": "unknown"}, "code"),
        ("/type", {**HOMEWORK, "new": "1", "name_en": ""}, "name_en"),
        ("/type", {**HOMEWORK, "new": "1", "delay": "10081"}, "delay"),
        ("/type", {**HOMEWORK, "new": "1", "urgency": "very"}, "urgency"),
        ("/policy", {"delay": "1"}, "app"),
        ("/policy", {"app": "APP"}, "channels"),
        ("/policy", {"app": "APP", "delay": "1", "type": "unknown"}, "type"),
        ("/settings", {"delay": "x", "digest_after": "5"}, "delay"),
        ("/settings", {"delay": "1", "digest_after": "0"}, "digest_after"),
        ("/settings", {"delay": "1", "digest_after": "5", "quiet_from": "25:00"}, "quiet_from"),
        ("/settings", {"delay": "1", "digest_after": "5", "time_zone": "Mars"}, "time_zone"),
        ("/settings", {"delay": "1", "digest_after": "5", "inbox_url": "ftp://a"}, "inbox_url"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_changes_nothing(
    operator: Visitor,
    app: Credentials,
    shared_connections: SharedConnections,
    path: str,
    fields: dict[str, str],
    name: str,
) -> None:
    code = app.platform_code
    form = {"/type": "new-type" if "new" in fields else "type-unknown", "/policy": "policy", "/settings": "settings"}
    values = {key: app.app_id if value == "APP" else value for key, value in fields.items()}
    answer = operator.post(f"{PAGE}{path}", page=f"{PAGE}?platform={code}", platform=code, form=form[path], **values)
    assert answer.status_code in {400, 422}, answer.text
    if name not in {"urgency"} and form[path] != "type-unknown":
        assert f'id="wrong-{name}"' in answer.text
    assert decided(shared_connections, code) == ([], [], Settings())


def test_an_unknown_platform_has_no_rules(operator: Visitor) -> None:
    assert "There is no such platform" in operator.get(f"{PAGE}?platform=nowhere").text
    answer = operator.post(f"{PAGE}/type", page=PAGE, platform="nowhere", new="1", **HOMEWORK)
    assert answer.status_code in {400, 422}
