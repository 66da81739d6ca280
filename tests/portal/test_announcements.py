"""Announcements: written by one operator, approved by another, sent once to everyone on the platform."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Refusal
from msgcenter.store.apps import apps
from tests.conftest import SECRET_KEY, Credentials, Server, new_app, wait_for
from tests.portal.conftest import Company, Visitor

HOME = "/operator/announcements"


@pytest.fixture
def platform() -> str:
    """A platform that no other test uses."""
    return f"p{secrets.token_hex(5)}"


@pytest.fixture
def app(shared_database: str, platform: str) -> Credentials:
    """An app of that platform, whose inbox shows the messages of all apps."""
    made = wait_for(new_app(shared_database, platform))

    async def open_inbox() -> None:
        async with Database(shared_database, connections=2) as database:
            await AppSettings(database).set_inbox(made.app_id, scope="platform", by=COMMAND)

    wait_for(open_inbox())
    return made


@pytest.fixture
def author(company: Company) -> Visitor:
    """The operator who writes."""
    return company.enter("operator")[0]


@pytest.fixture
def reviewer(company: Company) -> Visitor:
    """The operator who approves."""
    return company.enter("operator")[0]


class Reader:
    """A user of the platform with an inbox."""

    def __init__(self, server: Server, app: Credentials, user: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        token = httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False).json()["access_token"]
        answer = httpx.post(
            f"{server.url}/msgCenter/user/getUserToken?accessToken={token}", json={"publisherId": user}, trust_env=False
        )
        self.headers = {"authorization": f"Bearer {answer.json()['userToken']}"}
        self.url = f"{server.url}/inbox/v1/messages"

    def messages(self) -> list[dict[str, object]]:
        """Return the messages in the inbox."""
        messages: list[dict[str, object]] = httpx.get(self.url, headers=self.headers, trust_env=False).json()[
            "messages"
        ]
        return messages

    def texts(self) -> list[str]:
        """Return the texts of the messages in the inbox."""
        return [message["body"]["content"] for message in self.messages()]  # type: ignore[index]


@pytest.fixture
def reader(server: Server, app: Credentials, user: str) -> Reader:
    """A user who is known to the platform."""
    return Reader(server, app, user)


def write(author: Visitor, platform: str, content: str, *, then: str = "submit", **fields: str) -> str:
    """Draft an announcement and return its path."""
    answer = author.post(
        f"{HOME}/new", platform=platform, kind="text", then=then, **{"text.content": content, **fields}
    )
    assert answer.status_code == 303, answer.text
    return re.sub(r"^/portal|\?.*", "", answer.headers["location"])


def version_on(visitor: Visitor, path: str) -> str:
    """Return the version on the page of an announcement."""
    match = re.search(r'name="version" value="(\d+)"', visitor.get(path).text)
    assert match is not None
    return match[1]


def act(visitor: Visitor, path: str, step: str, version: str = "1", **fields: str) -> httpx.Response:
    """Take a step as the form on the page does."""
    return visitor.post(f"{path}/{step}", page="/account", version=version, **fields)


def test_an_approved_announcement_is_in_every_inbox(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    path = write(author, platform, "School is closed on Friday.")
    assert reader.texts() == []
    page = reviewer.get(path).text
    assert "School is closed on Friday." in page
    assert "<strong>1</strong>" in page, "the audience"
    answer = act(reviewer, path, "approve", version_on(reviewer, path))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/portal{path}?done=approved")
    (message,) = reader.messages()
    assert message["app"]["name"] == platform  # type: ignore[index]
    assert reader.texts() == ["School is closed on Friday."]
    sent = author.get(path).text
    assert "Receipts" in sent
    listed = author.get(f"{HOME}?platform={platform}").text
    assert "School is closed on Friday." in listed
    assert "Sent</span>" in listed


def test_authors_cannot_approve_their_own_announcement(author: Visitor, reader: Reader, platform: str) -> None:
    path = write(author, platform, "Mine.")
    page = author.get(path).text
    assert "/approve" not in page
    answer = act(author, path, "approve")
    assert answer.status_code == 422
    assert "its author, editor or submitter cannot approve or return it" in answer.text
    assert act(author, path, "return", reason="Not good").status_code == 422
    assert reader.texts() == []


def test_editors_cannot_approve_their_own_version(
    company: Company, author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    path = write(author, platform, "First.")
    fields = {"platform": platform, "kind": "text", "text.content": "Second.", "version": "1", "then": "submit"}
    assert reviewer.post(f"{path}/edit", **fields).status_code == 303
    assert act(reviewer, path, "approve", "2").status_code == 422
    assert act(author, path, "approve", "2").status_code == 422
    third = company.enter("operator")[0]
    assert act(third, path, "approve", "2").status_code == 303
    assert reader.texts() == ["Second."]


def test_only_the_seen_version_can_be_approved(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    path = write(author, platform, "The meeting begins at 15:00.")
    seen = version_on(reviewer, path)
    fields = {"platform": platform, "kind": "text", "text.content": "The meeting begins at 16:00.", "version": "1"}
    assert author.post(f"{path}/edit", **fields, then="submit").status_code == 303
    answer = act(reviewer, path, "approve", seen)
    assert answer.status_code == 422
    assert "has changed; read the new version" in answer.text
    assert reader.texts() == []
    page = reviewer.get(path).text
    assert "Changes since version 1" in page
    assert "The meeting begins at <del>15</del><ins>16</ins>:00." in page
    assert act(reviewer, path, "approve", "2").status_code == 303
    assert reader.texts() == ["The meeting begins at 16:00."]


def test_an_edit_voids_a_submission(author: Visitor, reviewer: Visitor, reader: Reader, platform: str) -> None:
    path = write(author, platform, "One.")
    fields = {"platform": platform, "kind": "text", "text.content": "Two.", "version": "1"}
    assert author.post(f"{path}/edit", **fields, then="").status_code == 303
    for version in ("1", "2"):
        answer = act(reviewer, path, "approve", version)
        assert answer.status_code == 422
        assert "check the current state" in answer.text
    assert reader.texts() == []
    stale = author.post(f"{path}/edit", **{**fields, "text.content": "Three."}, then="")
    assert stale.status_code == 422
    assert "Three." in stale.text, "the input is kept"


def test_a_returned_announcement_has_a_reason_and_can_be_submitted_again(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    path = write(author, platform, "Skool is closed.")
    nothing = act(reviewer, path, "return", reason=" ")
    assert nothing.status_code == 422
    assert act(reviewer, path, "return", reason="Mind the spelling").status_code == 303
    page = author.get(path).text
    assert "Mind the spelling" in page
    assert "Returned" in page
    assert act(reviewer, path, "approve").status_code == 422
    fields = {"platform": platform, "kind": "text", "text.content": "School is closed.", "version": "1"}
    assert author.post(f"{path}/edit", **fields, then="submit").status_code == 303
    assert act(reviewer, path, "approve", "2").status_code == 303
    assert reader.texts() == ["School is closed."]


def test_two_approvals_at_once_send_one_message(
    company: Company, author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    second = company.enter("operator")[0]
    for number in range(4):
        path = write(author, platform, f"Once {number}.")
        forms = [
            (visitor, re.search(r'name="csrf" value="([^"]+)"', visitor.get(path).text))
            for visitor in (reviewer, second)
        ]

        def approve(form: tuple[Visitor, re.Match[str] | None], path: str = path) -> int:
            visitor, csrf = form
            assert csrf is not None
            # A client per thread: the visitor's client is not thread-safe.
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
            answer = httpx.post(
                f"{visitor.http.base_url}/portal{path}/approve",
                data={"csrf": csrf[1], "version": "1"},
                headers=headers,
                trust_env=False,
            )
            return answer.status_code

        with ThreadPoolExecutor(4) as threads:
            codes = list(threads.map(approve, forms * 2))
        assert set(codes) <= {303, 422}
        assert codes.count(303) == 2, "both requests of the first reviewer"
    assert sorted(reader.texts()) == [f"Once {number}." for number in range(4)]


def test_a_recall_takes_it_out_of_every_inbox_at_once(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    path = write(author, platform, "A mistake.")
    act(reviewer, path, "approve")
    assert reader.texts() == ["A mistake."]
    assert act(author, path, "recall").status_code == 303
    assert reader.texts() == []
    assert "Recalled" in author.get(path).text
    assert act(author, path, "recall").status_code == 422


@pytest.mark.usefixtures("app")
def test_a_discarded_draft_allows_no_step(author: Visitor, reviewer: Visitor, platform: str) -> None:
    path = write(author, platform, "Never mind.")
    assert act(reviewer, path, "withdraw").status_code == 303
    for step in ("submit", "approve", "withdraw", "recall"):
        assert act(reviewer, path, step).status_code == 422
    copy = author.get(f"{HOME}/new?copy={path.rpartition('/')[2]}").text
    assert "Never mind." in copy


@pytest.mark.usefixtures("app")
def test_what_send_msg_refuses_is_refused_at_its_field(author: Visitor, platform: str) -> None:
    refused = [
        ({"kind": "text", "text.content": ""}, "content"),
        ({"kind": "text", "text.content": "x" * 4_097}, "text.content"),
        ({"kind": "link", "link.title": "t", "link.content": "c", "link.pcUrl": "javascript:alert(1)"}, "link.pcUrl"),
        ({"kind": "link", "link.title": "t", "link.content": "c"}, "link.pcUrl/link.appUrl"),
        ({"kind": "link", "link.title": "\u3164", "link.content": "c", "link.appUrl": "https://a.example"}, "title"),
        ({"kind": "oa", "oa.head.text": "h"}, "pcUrl/appUrl"),
        ({"kind": "oa", "oa.head.text": "h", "pcUrl": "nowhere"}, "pcUrl"),
        ({"kind": "oa", "oa.head.text": "h", "pcUrl": "https://a.example", "oa.body.fileCount": "x"}, "fileCount"),
        ({"kind": "text", "text.content": "x", "sendTime": "2020-01-01T00:00"}, "sendTime"),
        ({"kind": "text", "text.content": "x", "sendTime": "soon"}, "sendTime"),
        ({"kind": "text", "text.content": "x", "expireTime": "2020-01-01T00:00"}, "expireTime"),
        ({"kind": "text", "text.content": "x", "platform": "nowhere"}, "platform"),
        ({"kind": "fax", "text.content": "x"}, "kind"),
    ]
    for fields, name in refused:
        answer = author.post(f"{HOME}/new", **{"platform": platform, "then": "", **fields})
        assert answer.status_code == 422, fields
        assert name in re.findall(r'role="alert">([^<]+)', answer.text)[0], fields


def test_cards_and_links_arrive_unchanged(author: Visitor, reviewer: Visitor, reader: Reader, platform: str) -> None:
    link = {"kind": "link", "link.title": "Plan", "link.content": "See", "link.pcUrl": "https://a.example/p"}
    card = {
        "kind": "oa", "oa.head.text": "Holidays", "oa.head.bgColor": "#0b7a5e", "oa.body.title": "Spring",
        "oa.body.fileCount": "2", "row1.key": "From", "row1.value": "1 May", "row3.key": "To", "row3.value": "5 May",
        "pcUrl": "https://a.example/h",
    }  # fmt: skip
    for fields in (link, card):
        answer = author.post(f"{HOME}/new", platform=platform, then="submit", **fields)
        assert answer.status_code == 303, answer.text
        path = re.sub(r"^/portal|\?.*", "", answer.headers["location"])
        again = author.get(f"{path}/edit").text
        assert all(
            f'value="{value}"' in again or f">{value}</textarea>" in again for value in list(fields.values())[1:]
        )
        assert act(reviewer, path, "approve").status_code == 303
    shown_card, shown_link = (message["body"] for message in reader.messages())
    assert isinstance(shown_link, dict)
    assert isinstance(shown_card, dict)
    assert (shown_link["pcUrl"], shown_link["appUrl"]) == ("https://a.example/p", "https://a.example/p")
    assert shown_card["head"] == {"text": "Holidays", "bgColor": "FF0B7A5E"}
    assert shown_card["body"]["form"] == [{"key": "From", "value": "1 May"}, {"key": "To", "value": "5 May"}]


def test_a_link_for_phones_alone_is_enough(author: Visitor, reviewer: Visitor, reader: Reader, platform: str) -> None:
    link = {"kind": "link", "link.title": "Plan", "link.content": "See", "link.appUrl": "https://a.example/m"}
    card = {"kind": "oa", "oa.head.text": "Holidays", "appUrl": "https://a.example/m"}
    for fields in (link, card):
        answer = author.post(f"{HOME}/new", platform=platform, then="submit", **fields)
        path = re.sub(r"^/portal|\?.*", "", answer.headers["location"])
        assert "https://a.example/m" in author.get(path).text
        assert act(reviewer, path, "approve").status_code == 303
    for message in reader.messages():
        body = message["body"]
        assert isinstance(body, dict)
        assert (body["appUrl"], "pcUrl" in body) == ("https://a.example/m", False)


def test_a_scheduled_announcement_is_hidden_until_its_time_and_can_be_recalled(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    path = write(author, platform, "Later.", sendTime=_in_days(30), expireTime=_in_days(60))
    assert act(reviewer, path, "approve").status_code == 303
    assert "Approved, scheduled" in reviewer.get(path).text
    assert reader.texts() == []
    assert act(author, path, "recall").status_code == 303


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def test_each_step_is_in_the_audit_log(author: Visitor, reviewer: Visitor, reader: Reader, platform: str) -> None:
    path = write(author, platform, "Written down.")
    act(reviewer, path, "return", reason="Why so short?")
    act(author, path, "submit")
    act(reviewer, path, "approve")
    act(author, path, "recall")
    log = author.get("/operator/audit?action=announcement.").text
    number = path.rpartition("/")[2]
    steps = re.findall(
        rf'<code>announcement\.(\w+)</code></td>\s*<td class="break"><a href="/portal{path}">{number}<', log
    )
    assert steps == ["recall", "approve", "submit", "return", "submit", "draft"]
    assert "Why so short?" in log


def test_the_app_for_announcements_takes_no_calls_and_its_key_is_never_shown(
    server: Server, shared_database: str, author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    act(reviewer, write(author, platform, "Hello."), "approve")

    async def key_in_clear() -> tuple[str, str]:
        keys = KeyRing(SECRET_KEY)
        async with Database(shared_database, connections=2) as database:
            async with database.connection() as connection:
                record = await apps.notices_app(connection, platform)
            assert record is not None
            with pytest.raises(Refusal, match="NOT_AUTHORISED"):
                await Apps(database, keys).credentials(record.app.app_id)
            return record.app.app_id, keys.open(record.app.app_id, record.key_sealed)

    app_id, key = wait_for(key_in_clear())
    form = {"grant_type": "client_credentials", "client_id": app_id, "client_secret": key}
    answer = httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False)
    assert answer.status_code == 401, "even with the key itself"
    rotated = author.post(f"/apps/{app_id}/keys/rotate", page="/account", overlap="0")
    assert rotated.status_code == 422
    assert author.post(f"/apps/{app_id}/token", page="/account").status_code == 409
    assert author.post(f"/apps/{app_id}/sandbox", page="/account").status_code == 409


def test_an_announcement_is_shown_under_the_current_name_of_the_platform(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str
) -> None:
    act(reviewer, write(author, platform, "Hello."), "approve")
    assert author.post("/operator/platforms", code=platform, name="Riverside", schemes="").status_code == 303
    (message,) = reader.messages()
    assert message["app"]["name"] == "Riverside"  # type: ignore[index]


def test_an_announcement_is_recalled_only_on_its_own_page(
    author: Visitor, reviewer: Visitor, reader: Reader, platform: str, shared_database: str
) -> None:
    path = write(author, platform, "School is closed on Friday.")
    act(reviewer, path, "approve")
    (message,) = reader.messages()

    async def notices() -> str:
        async with Database(shared_database, connections=2) as database, database.connection() as connection:
            record = await apps.notices_app(connection, platform)
            assert record is not None
            return record.app.app_id

    page = f"/apps/{wait_for(notices())}/messages/{message['id']}"
    shown = reviewer.get(page)
    assert (shown.status_code, "Yes, recall it" in shown.text) == (200, False)
    refused = reviewer.post(f"{page}/recall", page="/account")
    assert (refused.status_code, "on its own page" in refused.text) == (422, True)
    assert len(reader.texts()) == 1
    act(reviewer, path, "recall")
    assert reader.texts() == []
    log = reviewer.get(f"/operator/audit?action=message.recall&app={page.split('/')[2]}").text
    assert log.count(f"/messages/{message['id']}") == 1
