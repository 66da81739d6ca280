"""Topics, broadcasts, recalls, updates, reminders and approvals, with both clients against a real server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from msgcenter.database.database import Database
from msgcenter_client import EVERYONE, AsyncClient, Client, LimitError, Organisations, OrgStatus, StateError, Topic
from tests.conftest import PLATFORM, Credentials, Server, SharedConnections
from tests.directory_rows import DirectoryRows
from tests.scene import find_platform
from tests.sdk.test_against_server import CARD, LINK, Calls, Kind


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    client_class: Kind = request.param
    return client_class


@pytest.fixture
async def calls(kind: Kind, server: Server, app: Credentials) -> AsyncIterator[Calls]:
    """A client with English texts and the default retries."""
    client_calls = Calls(kind(server.url, app.app_id, app.app_key, language="en", timeout=60))
    yield client_calls
    await client_calls.close()


async def test_subscribe_send_to_and_unsubscribe_from_a_topic(calls: Calls, user: str) -> None:
    topic, others = f"t-{user}", [f"{user}-{number:04}" for number in range(1_500)]
    assert await calls.subscribe(topic, user) == 1
    assert await calls.subscribe(topic, [user, *others, others[0]]) == 1_500
    assert await calls.subscribers(topic) == [user, *others]
    message_id = await calls.send_text(Topic(topic), "to all of them")
    assert await calls.unsubscribe(topic, [user, *others[1:]]) == 1_500
    assert await calls.subscribers(topic, page_size=1) == [others[0]]
    status = await calls.message_status(message_id)
    assert (status.receivers, status.delivered, status.read) == (1_501, 1_501, 0)
    assert await calls.unread_count(user) == 1
    assert [message.topic for message in await calls.messages()] == [topic]
    with pytest.raises(StateError) as refused:
        await calls.unsubscribe(f"{topic}-2", user)
    assert refused.value.ret_code == "300005"


async def test_send_to_everyone(calls: Calls, user: str) -> None:
    await calls.user_token(user)
    message_id = await calls.send_text(EVERYONE, "to everyone")
    await calls.user_token(f"{user}-late")
    assert await calls.unread_count(user) == 1
    assert await calls.unread_count(f"{user}-late") == 0
    await calls.set_status(user, message_id)
    readers = [receipt.recipient for receipt in await calls.receipts(message_id, read=True)]
    assert readers == [user]
    (message,) = await calls.messages()
    assert (message.to_all, message.topic, message.read) == (True, None, 1)


async def test_send_to_organisations_and_report_by_them(
    calls: Calls, app: Credentials, shared_connections: SharedConnections, user: str
) -> None:
    school, a_class = f"school-{user}", f"class-{user}"

    async def write(database: Database) -> None:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.add_org(school)
        await directory.add_org(a_class, school)
        await directory.join(a_class, [user, f"{user}-2"], "par")
        await directory.grant(app.number, school)

    shared_connections.run(write(shared_connections.database))
    audience = Organisations(school, ["par"])
    message_id = await calls.send_text(audience, "to the parents")
    await calls.set_status(user, message_id)
    status = await calls.message_status(message_id, by_org=True, org_id=school)
    assert status.organisations == Organisations((school,), ("par",))
    assert status.orgs == (OrgStatus(a_class, a_class, 2, 1, 1),)
    assert [it.recipient for it in await calls.receipts(message_id, read=False, org_id=a_class)] == [f"{user}-2"]
    (message,) = await calls.messages()
    assert message.organisations == status.organisations
    with pytest.raises(StateError) as refused:
        await calls.send_text(Organisations([school, "none"]), "x")
    assert refused.value.ret_code == "300007"


async def test_recall_a_message(calls: Calls, user: str) -> None:
    message_id = await calls.send_text(user, "a mistake")
    await calls.recall(message_id)
    await calls.recall(int(message_id))
    assert await calls.unread_count(user) == 0
    status = await calls.message_status(message_id)
    assert status.state == "recalled"
    assert abs(status.recalled_at - datetime.now(UTC)) < timedelta(minutes=1)
    with pytest.raises(StateError) as refused:
        await calls.update_text(message_id, "too late")
    assert refused.value.ret_code == "300004"


async def test_updates_and_versions(calls: Calls, user: str) -> None:
    message_id = await calls.send_text(user, "first")
    await calls.set_status(user, message_id)
    await calls.update_text(message_id, "second")
    await calls.update_text(message_id, "second")
    assert await calls.unread_count(user) == 0
    await calls.update_link(message_id, **LINK, business_id="b-7")
    card: dict[str, Any] = {**CARD, "business_id": "b-8", "title": "granted", "form": [("Days", "3")]}
    await calls.update_oa(message_id, "Leave", **card, reset_read=True)
    assert await calls.unread_count(user) == 1
    versions = await calls.versions(message_id)
    assert [(version.number, version.kind, version.reset_read) for version in versions] == [
        *((1, "text", False), (2, "text", False), (3, "link", False), (4, "oa", True))
    ]
    assert versions[0].body == {"content": "first"}
    assert sorted(version.created_at for version in versions) == [version.created_at for version in versions]
    status = await calls.message_status(message_id)
    assert (status.version, status.updated_at) == (4, versions[3].created_at)
    assert [(message.business_id, message.version) for message in await calls.messages()] == [("b-8", 4)]


async def test_a_second_reminder_within_an_hour_is_refused(calls: Calls, user: str) -> None:
    message_id = await calls.send_text([user, f"{user}-2"], "please read")
    await calls.set_status(user, message_id)
    assert await calls.remind_unread(message_id) == 1
    assert (await calls.message_status(message_id)).reminded_at is not None
    with pytest.raises(LimitError) as refused:
        await calls.remind_unread(message_id)
    assert 3_500 < (refused.value.retry_after or 0) <= 3_600
    await calls.set_status(f"{user}-2", message_id)
    assert await calls.remind_unread(message_id) == 0


async def test_the_approver_of_a_closed_approval(calls: Calls, app: Credentials, user: str) -> None:
    message_id = await calls.send_text(user, "may I?", approval=True)
    await calls.set_status(None, message_id, approver="headmaster")
    closed = await calls.message_status(message_id)
    assert closed.closed_by == "headmaster"
    assert closed.closed_at is not None
    await calls.set_status(None, message_id, read=False)
    reclient_calls = await calls.message_status(message_id)
    assert (reclient_calls.closed_at, reclient_calls.closed_by) == (None, None)
    await calls.set_status(None, message_id)
    assert (await calls.message_status(message_id)).closed_by == app.app_id
