"""A withdrawn right refuses every call and effect that needs it from then on (docs/protocol.md).

The table names every call of the API for every right. A right is withdrawn between the creation of something and its
effect. Calls that only recall, read or end something still work.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.permissions import Permissions
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.database.database import Database
from msgcenter.domain.person import COMMAND
from msgcenter.gateway.api_calls import ENDPOINTS
from tests.conftest import SECRET_KEY, Raw, Server
from tests.directory_rows import DirectoryRows
from tests.gateway.calls import Json, accepted, envelope, now_ms
from tests.scene import find_platform, rows

RIGHTS = ("live", "platform", "broadcasts", "organisations", "disabled")
OK = "000000"
NO = "200007"
DISABLED = "200006"


@dataclass
class World:
    """An app with every right, and the objects that it created before a right is withdrawn."""

    raw: Raw
    database: Database
    app_id: str
    app_number: int
    right: str
    home: str
    other: str
    user: str
    topic: str = field(default_factory=lambda: f"topic-{secrets.token_hex(4)}")
    message_id: str = ""
    approval_id: str = ""
    webhook_id: str = ""
    user_token: str = ""

    @property
    def on_platform(self) -> Json:
        """The field for the withdrawn platform, in calls that have one."""
        return {"platformCode": self.other} if self.right == "platform" else {}

    @property
    def audience(self) -> Json:
        """The audience that needs the right."""
        if self.right == "broadcasts":
            return {"toAll": True}
        if self.right == "organisations":
            return {"orgIds": ["school"], "roles": ["tea"]}
        return {"receiverIds": [self.user], **self.on_platform}

    def send(self, **more: object) -> Json:
        """Return a request that sends to that audience."""
        return {**self.audience, "msgtype": "text", "text": {"content": "x"}, **more}

    async def make(self) -> None:
        """Create the objects for the later calls."""
        if self.right == "organisations":
            directory = await self.directory()
            await directory.add_org("school")
            await directory.join("school", [self.user], "tea")
            await self.set_rights(granted=True)
        subscription = {"topic": self.topic, "userIds": [self.user], **self.on_platform}
        accepted(self.raw, "/msgCenter/topic/subscribe", subscription)
        token = {"publisherId": self.user, **self.on_platform}
        self.user_token = accepted(self.raw, "/msgCenter/user/getUserToken", token)["userToken"]
        self.message_id = accepted(self.raw, "sendMsg", self.send())["msgId"]
        approval = {"receiverIds": [self.user], **self.on_platform, "approval": True}
        approval |= {"msgtype": "text", "text": {"content": "x"}}
        self.approval_id = accepted(self.raw, "sendMsg", approval)["msgId"]
        hook = {"url": "http://127.0.0.1:9/", "events": ["message.read"]}
        self.webhook_id = accepted(self.raw, "/msgCenter/webhook/createWebhook", hook)["webhookId"]

    async def directory(self) -> DirectoryRows:
        """Return the directory of the app's own platform."""
        return DirectoryRows(self.database, await find_platform(self.database, self.home))

    async def set_rights(self, *, granted: bool) -> None:
        """Withdraw or restore the right."""
        if self.right == "organisations":
            directory = await self.directory()
            await directory.withdraw(self.app_number)
            if granted:
                await directory.grant(self.app_number, "school", ["tea"])
            return
        if self.right == "disabled":
            apps = Apps(self.database, KeyRing(SECRET_KEY))
            await apps.set_disabled(self.app_id, disabled=not granted)
            return
        await Permissions(self.database).save(
            self.app_id,
            live=granted or self.right != "live",
            broadcasts=granted or self.right != "broadcasts",
            directory=True,
            urgent=False,
            inbox_scope="own",
            platforms=[self.other] if granted or self.right != "platform" else [],
            by=COMMAND,
        )


@pytest.fixture(params=RIGHTS)
async def world(
    request: pytest.FixtureRequest, server: Server, shared_database: str, user: str
) -> AsyncIterator[World]:
    home, other = f"h{secrets.token_hex(4)}", f"o{secrets.token_hex(4)}"
    async with Database(shared_database, connections=2) as database:
        for code in (home, other):
            await Platforms(database).save(code, code, schemes=[], is_new=True, by=COMMAND)
        app, key = await Apps(database, KeyRing(SECRET_KEY)).create("Withdrawn", home)
        await AppSettings(database).set_platforms(app.app_id, [other])
        await AppSettings(database).set_directory(app.app_id, allowed=True)
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": key}
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            raw = Raw(server, (await http.post("/oauth2/token", data=form)).json()["access_token"])
        made = World(raw, database, app.app_id, app.number, request.param, home, other, user)
        await made.make()
        yield made
        raw.http.close()


@dataclass(frozen=True)
class Row:
    """A call, and in `refused` the rights without which it answers 200007."""

    call: str
    body: Callable[[World], Mapping[str, Any]]
    refused: tuple[str, ...] = ()


EVERY = ("live", "platform", "broadcasts", "organisations")
ORGANISED = ("platform",)
TABLE = [
    Row("sendMsg", lambda it: it.send(), EVERY),
    Row("sendMsg", lambda it: {**it.send(), "sendTime": now_ms() + 3_600_000}, EVERY),
    Row(
        "sendMsg",
        lambda it: {"topic": it.topic, **it.on_platform, "msgtype": "text", "text": {"content": "x"}},
        ("live", "platform"),
    ),
    Row(
        "updateMsg",
        lambda it: {"msgId": it.message_id, "msgtype": "text", "text": {"content": "y"}, "resetRead": True},
        EVERY,
    ),
    Row("remindUnread", lambda it: {"msgId": it.message_id}, EVERY),
    Row("getMsgStatus", lambda it: {"msgId": it.message_id}),
    Row("getMsgList", lambda _: {}),
    Row("getMsgVersions", lambda it: {"msgId": it.message_id}),
    Row("getUnreadCount", lambda it: {"publisherId": it.user, **it.on_platform}, ("platform",)),
    Row("modMsgStatus", lambda it: {"publisherId": it.user, "msgId": [it.message_id], **it.on_platform}, ("platform",)),
    Row(
        "modMsgStatus",
        lambda it: {"publisherId": it.user, "msgId": [it.message_id], "isRead": 0, **it.on_platform},
        ("live", "platform"),
    ),
    Row("modMsgStatus", lambda it: {"msgId": [it.approval_id]}),
    Row(
        "sendAppMsg",
        lambda it: {"sendeeId": it.user, "msgType": "text", "text": {"content": "x"}, **it.on_platform},
        ("live", "platform"),
    ),
    Row("modMsgStatus", lambda it: {"msgId": [it.approval_id], "isRead": 0}, ("live", "platform")),
    Row(
        "subscribe",
        lambda it: {"topic": it.topic, "userIds": [f"{it.user}-2"], **it.on_platform},
        ("live", "platform"),
    ),
    Row("unsubscribe", lambda it: {"topic": it.topic, "userIds": [it.user], **it.on_platform}, ("platform",)),
    Row("getSubscribers", lambda it: {"topic": it.topic, **it.on_platform}, ("platform",)),
    Row("getUserToken", lambda it: {"publisherId": it.user, **it.on_platform}, ("live", "platform")),
    Row("setOrgs", lambda it: {"orgs": [{"orgId": "o", "name": "O"}], **it.on_platform}, ORGANISED),
    Row("setUsers", lambda it: {"users": [{"userId": it.user}], **it.on_platform}, ORGANISED),
    Row(
        "setMembers",
        lambda it: {"members": [{"orgId": "o", "userId": it.user, "role": "stu"}], **it.on_platform},
        ORGANISED,
    ),
    Row("removeMembers", lambda it: {"members": [{"orgId": "o", "userId": it.user}], **it.on_platform}, ORGANISED),
    Row("getOrg", lambda it: {"orgId": "o", **it.on_platform}, ORGANISED),
    Row("getMembers", lambda it: {"orgId": "o", **it.on_platform}, ORGANISED),
    Row("createWebhook", lambda _: {"url": "http://127.0.0.1:9/2", "events": ["message.read"]}),
    Row("getWebhooks", lambda _: {}),
    Row("updateWebhook", lambda it: {"webhookId": it.webhook_id, "paused": False}),
    Row("rotateWebhookSecret", lambda it: {"webhookId": it.webhook_id}),
    Row("testWebhook", lambda it: {"webhookId": it.webhook_id}),
    Row("getWebhookDeliveries", lambda it: {"webhookId": it.webhook_id}),
    Row("replayWebhook", lambda it: {"webhookId": it.webhook_id, "startTime": 0}),
    Row("deleteWebhook", lambda it: {"webhookId": it.webhook_id}),
    Row("recallMsg", lambda it: {"msgId": it.message_id}),
]
PATHS = {endpoint.name: endpoint.path for endpoint in ENDPOINTS}


def test_the_table_names_every_call() -> None:
    assert {row.call for row in TABLE} == set(PATHS)


async def test_every_call_is_refused_once_its_right_is_withdrawn(world: World) -> None:
    await world.set_rights(granted=False)
    for row in TABLE:
        answer = envelope(world.raw.post(PATHS[row.call], row.body(world)))
        expected = DISABLED if world.right == "disabled" else NO if world.right in row.refused else OK
        assert answer["retCode"] == expected, (row.call, row.body(world), answer)


def soon(world: World) -> int:
    """Return a time (ms since 1970) that is later than twenty calls of the present speed take."""
    started = now_ms()
    accepted(world.raw, "sendMsg", world.send())
    return now_ms() + 1_000 + 20 * (now_ms() - started)


async def test_a_scheduled_message_is_withheld(world: World) -> None:
    due = soon(world)
    scheduled = [accepted(world.raw, "sendMsg", world.send(sendTime=due))["msgId"]]
    if world.right in {"live", "platform", "disabled"}:
        request = {"topic": world.topic, **world.on_platform, "msgtype": "text", "text": {"content": "x"}}
        scheduled.append(accepted(world.raw, "sendMsg", {**request, "sendTime": due})["msgId"])
        crowd = {**world.send(sendTime=due), "receiverIds": [world.user, *(f"c-{n}" for n in range(1_500))]}
        scheduled.append(accepted(world.raw, "sendMsg", crowd)["msgId"])
    await world.set_rights(granted=False)
    query = "select id, recalled_at, delivered_chunks, positions from message where id = any($1::bigint[])"
    async with asyncio.timeout(60):
        while True:
            messages = await rows(world.database, query, [int(message_id) for message_id in scheduled])
            if all(row["recalled_at"] for row in messages):
                break
            await asyncio.sleep(0.1)
    assert {(row["delivered_chunks"], row["positions"]) for row in messages} == {(0, None)}
    notes = await rows(
        world.database,
        "select detail from audit_entry where action = 'message.withhold' and subject = any($1)",
        scheduled,
    )
    assert len(notes) == len(scheduled)
    await world.set_rights(granted=True)
    if world.right != "disabled":  # the app's tokens have ended
        for message_id in scheduled:
            status = accepted(world.raw, "getMsgStatus", {"msgId": message_id})
            assert (status["state"], status["delivered"]) == ("recalled", 0)


async def test_a_scheduled_message_is_sent_if_the_right_is_restored_in_time(world: World) -> None:
    message_id = int(accepted(world.raw, "sendMsg", world.send(sendTime=soon(world)))["msgId"])
    await world.set_rights(granted=False)
    await world.set_rights(granted=True)
    query = "select recalled_at, delivered_chunks, positions from message where id = $1"
    async with asyncio.timeout(60):
        while True:
            (row,) = await rows(world.database, query, message_id)
            if row["delivered_chunks"] or row["positions"]:
                break
            await asyncio.sleep(0.1)
    assert row["recalled_at"] is None


async def test_user_tokens_end_with_the_right(world: World, server: Server) -> None:
    def look() -> int:
        headers = {"authorization": f"Bearer {world.user_token}"}
        return httpx.get(f"{server.url}/inbox/v1/counts", headers=headers, trust_env=False).status_code

    assert look() == 200
    await world.set_rights(granted=False)
    assert look() == (200 if world.right in {"broadcasts", "organisations"} else 401)
