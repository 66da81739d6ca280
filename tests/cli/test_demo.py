"""`msgcenter demo` on an embedded database of its own."""

import json
import re
import signal
import stat
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.program import Running, Shell, databases_below
from tests.portal.conftest import Visitor

SEED_ANSWER = '{"retCode":"000000","retDesc":"操作成功"}'
CLASSES = {"三(1)班": (38, 15), "三(2)班": (39, 12), "四(1)班": (38, 9), "四(2)班": (38, 6)}
"""Parents and readers of the message to the first school: some have children in two classes."""


def answer_in(text: str) -> dict[str, Any]:
    """The first answer in a text, on one line or on several."""
    answer: dict[str, Any] = json.JSONDecoder().raw_decode(text[text.index("{", text.index(" ms\n")) :])[0]
    return answer


def sent_ids(running: Running) -> list[str]:
    """The message ids that the demo's calls returned."""
    return [json.loads(line)["msgId"] for line in running.lines if line.startswith("{") and '"msgId":"' in line]


def printed_password(running: Running, login: str) -> str:
    """The password that the demo prints for an operator."""
    return running.line_with(f"{login}, password ").partition(f"{login}, password ")[2].split(";")[0].strip()


def logs_in(running: Running, login: str) -> bool:
    """Whether a person can log in at the portal with the password that the demo prints."""
    url = running.line_with("MsgCenter is serving on ").partition(" on ")[2].split()[0]
    password = printed_password(running, login)
    visitor = Visitor(url)
    answer = visitor.log_in(login, password)
    announcements = visitor.get("/operator/announcements")
    visitor.http.close()
    return (answer.status_code, announcements.status_code) == (
        303,
        200,
    ) and "the only operator" not in announcements.text


def assert_mails_are_caught(url: str, output: str) -> None:
    """Send a message by mail at once, and see it on the demo's page."""
    token = re.search(r"accessToken=([0-9a-f]{32})", output)
    assert token is not None
    body = {
        "receiverIds": ["parent-wang"],
        "msgtype": "text",
        "text": {"content": "放学后请到操场集合。"},
        "channels": ["email"],
        "channelDelay": 0,
        "requestId": "mailed-at-once",
    }
    with httpx.Client(base_url=url, trust_env=False) as http:
        sent = http.post("/msgCenter/message/sendMsg", params={"accessToken": token[1]}, json=body).json()
        assert sent["retCode"] == "000000"
        end = time.monotonic() + 60
        while "放学后请到操场集合。" not in http.get("/dev/mail").text:
            assert time.monotonic() < end, "the mail has not come"
            time.sleep(0.1)


@pytest.mark.slow
def test_the_demo_makes_its_calls_stops_cleanly_and_continues_with_its_data(tmp_path: Path) -> None:
    shell = Shell(None, tmp_path / "data", forked=False, TOKEN_TTL="5400", SECOND_FACTOR="")
    with shell.started("demo", "--port", "0") as first:
        first.line_with("for operators")
        output = first.output
        assert "Demo app msgcenter-demo registered" in output
        assert f"{SEED_ANSWER}\n" in output.partition("6. The sample call of the open platform")[2]
        assert '{"retCode":"000000","retDesc":"操作成功","unread":4}' in output
        assert "valid for 90 minutes" in output
        operators = ("operator@msgcenter.demo", "approver@msgcenter.demo")
        for login in operators:
            assert logs_in(first, login), f"{login} cannot log in with the printed password"
        assert len({printed_password(first, login) for login in operators}) == 2
        assert "a real server does" in first.line_with("the demo does not require a second factor")
        assert "\x1b" not in output
        ids = sent_ids(first)
        assert len(ids) == 7
        report = answer_in(output.partition("10. Some parents have read it")[2])
        assert {org["name"]: (org["receivers"], org["read"]) for org in report["orgs"]} == CLASSES

        url = first.line_with("MsgCenter is serving on ").partition(" on ")[2].split()[0]
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        assert_mails_are_caught(url, output)
        assert databases_below(shell.data_dir)
        assert first.end(signal.SIGINT) == 0
        assert "Stopped." in first.output
        assert "Traceback" not in first.output
    assert not databases_below(shell.data_dir)

    key = shell.data_dir / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    secret = key.read_text()
    assert len(secret.strip()) == 64

    with shell.started("demo", "--port", "0") as second:
        second.line_with("for operators")
        assert "Demo app msgcenter-demo already registered" in second.output
        assert f"{SEED_ANSWER}\n" in second.output
        assert sent_ids(second)[:-1] == ids[:-1], "only the message that is mailed is another one"
        assert logs_in(second, "approver@msgcenter.demo")
        assert second.end(signal.SIGTERM) == 0
        assert "Traceback" not in second.output
    assert not databases_below(shell.data_dir)
    assert key.read_text() == secret

    count = shell.run("database", "psql", "-Atc", "select count(*) from message")
    assert (count.code, count.out) == (0, "11\n"), "two old messages, six sends, a mailed one for each run, and ours"
    people = shell.run("database", "psql", "-Atc", "select count(*) from directory_user")
    assert (people.code, people.out) == (0, "602\n")
    assert shell.run("database", "psql", "-c", "nonsense").code == 1

    with shell.started("demo", "--port", "0") as third:
        third.line_with("1. The app proves")
        assert third.end(signal.SIGTERM) == 0
        assert "Traceback" not in third.output
    assert not databases_below(shell.data_dir)


def test_the_demo_explains_that_its_app_is_disabled(database_url: str, tmp_path: Path) -> None:
    shell = Shell(database_url, tmp_path)
    with shell.started("demo", "--port", "0") as first:
        first.line_with("for operators")
        assert "from MSGCENTER_DATABASE_URL" in first.output
        assert first.end(signal.SIGINT) == 0
        assert "database" not in first.output.partition("Stopping")[2]
    assert shell.run("app", "disable", "msgcenter-demo").code == 0
    with shell.started("demo", "--port", "0") as second:
        assert "app enable msgcenter-demo" in second.line_with("If it is disabled")
        assert second.end(signal.SIGINT) == 0
