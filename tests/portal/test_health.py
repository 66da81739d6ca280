"""The health page for operators."""

import re
import socket
from pathlib import Path

from tests.conftest import Credentials, Raw, Server, execute, running_server, wait_for
from tests.portal.conftest import Visitor, add_person


def test_the_page_shows_processes_the_database_and_slow_calls(
    operator: Visitor, raw: Raw, app: Credentials, server: Server
) -> None:
    answer = raw.post("sendMsg", {"receiverIds": ["u"], "msgtype": "text", "text": {"content": "x"}})
    assert answer.json()["retCode"] == "000000"
    page = operator.get("/operator/health")
    assert page.status_code == 200
    assert f"<td>{server.process.pid}</td>" in page.text
    for words in ("PostgreSQL", "Slowest calls", "up to date", "Live streams", socket.gethostname()):
        assert words in page.text
    for tag in re.findall(r'<span class="tag (?:good|warn|bad)">([^<]*)', page.text):
        assert tag in {"OK", "Warning", "Critical"}, "a colour always comes with a word"


def test_a_slow_call_is_listed_with_its_request_id(database_url: str, tmp_path: Path) -> None:
    person = wait_for(add_person(database_url, "operator"))
    with running_server(database_url, tmp_path) as server:
        visitor = Visitor(server.url)
        visitor.log_in(person.login)
        headers = {"x-request-id": "look-for-me"}
        visitor.http.post(f"{server.url}/msgCenter/message/sendMsg", json={}, headers=headers)
        page = visitor.get("/operator/health").text
        assert "<code>look-for-me</code>" in page
        assert "<code>200001</code>" in page
        visitor.http.close()


def test_a_problem_is_named_in_words(database_url: str, tmp_path: Path) -> None:
    person = wait_for(add_person(database_url, "operator"))
    with running_server(database_url, tmp_path) as server:
        visitor = Visitor(server.url)
        visitor.log_in(person.login)
        wait_for(execute(database_url, "delete from schema_migration where number = 9"))
        page = visitor.get("/operator/health").text
        assert '<span class="tag bad">Critical</span>' in page
        assert "pending migrations: 1" in page
        visitor.http.close()
