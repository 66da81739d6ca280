"""Every event of an acknowledged change reaches the webhook although the server is killed repeatedly."""

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import migrate
from tests.conftest import SECRET_KEY, Credentials, Server, new_app, running_server
from tests.receiver import TAKEN, Answer, Post, Receiver, receiving

USERS = [f"reader-{number}" for number in range(8)]
MESSAGES = 6
KILLS = 3
TRY_AGAIN = {"500002", "500003"}
Change = tuple[str, str, bool]
"""A user, a message, and its new read state."""


class Load:
    """Sets users' messages read and unread while the server is killed and restarted; records acknowledged changes."""

    def __init__(self, app: Credentials, seed: int) -> None:
        self.app = app
        self.random = random.Random(seed)
        self.acknowledged: list[Change] = []
        self.url = ""
        self.token = ""
        self.up = asyncio.Event()
        self.stopping = False
        self.http = httpx.AsyncClient(trust_env=False, timeout=20)

    async def start_on(self, url: str) -> None:
        """Let the clients continue with the server at `url`."""
        self.url = url
        if not self.token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.app.app_id,
                "client_secret": self.app.app_key,
            }
            self.token = (await self.http.post(f"{url}/oauth2/token", data=form)).json()["access_token"]
        self.up.set()

    async def call(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Return the answer to a call, which is retried until there is one."""
        while True:
            answer = await self.try_once(path, body)
            if answer is not None:
                return answer

    async def try_once(self, path: str, body: Mapping[str, object]) -> dict[str, Any] | None:
        """Return the answer to a call; None if its outcome is unknown."""
        await self.up.wait()
        try:
            url = f"{self.url}/msgCenter/{path}"
            answer = (await self.http.post(url, params={"accessToken": self.token}, json=body)).json()
        except (httpx.HTTPError, ValueError):
            answer = {"retCode": "500003"}
        if answer["retCode"] in TRY_AGAIN:
            await asyncio.sleep(0.02)
            return None
        assert answer["retCode"] == "000000", answer
        result: dict[str, Any] = answer
        return result

    async def user(self, user_id: str) -> None:
        """Send messages to a user and keep toggling the state of random ones."""
        text = {"msgtype": "text", "text": {"content": "x"}, "receiverIds": [user_id]}
        requests = [{**text, "requestId": f"{user_id}-{number}"} for number in range(MESSAGES)]
        ids = [(await self.call("message/sendMsg", request))["msgId"] for request in requests]
        is_read = dict.fromkeys(ids, False)
        while not self.stopping:
            await asyncio.sleep(0.1)
            chosen = self.random.choice(ids)
            read = not is_read[chosen]
            body: dict[str, object] = {"publisherId": user_id, "msgId": [chosen], "isRead": int(read)}
            while await self.try_once("message/modMsgStatus", body) is None:
                pass  # if the first try succeeded, the retry is a no-op without an event
            is_read[chosen] = read
            self.acknowledged.append((user_id, chosen, read))


def delivered_changes(posts: list[Post]) -> dict[tuple[str, str], list[bool]]:
    """The delivered states of each entry, in the order of first arrival."""
    changes: dict[tuple[str, str], list[bool]] = defaultdict(list)
    firsts = {post.id: post for post in reversed(posts)}
    for post in reversed(firsts.values()):
        for event in post.events:
            changes[event["userId"], event["msgId"]].append(post.type == "message.read")
    return changes


@pytest.mark.kill
@pytest.mark.slow
async def test_every_event_is_delivered_although_the_server_is_killed(tmp_path: Path) -> None:
    dice = random.Random(7)

    def sometimes_failing(_: Post) -> Answer:
        return TAKEN if dice.random() < 0.97 else (503, {}, b"")

    with embedded_postgres(tmp_path) as url, receiving() as receiver, receiving() as dead:
        await migrate(url)
        load = Load(await new_app(url), seed=3)
        receiver.answer = sometimes_failing
        dead.answer = lambda _: (500, {}, b"")
        with ExitStack() as leaving:
            await load.start_on((server := await started(leaving, tmp_path)).url)
            events: dict[str, object] = {"events": ["message.read", "message.unread"]}
            await load.call("webhook/createWebhook", {"url": dead.url, **events})
            created = await load.call("webhook/createWebhook", {"url": receiver.url, **events})
            clients = asyncio.gather(*(load.user(user_id) for user_id in USERS))
            for number in range(KILLS):
                seen = len(receiver.posts)
                await until(lambda: len(receiver.posts) >= seen + 5 + number, clients)  # noqa: B023
                load.up.clear()
                os.killpg(server.process.pid, signal.SIGKILL)
                server.process.wait(60)
                await load.start_on((server := await started(leaving, tmp_path)).url)
            load.stopping = True
            await clients
            expected = expected_changes(load)
            await until(lambda: delivered_changes(list(receiver.posts)) == expected, clients)
            check(receiver, created["secret"], server)
            (failing, healthy) = (await load.call("webhook/getWebhooks", {}))["webhooks"]
            assert failing["pending"] == sum(map(len, expected.values()))
            assert failing["state"] == "failing"
            assert healthy["state"] in {"active", "failing"}
            await load.http.aclose()


def expected_changes(load: Load) -> dict[tuple[str, str], list[bool]]:
    """The expected deliveries: each acknowledged change once, in order. A retried call causes one event."""
    changes: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for user_id, message_id, read in load.acknowledged:
        changes[user_id, message_id].append(read)
    return changes


def check(receiver: Receiver, secret: str, server: Server) -> None:
    """Every POST has a valid signature, and at least one delivery was repeated."""
    assert server.process.poll() is None
    for post in receiver.posts:
        post.verified_by(secret)
    by_id: dict[str, set[bytes]] = defaultdict(set)
    for post in receiver.posts:
        by_id[post.id].add(post.body)
    assert all(len(bodies) == 1 for bodies in by_id.values()), "a delivery has changed between two attempts"
    assert len(receiver.posts) > len(by_id), "no delivery was repeated"


async def started(leaving: ExitStack, data_dir: Path) -> Server:
    """Start a server that runs until `leaving` is closed."""
    running = running_server(None, data_dir, SECRET_KEY=SECRET_KEY)
    server: Server = await asyncio.to_thread(leaving.enter_context, running)
    return server


async def until(condition: Callable[[], bool], clients: "asyncio.Future[list[None]]") -> None:
    """Wait for a condition for at most 200 seconds. Raises at once if the clients fail."""
    async with asyncio.timeout(200):
        while not condition():
            if clients.done():
                clients.result()
            await asyncio.sleep(0.05)
