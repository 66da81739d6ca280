"""All acknowledged changes are stored exactly once although the server is killed repeatedly."""

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import psutil
import pytest

from msgcenter.database.database import Database
from msgcenter.database.diagnosis import diagnose
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import migrate
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.pull import pull
from tests.conftest import PLATFORM, SECRET_KEY, Credentials, Server, new_app, running_server
from tests.scene import find_platform

READERS = [f"reader-{number}" for number in range(6)]
CROWD = [f"crowd-{number:04}" for number in range(8_000)]
SENDERS = 4
TOPIC = "readers"
TRY_AGAIN = {"500002", "500003"}
RETRY_SECONDS = 0.1
"""The pause after a call that failed. Without PostgreSQL, all calls fail for seconds."""


class Round(NamedTuple):
    """How the server runs and what is killed with it: PostgreSQL's parent process, or all its processes."""

    workers: int = 1
    postgres: str = ""


ROUNDS = (
    Round(),
    Round(),
    Round(postgres="parent"),
    Round(),
    Round(workers=2),
    Round(postgres="all"),
    Round(),
    Round(),
    Round(workers=2, postgres="parent"),
    Round(),
)


@dataclass(frozen=True)
class Request:
    """A message to send. Its content is its request id, so that it can be identified in the database."""

    request_id: str
    receivers: tuple[str, ...]
    topic: bool = False
    send_time: int | None = None


@dataclass
class Promises:
    """The changes that the server has acknowledged, and those that it may have made."""

    sent: dict[str, str] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    mailboxes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    states: dict[tuple[str, str], set[bool]] = field(default_factory=dict)
    repeated: int = 0


class Load:
    """Clients that send messages and set statuses while the server is killed and restarted."""

    def __init__(self, app: Credentials, seed: int) -> None:
        self.app = app
        self.random = random.Random(seed)
        self.promises = Promises()
        self.url = ""
        self.token = ""
        self.up = asyncio.Event()
        self.answered: Counter[str] = Counter()
        self.stopping = False
        self.progress = asyncio.Condition()
        self.http = httpx.AsyncClient(trust_env=False, timeout=20)

    async def call(self, name: str, body: Mapping[str, object]) -> dict[str, Any] | None:
        """Make a call once and return its answer; None if its outcome is unknown."""
        await self.up.wait()
        url = f"{self.url}/msgCenter/message/{name}"
        try:
            answer = (await self.http.post(url, params={"accessToken": self.token}, json=body)).json()
        except (httpx.HTTPError, ValueError):
            await asyncio.sleep(RETRY_SECONDS)
            return None
        if answer["retCode"] in TRY_AGAIN:
            await asyncio.sleep(RETRY_SECONDS)
            return None
        assert answer["retCode"] == "000000", answer
        kind = "bulk" if len(body.get("receiverIds", ())) > 1_000 else name  # type: ignore[arg-type]
        async with self.progress:
            self.answered[kind] += 1
            self.progress.notify_all()
        result: dict[str, Any] = answer
        return result

    async def answer(self, name: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Return the answer to a call, which is retried until there is one."""
        while (answer := await self.call(name, body)) is None:
            pass
        return answer

    async def start_on(self, url: str) -> None:
        """Let the clients continue with the server at `url`."""
        self.url = url
        if not self.token:
            answer = await self.http.post(
                f"{url}/oauth2/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": self.app.app_id,
                    "client_secret": self.app.app_key,
                },
            )
            self.token = answer.json()["access_token"]
            subscribed = await self.http.post(
                f"{url}/msgCenter/topic/subscribe",
                params={"accessToken": self.token},
                json={"topic": TOPIC, "userIds": list(READERS)},
            )
            assert subscribed.json()["changed"] == len(READERS)
        self.answered.clear()
        self.up.set()

    async def reached(self, calls: int) -> None:
        """Wait until this many calls of this round are answered, including calls of every kind."""
        async with self.progress:
            await self.progress.wait_for(lambda: self.answered.total() >= calls and len(self.answered) == 3)

    async def send_one(self, request: Request) -> None:
        """Send a message, retrying until it is acknowledged; sometimes give up."""
        promises = self.promises
        promises.requests[request.request_id] = request
        body: dict[str, object] = {
            "msgtype": "text",
            "text": {"content": request.request_id},
            "requestId": request.request_id,
        }
        body |= {"topic": TOPIC} if request.topic else {"receiverIds": list(request.receivers)}
        if request.send_time is not None:
            body["sendTime"] = request.send_time
        while (answer := await self.call("sendMsg", body)) is None:
            if self.random.random() < 0.2:
                promises.given_up.add(request.request_id)
                return
            promises.repeated += 1
        promises.sent[request.request_id] = answer["msgId"]
        if request.send_time is None:
            self.expect_in_mailboxes(request, answer["msgId"])

    def expect_in_mailboxes(self, request: Request, message_id: str) -> None:
        """Record that the readers among the receivers have a message."""
        for user_id in request.receivers:
            if user_id in READERS:
                self.promises.mailboxes[user_id].append(message_id)

    async def sender(self, number: int) -> None:
        """Send messages to some readers, one after the other."""
        count = 0
        while not self.stopping:
            count += 1
            readers = tuple(sorted(self.random.sample(READERS, self.random.randint(1, len(READERS)))))
            match self.random.random():
                case chance if chance < 0.2:
                    request = Request(f"topic-{number}-{count}", tuple(sorted(READERS)), topic=True)
                case chance if chance < 0.4:
                    soon = int(time.time() * 1_000) + self.random.randint(1, 2_000)
                    request = Request(f"later-{number}-{count}", readers, send_time=soon)
                case _:
                    request = Request(f"few-{number}-{count}", readers)
            await self.send_one(request)
            await asyncio.sleep(0.005)

    async def crowd_sender(self) -> None:
        """Send to large audiences, which the server fans out in the background."""
        count = 0
        while not self.stopping:
            count += 1
            size = self.random.randint(1_500, len(CROWD))
            await self.send_one(Request(f"crowd-{count}", tuple(CROWD[:size])))
            await asyncio.sleep(self.random.uniform(0.1, 0.6))

    async def reader(self, user_id: str) -> None:
        """Set one user's messages read and unread. No other client changes them."""
        states = self.promises.states
        while not self.stopping:
            await asyncio.sleep(0.005)
            received = self.promises.mailboxes[user_id]
            if not received:
                continue
            ids = self.random.sample(received, min(len(received), self.random.randint(1, 50)))
            read = self.random.random() < 0.6
            for message_id in ids:
                states.setdefault((user_id, message_id), {False}).add(read)
            body = {"publisherId": user_id, "msgId": ids, "isRead": int(read)}
            answer = await self.call("modMsgStatus", body)
            if answer is not None:
                assert "invalidMsgId" not in answer
                states.update({(user_id, message_id): {read} for message_id in ids})


@pytest.mark.kill
@pytest.mark.slow
async def test_acknowledged_changes_survive_every_kill(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path) as url:
        await migrate(url)
        app = await new_app(url)
        load = Load(app, seed=random.SystemRandom().randrange(1 << 32))
        async with load.http:
            work: list[Coroutine[object, object, None]] = [
                load.crowd_sender(),
                *(load.sender(number) for number in range(SENDERS)),
            ]
            clients = asyncio.gather(*work, *(load.reader(user_id) for user_id in READERS))
            interrupted = 0
            for number, way in enumerate(ROUNDS):
                with ExitStack() as leaving:
                    await load.start_on((server := await started(leaving, tmp_path, way)).url)
                    await until(load.reached(100 + 50 * (number % 4)), clients)
                    if number % 2:
                        await until(begun_fan_out(url), clients)
                    load.up.clear()
                    kill(server, tmp_path / "postgres", way)
                    if not way.postgres:
                        interrupted += await unfinished(url)
                        assert await without_job(url) == []
            with ExitStack() as leaving:
                await load.start_on((await started(leaving, tmp_path, Round())).url)
                await until(load.reached(20), clients)
                load.stopping = True
                await clients
                await until_delivered(load, url)
                await check_answers(load)
            assert interrupted, "no fan-out was interrupted"
            await check_database(url, load.promises)


async def started(leaving: ExitStack, data_dir: Path, way: Round) -> Server:
    """Start a server that runs until `leaving` is closed."""
    arguments = ("--workers", str(way.workers))
    running = running_server(None, data_dir, *arguments, SECRET_KEY=SECRET_KEY)
    server: Server = await asyncio.to_thread(leaving.enter_context, running)
    return server


async def until(condition: Coroutine[object, object, None], clients: "asyncio.Future[list[None]]") -> None:
    """Wait for a condition for at most one minute. Raises at once if the clients fail."""
    waiting = asyncio.create_task(condition)
    both: list[asyncio.Future[Any]] = [waiting, clients]
    await asyncio.wait(both, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    if clients.done():
        clients.result()
    assert waiting.done(), "the server makes no progress"
    waiting.result()


def kill(server: Server, data: Path, way: Round) -> None:
    """Kill the server's processes, and PostgreSQL's processes if the round says so."""
    if way.postgres:
        parent = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        children = parent.children(recursive=True) if way.postgres == "all" else []
        for process in (parent, *children):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    os.killpg(server.process.pid, signal.SIGKILL)
    assert server.process.wait(60) == -signal.SIGKILL


UNFINISHED = "select count(*) from message where delivered_chunks * 32 < length(audience)"


async def unfinished(url: str) -> int:
    """Count the incomplete fan-outs."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(UNFINISHED))
    finally:
        await connection.close()


async def without_job(url: str) -> list[int]:
    """Return the messages with an incomplete fan-out and no job that continues it."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select id from message where delivered_chunks * 32 < length(audience) and recalled_at is null"
            " and not exists"
            " (select from pgqueuer where convert_from(payload, 'UTF8') = message.cell || '/' || message.id)"
        )
    finally:
        await connection.close()
    return [row["id"] for row in rows]


async def begun_fan_out(url: str) -> None:
    """Wait until a fan-out is incomplete: the senders start them one after the other."""
    connection = await asyncpg.connect(url)
    try:
        while not await connection.fetchval(UNFINISHED):
            await asyncio.sleep(0.002)
    finally:
        await connection.close()


async def until_delivered(load: Load, url: str) -> None:
    """Wait for every fan-out. The job of a killed server is picked up after ten seconds."""
    async with asyncio.timeout(120):  # patience for a loaded machine: each message is asked for
        for request_id, message_id in load.promises.sent.items():
            while True:
                status = await load.answer("getMsgStatus", {"msgId": message_id, "pageSize": 1})
                assert status["state"] in {"scheduled", "sending", "sent"}
                if status["state"] == "sent":
                    break
                await asyncio.sleep(0.1)
            request = load.promises.requests[request_id]
            if request.send_time is not None:
                load.expect_in_mailboxes(request, message_id)
            receivers = len(request.receivers)
            assert (status["receivers"], status["delivered"]) == (receivers, receivers)
        # Messages whose senders gave up are delivered too. Their jobs may belong to a killed process: then they are
        # neither on hold nor waiting, and are picked up ten seconds later.
        assert await without_job(url) == []
        while await unfinished(url) or (diagnosis := await diagnose(url)).held_jobs or diagnosis.waiting_jobs:
            await asyncio.sleep(0.1)


async def check_answers(load: Load) -> None:
    """A repeated request returns the first id, and unread counts match the states."""
    for request_id, message_id in load.random.sample(sorted(load.promises.sent.items()), 10):
        await load.send_one(load.promises.requests[request_id])
        assert load.promises.sent[request_id] == message_id
    for user_id in READERS:
        states = [load.promises.states.get((user_id, i), {False}) for i in set(load.promises.mailboxes[user_id])]
        answer = await load.answer("getUnreadCount", {"publisherId": user_id})
        certain = sum(state == {False} for state in states)
        # Messages whose senders gave up and status calls without an answer may add to the count.
        uncertain = sum(len(state) == 2 for state in states) + len(load.promises.given_up)
        assert certain <= int(answer["unread"]) <= certain + uncertain


async def check_database(url: str, promises: Promises) -> None:
    """Check all messages and all mailboxes, which pull first what was sent to groups."""
    async with Database(url) as database:
        platform = await find_platform(database, PLATFORM)
        receivers = {user_id for request in promises.requests.values() for user_id in request.receivers}
        await pull(database, [platform.recipient(user_id) for user_id in receivers], now_ms())
    connection = await asyncpg.connect(url)
    try:
        messages = await connection.fetch("select id, content->>'content' as request, delivered_chunks from message")
        pages = await connection.fetch("select user_id, message_ids, read_at, unread from mailbox_page")
    finally:
        await connection.close()
    diagnosis = await diagnose(url)
    assert diagnosis.durable
    assert (diagnosis.held_jobs, diagnosis.waiting_jobs) == (0, 0)

    assert promises.repeated > 0
    assert len(set(promises.sent.values())) == len(promises.sent)
    stored = {str(row["id"]): promises.requests[row["request"]] for row in messages}
    assert len({request.request_id for request in stored.values()}) == len(messages), "a request was executed twice"
    for request_id, message_id in promises.sent.items():
        assert stored[message_id].request_id == request_id
    assert {request.request_id for request in stored.values()} <= promises.sent.keys() | promises.given_up

    entries = Counter((page["user_id"], str(i)) for page in pages for i in page["message_ids"])
    assert entries == Counter((user_id, i) for i, request in stored.items() for user_id in request.receivers)
    assert all(page["unread"] == page["read_at"].count(None) for page in pages)
    states = {
        (page["user_id"], str(i)): at is not None
        for page in pages
        for i, at in zip(page["message_ids"], page["read_at"], strict=True)
    }
    for place, allowed in promises.states.items():
        assert states[place] in allowed
    assert all(not read for place, read in states.items() if place not in promises.states)
