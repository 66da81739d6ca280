"""A server frozen inside a transaction delays only calls that need its rows, and only for seconds."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.conftest import Credentials, Server, new_app, running_server

FROZEN_USER = "frozen"
FREEZES = 400


class Sender:
    """Sends to users through one server."""

    def __init__(self, server: Server, app: Credentials) -> None:
        self.app = app
        self.http = httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60)

    async def start(self) -> None:
        """Get a token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.app.app_id,
            "client_secret": self.app.app_key,
        }
        token = (await self.http.post("/oauth2/token", data=form)).json()["access_token"]
        self.http.params = httpx.QueryParams({"accessToken": token})

    async def send(self, user_id: str, text: str = "x") -> tuple[str, float]:
        """Send a message; return the retCode and the duration in seconds."""
        start = time.monotonic()
        request = {"receiverIds": [user_id], "msgtype": "text", "text": {"content": text}}
        answer = await self.http.post("/msgCenter/message/sendMsg", json=request)
        return answer.json()["retCode"], time.monotonic() - start


@asynccontextmanager
async def frozen_inside_a_transaction(
    server: Server, sender: Sender, connection: "asyncpg.Connection[asyncpg.Record]"
) -> AsyncIterator[list[str]]:
    """Freeze the server while it holds a lock on the mailbox of FROZEN_USER; yield the retCodes returned so far."""
    acknowledged: list[str] = []

    async def load() -> None:
        while True:
            try:
                code, _ = await sender.send(FROZEN_USER, "by the frozen server")
            except httpx.HTTPError:
                return
            acknowledged.append(code)

    clients = [asyncio.create_task(load()) for _ in range(3)]
    try:
        for _ in range(FREEZES):
            await asyncio.sleep(0.03)
            os.kill(server.process.pid, signal.SIGSTOP)
            if await is_locked(connection):
                break
            os.kill(server.process.pid, signal.SIGCONT)
        else:
            raise AssertionError("the server was never caught inside a transaction")
        yield acknowledged
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def is_locked(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Return whether an idle transaction holds a lock on the newest page of FROZEN_USER."""
    # Statements that were running when the server was frozen end first.
    await asyncio.sleep(0.05)
    try:
        async with connection.transaction():
            await connection.execute(
                """
                select from mailbox_page
                where cell = $1 and user_id = $2
                order by last_id desc
                limit 1
                for update nowait
                """,
                await connection.fetchval("select cell from mailbox where user_id = $1", FROZEN_USER),
                FROZEN_USER,
            )
    except asyncpg.LockNotAvailableError:
        return True
    return False


@pytest.mark.kill
@pytest.mark.slow
async def test_a_frozen_server_delays_only_calls_that_need_its_rows(database_url: str, tmp_path: Path) -> None:
    app = await new_app(database_url)
    connection = await asyncpg.connect(database_url)
    with running_server(database_url, tmp_path) as first, running_server(database_url, tmp_path) as second:
        frozen, alive = Sender(first, app), Sender(second, app)
        async with frozen.http, alive.http:
            await frozen.start()
            await alive.start()
            for user_id in (FROZEN_USER, *(f"user-{number}" for number in range(5))):
                assert (await alive.send(user_id))[0] == "000000"
            # PostgreSQL ends a transaction that is idle, but not one whose client was frozen while it prepared a
            # statement. A connection prepares a statement when it first uses it; so use all connections.
            for _ in range(5):
                codes = await asyncio.gather(*(frozen.send(FROZEN_USER) for _ in range(3)))
                assert {code for code, _ in codes} == {"000000"}
            async with frozen_inside_a_transaction(first, frozen, connection) as acknowledged:
                delayed = [asyncio.create_task(alive.send(FROZEN_USER)) for _ in range(5)]
                slowest, sent = 0.0, 0
                while not all(task.done() for task in delayed):
                    results = await asyncio.gather(*(alive.send(f"user-{number}") for number in range(5)))
                    sent += len(results)
                    assert {code for code, _ in results} == {"000000"}
                    slowest = max(slowest, *(seconds for _, seconds in results))
                answers = [task.result() for task in delayed]
                assert sent >= 20, "the delayed sends did not wait, so the test proves nothing"
                assert {code for code, _ in answers} == {"000000"}
                longest = max(seconds for _, seconds in answers)
                assert longest < 10
                # A send that waits for the locked rows takes as long as the delayed ones. A busy machine slows all.
                assert slowest < longest / 2, f"unrelated users' sends took up to {slowest:.2f} of {longest:.2f} s"
                before = len(acknowledged)
            # The server continues, and all messages that it acknowledged are stored.
            assert (await frozen.send(FROZEN_USER))[0] == "000000"
            stored = await connection.fetchval(
                "select sum(cardinality(message_ids)) from mailbox_page where user_id = $1", FROZEN_USER
            )
            assert stored >= before + len(delayed)
    await connection.close()
