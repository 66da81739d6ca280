"""Reports of messages to organisations on the page of a message, level by level, and their files."""

import csv
import html
import re
import secrets
from collections.abc import Iterator

import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.directory.grants import AddressingGrants
from msgcenter.domain.directory import DirectoryUser, Membership, Org
from msgcenter.domain.person import COMMAND
from msgcenter_client import Client, Organisations
from tests.conftest import Credentials, Server, SharedConnections, register_app
from tests.portal.conftest import Visitor
from tests.portal.directory_scene import write_directory
from tests.portal.test_directory import text_of

ORGS = (
    Org("district", "", "", "District"),
    Org("one", "district", "", "School One"),
    Org("two", "district", "", "@School Two"),
    *(Org(f"c{number:03}", "one", "", f"Class {number:03}") for number in range(120)),
)
USERS = [DirectoryUser(f"u{number:04}", f"Name {number:04}") for number in range(2_500)]


@pytest.fixture(scope="module", params=[1, 3], ids=["one cell", "three cells"])
def app(shared_connections: SharedConnections, request: pytest.FixtureRequest) -> Credentials:
    """An app that may address a district with two schools; the first has many classes, the second many parents."""
    return shared_connections.run(_prepare(shared_connections, request.param))


async def _prepare(shared: SharedConnections, cells: int) -> Credentials:
    code = f"p{secrets.token_hex(6)}"
    members = [Membership(f"c{place:03}", user.user_id, "par") for place, user in enumerate(USERS[:120])]
    members += [Membership("two", user.user_id, "par") for user in USERS]
    await write_directory(shared.database, code, cells=cells, orgs=ORGS, users=USERS, members=members)
    app = await register_app(shared.database, code)
    await AddressingGrants(shared.database).grant(app.app_id, "district", None, platform_code=None, by=COMMAND)
    await AppSettings(shared.database).set_directory(app.app_id, allowed=False)
    return app


@pytest.fixture(scope="module")
def client(server: Server, app: Credentials) -> Iterator[Client]:
    """The app's client."""
    with Client(server.url, app.app_id, app.app_key) as opened:
        yield opened


@pytest.fixture(scope="module")
def message_id(client: Client) -> str:
    """A message to the parents of the district that some have read."""
    sent = client.send_text(Organisations("district"), "To all parents")
    for user in ("u0000", "u0001", "u0200"):
        client.set_status(user, [sent])
    return sent


def rows_of(page: str) -> list[list[str]]:
    """Return the cells of the report's table."""
    table = page.partition('class="report"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(html.unescape(re.sub(r"<[^>]*>", " ", cell)).split()) for cell in row] for row in cells]


def csv_rows(text: str) -> list[list[str]]:
    """Return the rows of a file that Excel opens."""
    assert text.startswith("\ufeff")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines()))


def test_the_report_opens_level_by_level(developer: Visitor, app: Credentials, message_id: str) -> None:
    page = f"/apps/{app.app_id}/messages/{message_id}"
    top = developer.get(page).text
    assert rows_of(top) == [
        ["District district", "2,500", "3", "2,497", "0.1%"],
    ]
    assert 'aria-label="District, unread: 2,497"' in top
    schools = developer.get(f"{page}?report=district").text
    assert rows_of(schools) == [
        ["School One one", "120", "2", "118", "1.7%"],
        ["@School Two two", "2,500", "3", "2,497", "0.1%"],
    ]
    classes = developer.get(f"{page}?report=one").text
    assert "All › District › School One" in text_of(classes)
    rows = rows_of(classes)
    assert rows[0] == ["Class 000 c000", "1", "1", "0", "100.0%"]
    assert len(rows) == 100
    assert "Organisations: 120; shown: 100, from number 1" in text_of(classes)
    more = re.search(r'href="\?([^"]*from=100[^"]*)#report"', classes)
    assert more is not None
    assert len(rows_of(developer.get(f"{page}?{html.unescape(more[1])}").text)) == 20
    assert "report=two" not in schools.partition('class="report"')[2], "nothing is below it"


def test_receivers_are_listed_by_organisation(
    developer: Visitor, operator: Visitor, app: Credentials, message_id: str
) -> None:
    page = f"/apps/{app.app_id}/messages/{message_id}?org=one&show=read"
    shown = text_of(developer.get(page).text).partition("Show all organisations")[2]
    assert re.findall(r"u\d{4}", shown) in (["u0000", "u0001"], ["u0001", "u0000"])
    assert "Name 0000" not in shown, "names are for apps that may read the directory"
    assert "u0000 Name 0000" in text_of(operator.get(page).text)


def test_the_report_is_exported(developer: Visitor, app: Credentials, message_id: str) -> None:
    path = f"/apps/{app.app_id}/messages/{message_id}/report.csv"
    rows = csv_rows(developer.get(f"{path}?org=district").text)
    assert rows == [
        ["orgId", "organisation", "receivers", "read", "unread", "read %"],
        ["one", "School One", "120", "2", "118", "1.7"],
        ["two", "'@School Two", "2500", "3", "2497", "0.1"],
    ]
    assert len(csv_rows(developer.get(f"{path}?org=one").text)) == 1 + 120
    assert developer.get(f"{path}?org=nothing").status_code == 404


def test_receivers_are_exported(developer: Visitor, operator: Visitor, app: Credentials, message_id: str) -> None:
    path = f"/apps/{app.app_id}/messages/{message_id}/receivers.csv"
    rows = csv_rows(developer.get(path).text)
    assert rows[0] == ["orgId", "organisation", "userId", "name", "state", "first read"]
    assert sorted(row[2] for row in rows[1:]) == [user.user_id for user in USERS]
    # Users in several organisations are listed once, in the one with the lowest number.
    assert {(row[0], row[1]) for row in rows[1:]} == {("two", "'@School Two")}
    read = csv_rows(operator.get(f"{path}?show=read").text)
    assert sorted(row[2:5] for row in read[1:]) == [
        [user, f"Name {user[1:]}", "read"] for user in ("u0000", "u0001", "u0200")
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+\d\d:\d\d", row[5]) for row in read[1:])
    unread = csv_rows(developer.get(f"{path}?org=one&show=unread").text)
    assert sorted(row[2] for row in unread[1:]) == [user.user_id for user in USERS[2:120]]
    assert ["c119", "Class 119", "u0119", "", "unread", ""] in unread
    assert developer.get(f"{path}?org=nothing").status_code == 404


def test_receivers_of_other_messages_are_exported_too(developer: Visitor, client: Client, app: Credentials) -> None:
    direct = client.send_text(["b", "a"], "To two")
    path = f"/apps/{app.app_id}/messages/{direct}"
    rows = csv_rows(developer.get(f"{path}/receivers.csv").text)
    assert rows == [["userId", "name", "state", "first read"], ["a", "", "unread", ""], ["b", "", "unread", ""]]
    assert 'id="report"' not in developer.get(path).text
    assert developer.get(f"{path}/report.csv").headers["location"] == f"/portal{path}"
    assert developer.get(f"{path}/receivers.csv?org=one").status_code == 422


def test_a_message_without_those_below_has_one_level(developer: Visitor, client: Client, app: Credentials) -> None:
    sent = client.send_text(Organisations(["one", "two"], include_sub=False), "To members themselves")
    page = developer.get(f"/apps/{app.app_id}/messages/{sent}").text
    assert [row[:2] for row in rows_of(page)] == [["School One one", "0"], ["@School Two two", "2,500"]]
    assert "report=one" not in page
