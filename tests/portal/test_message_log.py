"""The message log of an app: search by each criterion, the page of a message, and its actions."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from msgcenter.database.database import Database
from msgcenter_client import EVERYONE, Client, Organisations, Topic
from tests.conftest import PLATFORM, Credentials, Server, SharedConnections, new_app, wait_for
from tests.directory_rows import DirectoryRows
from tests.gateway.calls import until
from tests.portal.conftest import Visitor
from tests.receiver import Receiver, receiving
from tests.scene import find_platform, in_receipt_order


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def listed(page: str, app: Credentials) -> list[str]:
    """Return the messages on a page of the log, in order."""
    match = re.findall(rf'href="/portal/apps/{app.app_id}/messages/(\d+)"', page)
    return list(dict.fromkeys(match))


def search(visitor: Visitor, app: Credentials, **criteria: str) -> list[str]:
    """Return the messages that a search finds."""
    answer = visitor.request("GET", f"/apps/{app.app_id}/messages", params=criteria)
    assert answer.status_code == 200
    return listed(answer.text, app)


def send_link(client: Client, users: list[str], business_id: str) -> str:
    """Send a link."""
    address = "https://homework.example.edu/3"
    return client.send_link(
        users, title="Unit 3", content="By Friday", business_id=business_id, pc_url=address, app_url=address
    )


# --- The log --------------------------------------------------------------------------------------------------------


def test_the_log_shows_what_was_sent_newest_first(developer: Visitor, client: Client, app: Credentials) -> None:
    assert "has not sent a message yet" in developer.get(f"/apps/{app.app_id}/messages").text
    users = in_receipt_order(f"{app.app_id}-{number}" for number in range(5))
    client.subscribe("class-3", users[:2])
    text = client.send_text(users, "long " * 100, sender_name="<i>宋文萍</i>")
    link = send_link(client, users[:1], "unit-3")
    topic = client.send_text(Topic("class-3"), "for the class")
    client.set_status(users[0], [text])
    later = client.send_text(users[:1], "later", send_at=datetime.now(UTC) + timedelta(hours=1))
    recalled = client.send_text(users[:1], "a mistake")
    client.recall(recalled)
    page = developer.get(f"/apps/{app.app_id}/messages").text
    assert listed(page, app) == [later, recalled, topic, link, text]
    assert "long long" in page
    assert "long " * 50 not in page
    assert "Unit 3 · By Friday" in page
    assert "&lt;i&gt;宋文萍&lt;/i&gt;</span>" in page
    assert "&lt;i&gt;宋文萍&lt;/i&gt;" in developer.get(f"/apps/{app.app_id}/messages/{text}").text
    assert "Receivers: 5" in page
    assert f"{users[0]}, {users[1]}, {users[2]}…" in page
    assert "class-3" in page
    assert "delivered 5 · read 1 · unread 4" in page
    for state in ("Scheduled", "Recalled", "Sent"):
        assert f">{state}<" in page


def test_the_log_names_organisations(
    developer: Visitor, client: Client, app: Credentials, shared_connections: SharedConnections, user: str
) -> None:
    school = f"school-{user}"

    async def write(database: Database) -> None:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.add_org(school)
        await directory.join(school, [user], "tea")
        await directory.grant(app.number, school)

    shared_connections.run(write(shared_connections.database))
    message_id = client.send_text(Organisations(school, ["tea", "adm"], include_sub=False), "hello")
    for page in (
        developer.get(f"/apps/{app.app_id}/messages"),
        developer.get(f"/apps/{app.app_id}/messages/{message_id}"),
    ):
        assert "Organisations: 1" in page.text
        assert school in page.text
        assert "adm, tea" in page.text
        assert "without those below" in page.text


def test_the_log_has_pages(developer: Visitor, client: Client, app: Credentials, user: str) -> None:
    sent = [client.send_text(user, f"number {number}") for number in range(65)]
    first = developer.get(f"/apps/{app.app_id}/messages?kind=text&receiver={user}&done=saved").text
    assert listed(first, app) == sent[::-1][:30]
    older = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', first)
    assert older is not None
    assert {"kind=text", f"receiver={user}"} <= set(re.split(r"[?&;]|amp;", older[1]))
    assert "done" not in older[1]
    second = developer.get(f"/apps/{app.app_id}/messages{older[1].replace('&amp;', '&')}").text
    assert listed(second, app) == sent[::-1][30:60]


def test_messages_are_found_by_each_criterion(
    developer: Visitor, client: Client, app: Credentials, user: str, server: Server, shared_database: str
) -> None:
    text = client.send_text([user, f"{user}-2"], "text")
    link = send_link(client, [f"{user}-2"], "unit-3")
    assert search(developer, app, msg=text) == [text]
    assert search(developer, app, msg=f" {link} ") == [link]
    assert search(developer, app, business="unit-3") == [link]
    assert search(developer, app, business="unit") == []
    assert search(developer, app, kind="link") == [link]
    assert search(developer, app, kind="oa") == []
    assert search(developer, app, receiver=user) == [text]
    assert search(developer, app, receiver=f"{user}-2") == [link, text]
    assert search(developer, app, receiver=f"{user}-2", kind="text") == [text]
    assert search(developer, app, receiver=f"{user}-2", business="unit-3", msg=link) == [link]
    assert search(developer, app, receiver=f"{user}-2", business="unit-3", msg=text) == []
    assert search(developer, app, receiver=user, platform=app.platform_code) == [text]
    assert search(developer, app, receiver=user, platform="elsewhere") == []
    assert search(developer, app, platform="elsewhere") == []
    assert search(developer, app, receiver="nobody-of-this-name") == []
    for nonsense in ("x", "-1", "9" * 30, "１"):
        assert search(developer, app, msg=nonsense) == []
    other = wait_for(new_app(shared_database))
    with Client(server.url, other.app_id, other.app_key) as stranger:
        foreign = stranger.send_text(user, "of another app")
    assert search(developer, app, msg=foreign) == []
    assert search(developer, app, receiver=user) == [text]


def test_messages_are_found_by_time(developer: Visitor, client: Client, app: Credentials, user: str) -> None:
    sent = client.send_text(user, "now")
    zone = timedelta(hours=8)  # Asia/Shanghai, the setting's default
    now = datetime.now(UTC) + zone
    minute, day = now.strftime("%Y-%m-%dT%H:%M"), now.strftime("%Y-%m-%d")
    before, after = (now + timedelta(minutes=by) for by in (-10, 10))
    assert search(developer, app, since=before.strftime("%Y-%m-%dT%H:%M"), until=after.strftime("%Y-%m-%dT%H:%M")) == [
        sent
    ]
    assert search(developer, app, since=before.strftime("%Y-%m-%d"), until=after.strftime("%Y-%m-%d")) == [sent]
    assert search(developer, app, since=after.strftime("%Y-%m-%dT%H:%M")) == []
    assert search(developer, app, until=before.strftime("%Y-%m-%dT%H:%M")) == []
    assert minute.startswith(day)
    for name in ("since", "until"):
        for wrong in ("yesterday", "2026-13-01", "2026-11-24T25:00", "x" * 30):
            answer = developer.request("GET", f"/apps/{app.app_id}/messages", params={name: wrong})
            assert (answer.status_code, f'id="wrong-{name}"' in answer.text) == (422, True)


def test_the_messages_of_a_receiver_are_found(developer: Visitor, client: Client, app: Credentials, user: str) -> None:
    client.subscribe("early", [user])
    early = client.send_text(Topic("early"), "while subscribed")
    client.unsubscribe("early", [user])
    client.send_text(Topic("early"), "after leaving")
    client.subscribe("late", [f"{user}-2"])
    client.send_text(Topic("late"), "before joining")
    client.subscribe("late", [user])
    late = client.send_text(Topic("late"), "after joining")
    everyone = client.send_text(EVERYONE, "to all who are known")
    direct = client.send_text(user, "to the user")
    client.recall(late)
    client.recall(direct)
    assert search(developer, app, receiver=user) == [direct, everyone, early]
    again = client.send_text(Topic("late"), "seen, then withdrawn")
    assert search(developer, app, receiver=user) == [again, direct, everyone, early]
    client.recall(again)
    assert search(developer, app, receiver=user) == [again, direct, everyone, early]


# --- A message's page -----------------------------------------------------------------------------------------------


def test_a_messages_page_shows_everything_about_it(
    developer: Visitor, client: Client, app: Credentials, user: str
) -> None:
    address = "https://oa.example.edu/leave/17"
    sent = client.send_oa(
        [user, f"{user}-2"],
        "Leave request",
        title="Li Na",
        form=[("When", "Friday")],
        approval=True,
        business_id="leave-17",
        pc_url=address,
        app_url=address,
        idempotency_key="the-request-1",
    )
    client.update_oa(sent, "Leave request, changed", business_id="leave-17", pc_url=address, app_url=address)
    client.set_status(user, [sent])
    path = f"/apps/{app.app_id}/messages/{sent}"
    page = developer.get(path).text
    for text in ("leave-17", "the-request-1", "pending", "Receivers: 2", "Version 2", "Version 1"):
        assert text in page, text
    assert "&#34;Li Na&#34;" in page  # the first version's JSON
    assert "Leave request, changed" in page
    for show, shown in (("", in_receipt_order([user, f"{user}-2"])), ("read", [user]), ("unread", [f"{user}-2"])):
        rows = re.findall(r'receiver=([^"&]+)', developer.get(f"{path}?show={show}").text)
        assert rows == shown
    client.set_status(None, [sent])
    assert "closed" in developer.get(path).text


def test_receivers_have_pages(developer: Visitor, client: Client, app: Credentials) -> None:
    users = in_receipt_order(f"{app.app_id}-{number:03}" for number in range(120))
    path = f"/apps/{app.app_id}/messages/{client.send_text(users, 'many')}"
    shown: list[str] = []
    query = "?show=unread"
    while query:
        page = developer.get(path + query).text
        shown += re.findall(r'receiver=([^"&]+)', page)
        more = re.search(r'href="(\?[^"]*cursor=[^"#]*)', page)
        query = more[1].replace("&amp;", "&") if more else ""
        assert not query or "show=unread" in query
    assert shown == users


def test_a_foreign_or_unknown_message_is_not_found(
    developer: Visitor, operator: Visitor, server: Server, shared_database: str, app: Credentials, user: str
) -> None:
    other = wait_for(new_app(shared_database))
    with Client(server.url, other.app_id, other.app_key) as stranger:
        foreign = stranger.send_text(user, "of another app")
        for visitor in (developer, operator):
            for wrong in (foreign, "7", "x", "9" * 19):
                path = f"/apps/{app.app_id}/messages/{wrong}"
                assert visitor.get(path).status_code == 404
                for act in ("recall", "remind", "replay"):
                    assert visitor.post(f"{path}/{act}", page="/account").status_code == 404
        assert stranger.message_status(foreign).state == "sent"
    assert operator.get(f"/apps/{other.app_id}/messages/{foreign}").status_code == 200


def test_message_texts_are_escaped(developer: Visitor, client: Client, app: Credentials, user: str) -> None:
    sent = client.send_text(user, "<script>alert(1)</script>\"'><img src=x>")
    for path in ("messages", f"messages/{sent}"):
        page = developer.get(f"/apps/{app.app_id}/{path}").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_person_can_recall_a_message(developer: Visitor, client: Client, app: Credentials, user: str) -> None:
    sent = client.send_text(user, "a mistake")
    path = f"/apps/{app.app_id}/messages/{sent}"
    answer = developer.post(f"{path}/recall", page=path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/portal{path}?done=recalled")
    assert client.message_status(sent).state == "recalled"
    assert client.unread_count(user) == 0
    page = developer.get(path).text
    assert "Yes, recall it" not in page
    assert developer.post(f"{path}/recall", page="/account").status_code == 303  # a second time changes nothing
    log = developer.get(f"/apps/{app.app_id}/audit?action=message.recall").text
    assert log.count(f"/messages/{sent}") == 1
    assert "Message recalled" in log
    assert "person-" in log
    assert "127.0.0.1" in log


def test_a_person_can_remind_the_unread(developer: Visitor, client: Client, app: Credentials, user: str) -> None:
    sent = client.send_text([user, f"{user}-2"], "please read")
    client.set_status(user, [sent])
    path = f"/apps/{app.app_id}/messages/{sent}"
    assert developer.post(f"{path}/remind", page=path).headers["location"].endswith("?done=reminded")
    assert "Reminded" in developer.get(path).text
    again = developer.post(f"{path}/remind", page=path)
    assert (again.status_code, "retry in" in again.text) == (422, True)
    client.set_status(f"{user}-2", [sent])
    assert developer.post(f"{path}/remind", page=path).headers["location"].endswith("?done=all-read")
    log = developer.get(f"/apps/{app.app_id}/audit?action=message.remind").text
    assert log.count("Unread receivers reminded</span>") == 1
    assert "unread: 1" in log


def test_deliveries_about_a_message_are_shown_and_replayed(
    developer: Visitor, client: Client, app: Credentials, user: str, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (200, {}, b"thanks <b>")
    made = client.create_webhook(receiver.url, ["message.read"])
    sent, other = client.send_text(user, "read me"), client.send_text(user, "not me")
    client.set_status(user, [sent])
    (post,) = receiver.until(lambda posts: len(posts) == 1)
    client.set_status(user, [other])
    receiver.until(lambda posts: len(posts) == 2)
    path = f"/apps/{app.app_id}/messages/{sent}"
    until(lambda: "HTTP 200" in developer.get(path).text)  # the outcome is stored after the answer
    page = developer.get(path).text
    assert re.findall(r'name="delivery" value="([^"]+)"', page) == [post.id]
    assert receiver.url in page
    assert "thanks &lt;b&gt;" in page
    done = developer.post(f"{path}/replay", page=path, webhook=made.id, delivery=post.id)
    assert done.headers["location"].endswith("?done=replayed")
    posts = receiver.until(lambda posts: len(posts) == 3)
    assert (posts[2].id, posts[2].body) == (post.id, post.body)
    unknown = developer.post(f"{path}/replay", page=path, webhook=made.id, delivery="msg_x")
    assert (unknown.status_code, "no such webhook or delivery" in unknown.text) == (422, True)
    unread = developer.get(f"/apps/{app.app_id}/webhooks/{made.id}?msg={other}").text
    assert post.id not in unread
    assert len(re.findall(r'name="delivery" value=', unread)) == 1
