"""Webhooks in the portal, with a real receiver."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from msgcenter_client import Client, verify_webhook
from tests.conftest import Credentials, Server, new_app, wait_for
from tests.gateway.calls import until
from tests.portal.conftest import Visitor
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def add(visitor: Visitor, app: Credentials, url: str, *events: str) -> tuple[str, str]:
    """Add a webhook; return its id and the secret that is shown once."""
    chosen = {f"event.{event}": "1" for event in events}
    answer = visitor.post(f"/apps/{app.app_id}/webhooks", url=url, **chosen)
    assert answer.status_code == 201, answer.text
    match = re.search(r"data-copy>(wh_[0-9a-f]+)<", answer.text)
    return (match[1] if match else ""), secret_of(answer.text)


def secret_of(page: str) -> str:
    """Return the secret on a page."""
    match = re.search(r'id="secret">(whsec_[^<]+)<', page)
    assert match is not None
    return match[1]


def audited(visitor: Visitor, app: Credentials) -> list[str]:
    """Return the recorded actions on webhooks, oldest first."""
    return re.findall(r"<code>(webhook\.\w+)</code>", visitor.get(f"/apps/{app.app_id}/audit").text)[::-1]


def test_a_webhook_is_created_changed_and_deleted(
    developer: Visitor, client: Client, app: Credentials, user: str, receiver: Receiver
) -> None:
    webhook, secret = add(developer, app, f"{receiver.url}/a?key=hidden", "message.read")
    path = f"/apps/{app.app_id}/webhooks/{webhook}"
    assert secret not in developer.get(path).text
    assert f"{receiver.url}/a" in developer.get(f"/apps/{app.app_id}/webhooks").text

    assert developer.post(f"{path}/test", page=path).headers["location"].endswith("?done=test-sent")
    (post,) = receiver.until(lambda posts: len(posts) == 1)
    assert verify_webhook(secret, post.headers, post.body).type == "webhook.test"

    change = {"url": f"{receiver.url}/b", "event.message.recalled": "1"}
    assert developer.post(f"{path}/change", page=path, **change).headers["location"].endswith("?done=saved")
    client.recall(client.send_text(user, "x"))
    posts = receiver.until(lambda posts: len(posts) == 2)
    assert (posts[1].path, posts[1].type) == ("/b", "message.recalled")
    until(lambda: client.webhooks()[0].pending == 0)  # the outcome is stored after the answer

    assert developer.post(f"{path}/pause", page=path, paused="1").headers["location"].endswith("?done=paused")
    assert "Paused: events are kept" in developer.get(path).text
    client.recall(client.send_text(user, "y"))
    assert "Pending events: 1" in developer.get(f"/apps/{app.app_id}/webhooks").text
    assert developer.post(f"{path}/pause", page=path, paused="0").headers["location"].endswith("?done=resumed")
    receiver.until(lambda posts: len(posts) == 3)

    renewed = secret_of(developer.post(f"{path}/rotate", page=path).text)
    assert renewed != secret
    developer.post(f"{path}/test", page=path)
    post = receiver.until(lambda posts: len(posts) == 4)[3]
    for valid_secret in (secret, renewed):
        assert verify_webhook(valid_secret, post.headers, post.body).id == post.id
    assert "Old secret valid until" in developer.get(path).text

    assert developer.post(f"{path}/delete", page=path).headers["location"].endswith("/webhooks?done=deleted")
    assert developer.get(path).status_code == 404
    assert client.webhooks() == ()
    done = ["create", "test", "update", "update", "update", "rotate", "test", "delete"]
    assert audited(developer, app) == [f"webhook.{what}" for what in done]
    log = developer.get(f"/apps/{app.app_id}/audit").text
    assert "key=hidden" not in log
    assert f"{receiver.url}/a?…" in log


def test_deliveries_are_filtered_by_state_and_replayed(
    developer: Visitor, client: Client, app: Credentials, user: str, receiver: Receiver
) -> None:
    webhook, _ = add(developer, app, receiver.url, "message.recalled")
    path = f"/apps/{app.app_id}/webhooks/{webhook}"
    receiver.answer = lambda _: (400, {}, b"no <i>")
    client.recall(client.send_text(user, "x"))
    receiver.until(lambda posts: len(posts) >= 1)
    until(lambda: "HTTP 400" in developer.get(path).text)
    page = developer.get(path).text
    assert "no &lt;i&gt;" in page
    assert "Failing" in page
    assert "HTTP 400" in developer.get(f"{path}?state=pending").text
    assert "HTTP 400" not in developer.get(f"{path}?state=delivered").text
    receiver.answer = lambda _: (204, {}, b"")
    delivery = re.search(r'name="delivery" value="([^"]+)"', page)
    assert delivery is not None
    assert developer.post(f"{path}/replay", page=path, delivery=delivery[1]).headers["location"].endswith("=replayed")
    receiver.until(lambda posts: len(posts) >= 2)
    until(lambda: "HTTP 204" in developer.get(f"{path}?state=delivered").text)
    local = datetime.now(UTC) + timedelta(hours=8)  # Asia/Shanghai, the setting's default
    hour_ago, ahead = ((local + timedelta(hours=by)).strftime("%Y-%m-%dT%H:%M") for by in (-1, 1))
    before = len(receiver.posts)
    assert developer.post(f"{path}/replay", page=path, since=hour_ago).headers["location"].endswith("=replayed")
    assert receiver.until(lambda posts: len(posts) > before)[-1].id == delivery[1]
    assert developer.post(f"{path}/replay", page=path, since=ahead).headers["location"].endswith("=nothing-replayed")
    for wrong in ("", "yesterday"):
        answer = developer.post(f"{path}/replay", page=path, since=wrong)
        assert (answer.status_code, answer.text.count('id="wrong-since"')) == (422, 1)
        assert 'name="event.message.recalled" value="1" checked' in answer.text  # the other form is unchanged
    assert audited(developer, app) == ["webhook.create", "webhook.replay", "webhook.replay"]


@pytest.mark.parametrize(
    ("form", "field", "error"),
    [
        ({"url": "https://a.invalid/"}, "events", "at least one"),
        ({"url": "ftp://hr.example.edu/", "event.message.read": "1"}, "url", "full https URL"),
        ({"url": "http://10.1.2.3/", "event.message.read": "1"}, "url", "public addresses"),
        ({"url": "", "event.message.read": "1"}, "url", "1-2048"),
    ],
)
def test_a_wrong_webhook_is_explained_at_its_field(
    developer: Visitor, app: Credentials, form: dict[str, str], field: str, error: str
) -> None:
    answer = developer.post(f"/apps/{app.app_id}/webhooks", **form)
    assert answer.status_code == 422
    assert re.search(rf'id="wrong-{field}"[^>]*>[^<]*{error}', answer.text)
    assert form["url"] in answer.text
    assert audited(developer, app) == []


def test_an_eleventh_webhook_is_refused(developer: Visitor, app: Credentials) -> None:
    form = {"url": "https://a.invalid/", "event.message.read": "1"}
    for _ in range(10):
        assert developer.post(f"/apps/{app.app_id}/webhooks", **form).status_code == 201
    answer = developer.post(f"/apps/{app.app_id}/webhooks", **form)
    assert (answer.status_code, "at most 10" in answer.text) == (422, True)


def test_another_apps_webhook_is_not_found(
    developer: Visitor, server: Server, shared_database: str, app: Credentials, receiver: Receiver
) -> None:
    other = wait_for(new_app(shared_database))
    with Client(server.url, other.app_id, other.app_key) as stranger:
        made = stranger.create_webhook(receiver.url, ["message.read"])
        path = f"/apps/{app.app_id}/webhooks/{made.id}"
        assert developer.get(path).status_code == 404
        form = {"url": receiver.url, "event.message.read": "1", "paused": "1", "since": "2026-01-01"}
        for act in ("change", "pause", "rotate", "delete", "test", "replay"):
            assert developer.post(f"{path}/{act}", page="/account", **form).status_code == 404, act
        assert [webhook.id for webhook in stranger.webhooks()] == [made.id]


def test_saving_unchanged_permissions_records_nothing(developer: Visitor, app: Credentials, receiver: Receiver) -> None:
    webhook, _ = add(developer, app, receiver.url, "message.read")
    path = f"/apps/{app.app_id}/webhooks/{webhook}"
    same = {"url": receiver.url, "event.message.read": "1"}
    assert developer.post(f"{path}/change", page=path, **same).status_code == 303
    assert developer.post(f"{path}/pause", page=path, paused="0").status_code == 303
    assert audited(developer, app) == ["webhook.create"]
