"""The calls of the SDK, with both clients against a real server."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.message_id import now_ms
from msgcenter_client import (
    AsyncClient,
    Client,
    ClockError,
    IdentityError,
    InvalidRequestError,
    LimitError,
    MsgCenterError,
    ServerError,
    StateError,
    StatusResult,
    TransportError,
)
from tests.conftest import SECRET_KEY, Credentials, Server, execute, new_app, other_database, running_server
from tests.scene import in_receipt_order

URL = "https://a.example/x"
LINK: dict[str, Any] = {"title": "Homework", "content": "Unit 3", "pc_url": URL, "app_url": URL}
CARD: dict[str, Any] = {"pc_url": URL, "app_url": URL}
UNKNOWN = "1"


class Calls:
    """Calls either client in the same way: as coroutines, with iterators as lists."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            if isinstance(self.client, Client):
                return await asyncio.to_thread(self._call, method, *arguments, **options)
            result = method(*arguments, **options)
            if isinstance(result, AsyncIterator):
                return [item async for item in result]
            return await result

        return call

    @staticmethod
    def _call(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        result = method(*arguments, **options)
        return list(result) if isinstance(result, Iterator) else result

    async def close(self) -> None:
        if isinstance(self.client, Client):
            self.client.close()
        else:
            await self.client.aclose()

    def advance_clock(self, seconds: float) -> None:
        """Move the client's clock forward."""
        self.client._calls._session._clock = lambda: time.time() + seconds


Kind = type[Client] | type[AsyncClient]


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    client_class: Kind = request.param
    return client_class


@pytest.fixture
async def calls(kind: Kind, server: Server, app: Credentials) -> AsyncIterator[Calls]:
    """A client with English texts and without retries."""
    client_calls = Calls(kind(server.url, app.app_id, app.app_key, retries=0, language="en", timeout=60))
    yield client_calls
    await client_calls.close()


# --- Sending --------------------------------------------------------------------------------------------------------


async def test_a_text_a_link_and_a_card_arrive(calls: Calls, user: str) -> None:
    text = await calls.send_text(user, "hello")
    link = await calls.send_link([user, f"{user}-2"], **LINK, business_id="b-link", image_url="https://a.example/p.png")
    card = await calls.send_oa(
        [user],
        "Leave request",
        **CARD,
        business_id="b-card",
        bg_color="FF2F6FDE",
        title="3 days",
        content="from Monday",
        image_url="https://a.example/p.png",
        file_count=2,
        author="Li Lei",
        form=[("Days", "3"), ("Reason", "training")],
    )
    assert int(text) < int(link) < int(card)
    assert await calls.unread_count(user) == 3

    messages = await calls.messages()
    assert [message.id for message in messages] == [card, link, text]
    assert [(message.kind, message.business_id, message.state) for message in messages] == [
        ("oa", "b-card", "sent"),
        ("link", "b-link", "sent"),
        ("text", None, "sent"),
    ]
    assert [message.receivers for message in messages] == [1, 2, 1]
    assert messages[2].body == {"content": "hello"}
    assert messages[1].body["picUrl"] == "https://a.example/p.png"
    assert messages[0].body["body"]["form"] == [{"key": "Days", "value": "3"}, {"key": "Reason", "value": "training"}]
    assert abs(messages[0].created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_an_approval_is_closed_and_reclient_calls_for_all(calls: Calls, user: str) -> None:
    approvers = [user, f"{user}-2"]
    card = await calls.send_oa(approvers, "Leave", **CARD, business_id="b", approval=True)
    assert await calls.set_status(None, card) == StatusResult()
    assert [receipt.read for receipt in await calls.receipts(card)] == [True, True]
    await calls.set_status(None, [card], read=False)
    assert [await calls.unread_count(approver) for approver in approvers] == [1, 1]

    text = await calls.send_text(user, "no approval")
    with pytest.raises(StateError) as refused:
        await calls.set_status(None, [card, text])
    assert refused.value.ret_code == "300002"
    assert text in refused.value.text


async def test_a_scheduled_message_waits_and_an_expired_one_is_withdrawn(calls: Calls, user: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    scheduled = await calls.send_text(user, "tomorrow", send_at=tomorrow, expire_at=tomorrow + timedelta(days=1))
    assert (await calls.message_status(scheduled)).state == "scheduled"
    end = now_ms() + 2_000
    await calls.send_text(user, "for a moment", expire_at=end)
    assert await calls.unread_count(user) == 1 or now_ms() >= end
    await asyncio.sleep((end + 100 - now_ms()) / 1_000)
    assert await calls.unread_count(user) == 0


async def test_an_idempotency_key_sends_once(calls: Calls, user: str) -> None:
    first = await calls.send_text(user, "paid", idempotency_key="invoice-1")
    assert await calls.send_text(user, "paid", idempotency_key="invoice-1") == first
    assert await calls.unread_count(user) == 1
    with pytest.raises(StateError) as refused:
        await calls.send_text(user, "paid twice", idempotency_key="invoice-1")
    assert refused.value.ret_code == "300003"
    assert refused.value.idempotency_key == "invoice-1"


# --- Read states ----------------------------------------------------------------------------------------------------


async def test_any_number_of_ids_is_set_in_batches(calls: Calls, user: str) -> None:
    ids = await asyncio.gather(*(calls.send_text(user, f"number {number}") for number in range(120)))
    requested = [*ids[:60], UNKNOWN, *ids[60:], "x", ids[0]]
    assert await calls.set_status(user, requested) == StatusResult((UNKNOWN, "x"))
    assert await calls.unread_count(user) == 0
    assert await calls.set_status(user, (int(message_id) for message_id in ids[:51]), read=False) == StatusResult()
    assert await calls.unread_count(user) == 51
    assert await calls.set_status(user, []) == StatusResult()


async def test_if_all_ids_are_unknown_the_error_names_them(calls: Calls, user: str) -> None:
    ids = [str(number) for number in range(1, 71)]
    with pytest.raises(StateError) as refused:
        await calls.set_status(user, ids)
    assert refused.value.ret_code == "300001"
    assert refused.value.invalid_ids == tuple(ids)


async def test_receipts_show_the_read_state_of_each_recipient(calls: Calls, user: str) -> None:
    users = in_receipt_order(f"{user}-{number}" for number in range(5))
    message = await calls.send_text(users, "hello")
    await calls.set_status(users[1], message)
    await calls.set_status(users[3], message)

    status = await calls.message_status(message, page_size=2)
    assert (status.receivers, status.delivered, status.read, status.unread, status.state) == (5, 5, 2, 3, "sent")
    assert len(status.details) == 2
    next_page = await calls.message_status(message, page_size=2, cursor=status.next_cursor)
    assert [receipt.recipient for receipt in (*status.details, *next_page.details)] == users[:4]

    receipts = await calls.receipts(message, page_size=1)
    assert [(receipt.recipient, receipt.read) for receipt in receipts] == [
        (name, name in {users[1], users[3]}) for name in users
    ]
    read_at = receipts[1].read_at
    assert read_at is not None
    assert abs(read_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert receipts[0].read_at is None
    assert [receipt.recipient for receipt in await calls.receipts(message, read=True)] == [users[1], users[3]]
    assert len(await calls.receipts(message, read=False, page_size=2)) == 3


async def test_messages_are_filtered_by_business_id_kind_and_time(calls: Calls, user: str) -> None:
    text = await calls.send_text(user, "hello")
    links = [await calls.send_link(user, **LINK, business_id=f"b-{number % 2}") for number in range(4)]
    card = await calls.send_oa(user, "Leave", **CARD, business_id="b-0")

    async def listed(**filters: Any) -> list[str]:
        return [message.id for message in await calls.messages(**filters)]

    assert await listed(page_size=2) == [card, *reversed(links), text]
    assert await listed(business_id="b-0") == [card, links[2], links[0]]
    assert await listed(business_id="b-0", kind="link") == [links[2], links[0]]
    assert await listed(kind="text") == [text]
    assert await listed(start=datetime.now(UTC) + timedelta(minutes=1)) == []
    assert await listed(end=datetime.now(UTC) - timedelta(minutes=1)) == []
    assert len(await listed(start=now_ms() - 60_000, end=now_ms() + 60_000)) == 6


async def test_an_app_sees_only_its_own_messages(
    calls: Calls, kind: Kind, server: Server, shared_database: str, user: str
) -> None:
    message = await calls.send_text(user, "hello")
    other_app = await new_app(shared_database)
    other = Calls(kind(server.url, other_app.app_id, other_app.app_key, retries=0))
    try:
        assert await other.messages() == []
        assert await other.unread_count(user) == 0
        for call in (other.message_status(message), other.receipts(message), other.set_status(user, message)):
            with pytest.raises(StateError) as refused:
                await call
            assert refused.value.ret_code == "300001"
    finally:
        await other.close()
    assert await calls.unread_count(user) == 1


# --- Exceptions -----------------------------------------------------------------------------------------------------


def assert_traceable(error: MsgCenterError, ret_code: str, text: str) -> None:
    assert error.ret_code == ret_code
    assert text in error.text
    assert error.request_id
    assert all(part in str(error) for part in (error.text, ret_code, error.request_id))


async def test_a_wrong_field_is_named(calls: Calls, user: str) -> None:
    for call, ret_code, text in (
        (calls.send_text(user, ""), "100003", "text.content"),
        (calls.send_text([], "hello"), "100003", "receiverIds"),
        (calls.send_text([f"u{number}" for number in range(10_001)], "hello"), "100004", "receiverIds"),
        (calls.send_text(user, "hello", expire_at=1), "100003", "expireTime"),
        (calls.send_link(user, **{**LINK, "pc_url": "ftp://x"}, business_id="b"), "100003", "link.pcUrl"),
        (calls.send_oa(user, "Leave", **CARD, business_id="b", bg_color="red"), "100003", "oa.head.bgColor"),
        (calls.unread_count("x" * 65), "100003", "publisherId"),
        (calls.message_status(UNKNOWN, page_size=201), "100003", "pageSize"),
    ):
        with pytest.raises(InvalidRequestError) as refused:
            await call
        assert_traceable(refused.value, ret_code, text)


async def test_an_unknown_message_is_a_state_error(calls: Calls) -> None:
    for call in (calls.message_status(UNKNOWN), calls.message_status("x"), calls.receipts(2**70)):
        with pytest.raises(StateError) as refused:
            await call
        assert_traceable(refused.value, "300001", "no such message")


async def test_a_wrong_platform_app_or_key_is_an_identity_error(
    calls: Calls, kind: Kind, server: Server, app: Credentials, user: str
) -> None:
    with pytest.raises(IdentityError) as refused:
        await calls.send_text(user, "hello", platform_code="999999")
    assert_traceable(refused.value, "200007", "999999")
    for app_id, app_key, ret_code in (("unknown", app.app_key, "200003"), (app.app_id, "wrong", "200004")):
        refused_calls = Calls(kind(server.url, app_id, app_key, retries=0))
        with pytest.raises(IdentityError) as refused:
            await refused_calls.unread_count(user)
        assert refused.value.ret_code == ret_code
        assert refused.value.request_id
        await refused_calls.close()


async def test_texts_are_chinese_by_default(kind: Kind, server: Server, app: Credentials) -> None:
    chinese = Calls(kind(server.url, app.app_id, app.app_key, retries=0))
    with pytest.raises(StateError, match="消息不存在"):
        await chinese.message_status(UNKNOWN)
    await chinese.close()


@pytest.mark.parametrize("ahead", [3_600, -3_600])
async def test_a_wrong_clock_is_measured(calls: Calls, user: str, ahead: int) -> None:
    calls.advance_clock(ahead)
    with pytest.raises(ClockError) as refused:
        await calls.unread_count(user)
    assert_traceable(refused.value, "200005", "10 min")
    assert refused.value.seconds_ahead == pytest.approx(ahead, abs=5)
    assert ("ahead of" if ahead > 0 else "behind") in str(refused.value)


async def test_an_unreachable_server_is_a_transport_error(kind: Kind) -> None:
    unreachable = Calls(kind("http://127.0.0.1:9", "app", "key", retries=0))
    with pytest.raises(TransportError) as failed:
        await unreachable.send_text("u", "hello", idempotency_key="k")
    assert failed.value.ret_code == ""
    assert failed.value.temporary
    assert failed.value.idempotency_key == "k"
    await unreachable.close()


async def test_a_wrong_base_url_is_an_error(kind: Kind, server: Server) -> None:
    elsewhere = Calls(kind(f"{server.url}/elsewhere", "app", "key", retries=0))
    with pytest.raises(MsgCenterError):
        await elsewhere.unread_count("u")
    await elsewhere.close()


async def test_rate_limits_and_a_lost_database_are_raised(
    kind: Kind, database_url: str, tmp_path: Path, user: str
) -> None:
    app = await new_app(database_url)
    with running_server(database_url, tmp_path, RATE_LIMIT="1") as limited:
        calls = Calls(kind(limited.url, app.app_id, app.app_key, retries=0, language="en"))
        with pytest.raises(LimitError) as refused:
            await asyncio.gather(*(calls.unread_count(user) for _ in range(5)))
        assert_traceable(refused.value, "400001", "retry in 1 s")
        assert refused.value.retry_after == 1
        retrying = Calls(kind(limited.url, app.app_id, app.app_key, retries=3))
        await asyncio.sleep(refused.value.retry_after)
        assert [await retrying.unread_count(user) for _ in range(2)] == [0, 0]

        await asyncio.sleep(1)
        name = urlsplit(database_url).path.removeprefix("/")
        elsewhere = other_database(database_url, "postgres")
        await execute(elsewhere, f"alter database {name} allow_connections false")
        await execute(elsewhere, f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
        with pytest.raises(ServerError) as failed:
            await calls.unread_count(user)
        assert_traceable(failed.value, "500002", "database")
        await calls.close()
        await retrying.close()


# --- Tokens ---------------------------------------------------------------------------------------------------------


async def test_a_token_that_expired_early_is_replaced(
    calls: Calls, app: Credentials, shared_database: str, user: str
) -> None:
    await calls.send_text(user, "hello")
    await execute(shared_database, f"update access_token set expires_at = 1 where app_number = {app.number}")
    assert await calls.unread_count(user) == 1


async def test_a_token_is_renewed_before_its_end(
    calls: Calls, app: Credentials, shared_database: str, user: str
) -> None:
    async def tokens() -> int:
        async with Database(shared_database, connections=2) as database, database.connection() as connection:
            count: int = await connection.fetchval(
                "select count(*) from access_token where app_number = $1", app.number
            )
            return count

    for _ in range(3):
        await calls.unread_count(user)
    assert await tokens() == 1
    # The server's clock is unchanged; the client gets another token shortly before its token expires.
    token = calls.client._calls._session._tokens._token
    assert token is not None
    calls.client._calls._session._tokens.keep(type(token)(token.value, now_ms()))
    await calls.unread_count(user)
    assert await tokens() == 2


async def test_after_a_key_rotation_only_a_client_with_the_new_key_works(
    calls: Calls, kind: Kind, server: Server, app: Credentials, shared_database: str
) -> None:
    user = "teacher-li"
    assert await calls.unread_count(user) == 0
    async with Database(shared_database, connections=2) as database:
        rotated = await Apps(database, KeyRing(SECRET_KEY)).rotate_key(app.app_id)
    with pytest.raises(IdentityError) as refused:
        await calls.unread_count(user)
    assert refused.value.ret_code == "200004"
    renewed = Calls(kind(server.url, app.app_id, rotated.app_key, retries=0))
    assert await renewed.unread_count(user) == 0
    await renewed.close()


async def test_a_disabled_app_works_again_when_enabled(
    calls: Calls, app: Credentials, shared_database: str, user: str
) -> None:
    assert await calls.unread_count(user) == 0
    async with Database(shared_database, connections=2) as database:
        apps = Apps(database, KeyRing(SECRET_KEY))
        await apps.set_disabled(app.app_id, disabled=True)
        with pytest.raises(IdentityError) as refused:
            await calls.unread_count(user)
        assert refused.value.ret_code == "200006"
        await apps.set_disabled(app.app_id, disabled=False)
    assert await calls.unread_count(user) == 0


async def test_concurrent_calls_share_a_token(calls: Calls, app: Credentials, shared_database: str, user: str) -> None:
    assert await asyncio.gather(*(calls.unread_count(user) for _ in range(20))) == [0] * 20
    async with Database(shared_database, connections=2) as database, database.connection() as connection:
        assert await connection.fetchval("select count(*) from access_token where app_number = $1", app.number) == 1


def test_a_user_token_opens_the_users_inbox(client: Client, server: Server, user: str) -> None:
    message_id = client.send_text(user, "hello")
    issued = client.user_token(user, ttl=600)
    assert 0 < (issued.expires_at - datetime.now(UTC)).total_seconds() <= 601
    answer = httpx.get(
        f"{server.url}/inbox/v1/messages", headers={"authorization": f"Bearer {issued.token}"}, trust_env=False
    )
    assert [message["id"] for message in answer.json()["messages"]] == [message_id]
