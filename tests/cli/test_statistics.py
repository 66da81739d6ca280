"""Statistics of real processes: their counts add up, and the last ones are stored when a process stops."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.cli.program import Shell
from tests.conftest import Credentials, new_app, wait_for


async def _counted(url: str) -> dict[tuple[str, str], tuple[int, int]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select api, ret_code, sum(calls)::int, sum(messages)::int from call_count where hours = 1 group by 1, 2"
        )
    finally:
        await connection.close()
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def token_of(url: str, app: Credentials) -> str:
    """Get a token for an app."""
    form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
    token: str = httpx.post(f"{url}/oauth2/token", data=form, trust_env=False).json()["access_token"]
    return token


def send(url: str, token: str, turns: int) -> set[str]:
    """Send messages, each over its own connection; return the processes that answered."""
    body = {"receiverIds": ["user"], "msgtype": "text", "text": {"content": "x"}}
    answers = [
        httpx.post(f"{url}/msgCenter/message/sendMsg?accessToken={token}", json=body, trust_env=False)
        for _ in range(turns)
    ]
    assert all(answer.json()["retCode"] == "000000" for answer in answers)
    return {answer.headers["x-request-id"][:12] for answer in answers}


@pytest.mark.slow
def test_the_counts_of_processes_add_up_and_are_stored_when_they_stop(database_url: str, tmp_path: Path) -> None:
    with Shell(database_url, tmp_path).started("serve", "--port", "0", "--workers", "2") as running:
        url = running.url()
        token = token_of(url, wait_for(new_app(database_url)))
        processes, turns = send(url, token, 20), 20
        while len(processes) < 2:
            processes |= send(url, token, 20)
            turns += 20
        assert running.end(signal.SIGTERM) == 0
        assert "Traceback" not in running.output
    assert asyncio.run(_counted(database_url)) == {("sendMsg", "000000"): (turns, turns), ("token", "000000"): (1, 0)}


@pytest.mark.slow
def test_a_server_without_statistics_stores_no_counts(database_url: str, tmp_path: Path) -> None:
    with Shell(database_url, tmp_path, STATISTICS="off").started("serve", "--port", "0") as running:
        url = running.url()
        send(url, token_of(url, wait_for(new_app(database_url))), 3)
        assert running.end(signal.SIGTERM) == 0
    assert asyncio.run(_counted(database_url)) == {}
