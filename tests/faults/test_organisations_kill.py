"""A server killed while it sends to organisations whose members change: each message reaches its members once."""

import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery, ListCursor
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.database.database import Database
from msgcenter.domain.account import Platform
from msgcenter.domain.message_id import MAX_ID
from msgcenter_client import Client, MsgCenterError, Organisations
from tests.conftest import PLATFORM, new_app, running_server, wait_for
from tests.directory_rows import DirectoryRows
from tests.scene import find_platform, rows

ROUNDS = 3
SENDERS = 4
FIRST = [f"user-{number}" for number in range(6)]
FAR = 1 << 60


async def _prepare(url: str) -> None:
    async with Database(url, connections=2) as database:
        await rows(database, "alter table platform alter column cells set default 3")


async def _directory(url: str, app_number: int) -> None:
    async with Database(url, connections=2) as database:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.add_org("school")
        await directory.add_org("class", "school")
        await directory.join("school", FIRST[:3], "tea")
        await directory.join("class", FIRST, "stu")
        await directory.grant(app_number, "school")


async def _change_members(url: str, number: int, done: threading.Event) -> None:
    """Let users join and leave, until the server is dead."""
    async with Database(url, connections=2) as database:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        step = 0
        while not done.is_set():
            user = f"user-{number}-{step}"
            await directory.join("class", [user], "stu")
            if step % 2:
                await directory.leave("class", [user])
            step += 1


async def _mailboxes(url: str) -> dict[str, list[str]]:
    """Return the users who have each message, by message id, with repetitions."""
    having: dict[str, list[str]] = {}
    async with Database(url, connections=2) as database:
        platform: Platform = await find_platform(database, PLATFORM)
        inbox = Inbox(database, Statuses(database, waiting_limit=10), waiting_limit=10)
        for (user_id,) in await rows(database, "select user_id from mailbox"):
            viewer = Viewer(platform.recipient(user_id), None, (), (), FAR)
            cursor: ListCursor | None = ListCursor(MAX_ID)
            while cursor is not None:
                page = await inbox.list_messages(viewer, InboxQuery(limit=200).at(cursor))
                for item in page.items:
                    having.setdefault(str(item.message.id), []).append(user_id)
                cursor = page.next_cursor
    return having


@pytest.mark.kill
@pytest.mark.slow
def test_a_kill_during_sends_to_organisations_loses_and_repeats_nothing(database_url: str, tmp_path: Path) -> None:
    dice = random.Random(3)
    wait_for(_prepare(database_url))
    app = wait_for(new_app(database_url))
    wait_for(_directory(database_url, app.number))
    sent: dict[str, str] = {}
    begun: set[str] = set()

    def send(client: Client, number: int, sender: int, done: threading.Event) -> None:
        step = 0
        while not done.is_set():
            key = f"{number}-{sender}-{step}"
            begun.add(key)
            with suppress(MsgCenterError):
                sent[key] = client.send_text(Organisations(["school", "class"]), key, idempotency_key=key)
            step += 1

    for number in range(ROUNDS):
        done = threading.Event()
        with (
            running_server(database_url, tmp_path) as server,
            Client(server.url, app.app_id, app.app_key, retries=0) as client,
            ThreadPoolExecutor(SENDERS + 1) as pool,
        ):
            client.send_text(Organisations("school"), "the server is up", idempotency_key=f"up-{number}")
            running = [pool.submit(send, client, number, sender, done) for sender in range(SENDERS)]
            changing = pool.submit(wait_for, _change_members(database_url, number, done))
            time.sleep(dice.uniform(0.3, 0.8))  # the rounds kill the server at different points of its work
            server.stop(signal.SIGKILL)
            done.set()
            for future in [*running, changing]:
                future.result()
    with running_server(database_url, tmp_path) as server, Client(server.url, app.app_id, app.app_key) as client:
        for key in sorted(begun):
            message_id = client.send_text(Organisations(["school", "class"]), key, idempotency_key=key)
            assert sent.setdefault(key, message_id) == message_id
        assert len(set(sent.values())) == len(begun)
        having = wait_for(_mailboxes(database_url))
        for message in client.messages():
            receipts = [receipt.recipient for receipt in client.receipts(message.id)]
            assert sorted(receipts) == sorted(having[message.id])
            assert set(FIRST) <= set(receipts)
            assert len(receipts) == message.receivers == len(set(receipts))
