"""The log: JSON lines with the request id, the caller and the outcome, and never a secret."""

import json
import re
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from msgcenter.web.logs import RequestLog, configure_logs
from msgcenter.web.request_id import begin_request, current_request_id
from tests.conftest import SECRET_KEY, Server, execute, new_app, running_server, wait_for
from tests.portal.conftest import PASSWORD, Visitor, add_person

TOKEN = "a token that only the tests and their Prometheus know"


def lines_of(server: Server) -> list[dict[str, Any]]:
    """Return the JSON lines of a server's log, without its other output for the operator."""
    return [json.loads(line) for line in "".join(server.output).splitlines() if line.startswith("{")]


def lines_with(server: Server, **fields: object) -> list[dict[str, Any]]:
    """Return the lines that have all these fields."""
    return [line for line in lines_of(server) if fields.items() <= line.items()]


def test_each_request_is_a_line_with_its_id_and_no_secret(database_url: str, tmp_path: Path) -> None:
    app = wait_for(new_app(database_url))
    person = wait_for(add_person(database_url, "operator"))
    private = [app.app_key, PASSWORD, SECRET_KEY, TOKEN]
    settings = {"ACCESS_LOG": "on", "LOG_LEVEL": "debug", "METRICS_TOKEN": TOKEN}
    with running_server(database_url, tmp_path, **settings) as server:
        http = httpx.Client(base_url=server.url, trust_env=False, headers={"x-request-id": "number-7"})
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        token = http.post("/oauth2/token", data=form).json()["access_token"]
        words = f"words-{secrets.token_hex(8)}"
        sent = {"receiverIds": ["parent-wang"], "msgtype": "text", "text": {"content": words}}
        assert http.post(f"/msgCenter/message/sendMsg?accessToken={token}", json=sent).json()["retCode"] == "000000"
        http.post(f"/msgCenter/message/sendMsg?accessToken={token}x", json=sent)
        body = {"publisherId": "parent-wang"}
        user = http.post(f"/msgCenter/user/getUserToken?accessToken={token}", json=body).json()["userToken"]
        http.get("/inbox/v1/messages?q=private", headers={"authorization": f"Bearer {user}"})
        with http.stream("GET", f"/inbox/v1/stream?token={user}") as stream:
            assert stream.headers["x-request-id"] == "number-7"
            next(stream.iter_lines())
        visitor = Visitor(server.url)
        visitor.log_in(person.login)
        made = visitor.post("/operator/people/invite", page="/operator/people", role="developer", note="x").text
        invitation = re.findall(r"/invitation/([0-9a-f]{32})", made)[0]
        visitor.get(f"/invitation/{invitation}")
        key = visitor.post("/apps/new", name="Mine", platform=app.platform_code).text
        private += re.findall(r'id="app-key"[^>]*>([0-9a-f]{32})<|<code[^>]*data-copy[^>]*>([0-9a-f]{32})<', key)[0]
        visitor.post("/login", login=person.login, password="a wrong password")
        httpx.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False)
        private += [
            token,
            user,
            words,
            "parent-wang",
            invitation,
            "a wrong password",
            "private",
            *visitor.cookies.values(),
        ]
        visitor.http.close()
        http.close()
    output = "".join(server.output)
    for secret in filter(None, private):
        assert secret not in output
    (call,) = lines_with(server, api="sendMsg", ret_code="000000")
    assert (call["app"], call["request_id"], call["event"], call["level"]) == (
        app.app_id, "number-7", "request", "info",
    )  # fmt: skip
    assert call["ms"] > 0
    (refused,) = lines_with(server, api="sendMsg", ret_code="200002")
    assert "app" not in refused
    assert lines_with(server, inbox="/inbox/v1/messages", method="GET", status=200, request_id="number-7")
    assert lines_with(server, page="/portal/invitation/{invitation}", status=200)
    for line in lines_with(server, event="request"):
        assert line["request_id"]


def test_requests_are_not_logged_by_default(database_url: str, tmp_path: Path) -> None:
    app = wait_for(new_app(database_url))
    with running_server(database_url, tmp_path) as server:
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        assert httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False).status_code == 200
        httpx.get(f"{server.url}/portal/login", trust_env=False)
    assert not lines_with(server, event="request")


def test_slow_requests_are_logged_as_warnings(database_url: str, tmp_path: Path) -> None:
    app = wait_for(new_app(database_url))
    with running_server(database_url, tmp_path, SLOW_CALL_MS="1") as server:
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        answer = httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False)  # two statements at least
        visitor = Visitor(server.url)
        visitor.log_in("nobody@example.edu")  # a password is hashed
        visitor.http.close()
    (line,) = lines_with(server, event="a request was slow", api="token")
    assert (line["level"], line["request_id"], line["app"]) == ("warning", answer.headers["x-request-id"], app.app_id)
    assert line["ms"] >= 1
    assert lines_with(server, event="a request was slow", page="/portal/login", method="POST")


def test_an_error_is_logged_with_the_request_id_of_the_answer(database_url: str, tmp_path: Path) -> None:
    app = wait_for(new_app(database_url))
    person = wait_for(add_person(database_url, "operator"))
    with running_server(database_url, tmp_path) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        token = http.post("/oauth2/token", data=form).json()["access_token"]
        body = {"publisherId": "u"}
        user = http.post(f"/msgCenter/user/getUserToken?accessToken={token}", json=body).json()["userToken"]
        visitor = Visitor(server.url)
        visitor.log_in(person.login)
        wait_for(execute(database_url, "alter table message rename to elsewhere"))
        wait_for(execute(database_url, "alter table mailbox rename to elsewhere_too"))
        wait_for(execute(database_url, "alter table invitation rename to nowhere"))
        page = visitor.get("/operator/people")
        call = http.post(f"/msgCenter/message/getMsgList?accessToken={token}", json={})
        inbox = http.get("/inbox/v1/messages", headers={"authorization": f"Bearer {user}"})
        visitor.http.close()
    assert page.status_code == 500
    assert f"<code>{page.headers['x-request-id']}</code>" in page.text
    assert call.json()["retCode"] == "500001"
    assert inbox.status_code == 500
    for answer, event in ((page, "a page failed"), (call, "a call failed"), (inbox, "an inbox call failed")):
        (line,) = lines_with(server, event=event)
        assert line["request_id"] == answer.headers["x-request-id"]
        assert "UndefinedTableError" in line["exception"]


@pytest.mark.parametrize("request_id", ["number-1", "x" * 64])
def test_the_portal_and_the_inbox_return_the_request_id(request_id: str, server: Server) -> None:
    for path in ("/portal/login", "/portal/apps", "/inbox/v1/messages", "/healthz"):
        answer = httpx.get(server.url + path, headers={"x-request-id": request_id}, trust_env=False)
        assert answer.headers["x-request-id"] == request_id
    for odd in ("", "x" * 65, "two words", "\u00e9"):
        answer = httpx.get(
            f"{server.url}/portal/login", headers=[(b"x-request-id", odd.encode("latin-1"))], trust_env=False
        )
        assert re.fullmatch("[0-9a-f]{24}", answer.headers["x-request-id"])


def test_a_traceback_on_a_terminal_has_no_values_of_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    try:
        configure_logs("info")
        password = "hunter2"
        try:
            raise ValueError(len(password))
        except ValueError:
            structlog.get_logger("watched").exception("it failed")
        output = capsys.readouterr().err
    finally:
        structlog.reset_defaults()
    assert "it failed" in output
    assert "ValueError: 7" in output
    assert output.count("hunter2") == 0


def test_a_fast_request_is_logged_only_with_the_access_log() -> None:
    with structlog.testing.capture_logs() as lines:
        RequestLog(slow_ms=100).answered(0.0999, api="sendMsg")
        RequestLog(slow_ms=0).answered(100.0, api="sendMsg")
        assert lines == []
        RequestLog(slow_ms=100).answered(0.1, api="sendMsg", app=None)
        RequestLog(access=True).answered(0.0123, api="sendMsg")
    assert lines == [
        {"event": "a request was slow", "log_level": "warning", "ms": 100.0, "api": "sendMsg"},
        {"event": "request", "log_level": "info", "ms": 12.3, "api": "sendMsg"},
    ]


async def test_a_group_commit_carries_no_request_id() -> None:
    from msgcenter.database.group_commit import GroupCommit

    seen: list[bytes] = []

    async def flush(items: list[int]) -> list[int]:
        seen.append(current_request_id.get())
        return items

    begin_request(b"number-1")
    assert await GroupCommit(flush, batch_weight=10, waiting_limit=10).submit(7) == 7
    assert seen == [b""]
    assert current_request_id.get() == b"number-1"
