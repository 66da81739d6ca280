"""A server killed during an approval sends the announcement once or not at all, and its page shows which."""

import random
import re
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.conftest import new_app, running_server, wait_for
from tests.portal.conftest import Visitor, add_person

HOME = "/operator/announcements"
ROUNDS = 5


async def _messages_and_state(url: str, text: str) -> tuple[int, str]:
    """Return the number of messages with this text and the state of the announcement."""
    connection = await asyncpg.connect(url)
    try:
        messages = await connection.fetchval("select count(*) from message where content->>'content' = $1", text)
        state = await connection.fetchval(
            "select a.state from announcement a join announcement_version v on v.announcement_number = a.number"
            " where v.content->>'content' = $1",
            text,
        )
        return messages, state
    finally:
        await connection.close()


@pytest.mark.kill
@pytest.mark.slow
def test_a_kill_during_the_approval_sends_once_or_not_at_all(database_url: str, tmp_path: Path) -> None:
    dice = random.Random(5)
    app = wait_for(new_app(database_url))
    author, other = (wait_for(add_person(database_url, "operator")) for _ in range(2))
    for number in range(ROUNDS):
        text = f"Announcement {number}"
        with running_server(database_url, tmp_path) as server:
            writer, reviewer = Visitor(server.url), Visitor(server.url)
            writer.log_in(author.login)
            reviewer.log_in(other.login)
            fields = {"platform": app.platform_code, "kind": "text", "text.content": text, "then": "submit"}
            path = re.sub(r"^/portal|\?.*", "", writer.post(f"{HOME}/new", **fields).headers["location"])

            def approve(path: str = path, reviewer: Visitor = reviewer) -> None:
                with suppress(httpx.HTTPError):
                    reviewer.post(f"{path}/approve", version="1", page="/account")

            approving = threading.Thread(target=approve)
            approving.start()
            time.sleep(dice.uniform(0.0, 0.06))  # the rounds kill the server at different points of its work
            server.stop(signal.SIGKILL)
            approving.join()
            writer.http.close()
            reviewer.http.close()
        messages, state = wait_for(_messages_and_state(database_url, text))
        assert (messages, state) in {(0, "waiting"), (1, "sent")}
        with running_server(database_url, tmp_path) as server:
            again = Visitor(server.url)
            again.log_in(other.login)
            answer = again.post(f"{path}/approve", version="1", page="/account")
            assert answer.status_code == 303, "a person who has approved it can approve it again"
            again.http.close()
        assert wait_for(_messages_and_state(database_url, text)) == (1, "sent")
