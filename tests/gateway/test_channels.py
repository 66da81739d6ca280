"""Channels in the app API: the fields of sendMsg, and what getMsgStatus says (docs/protocol.md, "Channels")."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from msgcenter.domain.channels.codes import DeliveryState, Urgency
from msgcenter_client import ChannelOutcome, ChannelSum, Client, IdentityError, InvalidRequestError
from tests.channel_rows import ChannelRows
from tests.conftest import Credentials, Server, SharedConnections, new_app, wait_for
from tests.scene import START, find_platform


@pytest.fixture
def school(shared_database: str) -> Credentials:
    """An app on a platform of its own."""
    return wait_for(new_app(shared_database, f"c{secrets.token_hex(6)}"))


@pytest.fixture
def rows(school: Credentials, shared_connections: SharedConnections) -> ChannelRows:
    """What the platform has decided: mail and push, homework after an hour, urgent alarms."""
    rows = ChannelRows(shared_connections.database, school.platform_code)

    async def write() -> None:
        await rows.add_gateways("email", "push")
        await rows.add_type("homework", ["push"], 60)
        await rows.add_type("alarm", urgency=Urgency.URGENT)

    shared_connections.run(write())
    return rows


@pytest.fixture
def client(server: Server, school: Credentials) -> Iterator[Client]:
    """The SDK with the credentials of the app."""
    with Client(server.url, school.app_id, school.app_key, retries=0) as opened:
        yield opened


def test_a_message_says_what_became_of_it_by_channels(
    client: Client, rows: ChannelRows, shared_connections: SharedConnections
) -> None:
    sent = client.send_text(["li", "wang"], "text", category="homework", channels=["email", "push"], channel_delay=0)
    status = client.message_status(sent)
    assert status.channels == dict.fromkeys(["email", "push"], ChannelSum(0, 0, 0, {}))
    assert [receipt.channels for receipt in status.details] == [(), ()]

    async def write() -> None:
        platform = await find_platform(rows.database, rows.platform_code)
        for user, state, reason in (
            ("li", DeliveryState.SENT, None),
            ("wang", DeliveryState.SKIPPED, "noAddress"),
        ):
            await rows.add_delivery(platform, int(sent), user, "email", state, reason=reason)

    shared_connections.run(write())
    status = client.message_status(sent)
    assert status.channels == {
        "email": ChannelSum(0, 1, 0, {"noAddress": 1}),
        "push": ChannelSum(0, 0, 0, {}),
    }
    at = datetime.fromtimestamp(START / 1_000 + 1, UTC)
    assert {receipt.recipient: receipt.channels for receipt in status.details} == {
        "li": (ChannelOutcome("email", "sent", at),),
        "wang": (ChannelOutcome("email", "skipped", at, "noAddress"),),
    }
    first = client.message_status(sent, page_size=1)
    assert first.next_cursor is not None
    assert client.message_status(sent, cursor=first.next_cursor).channels == {}


def test_a_message_for_inboxes_has_no_channels(client: Client, rows: ChannelRows) -> None:
    for sent in (client.send_text("li", "text", channels=[]), client.send_text("li", "text")):
        assert client.message_status(sent).channels == {}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"category": "unknown"}, "category"),
        ({"category": "a b"}, "category"),
        ({"channels": ["fax"]}, "channels"),
        ({"channels": ["email"] * 8}, "channels"),
        ({"channel_delay": -1}, "channelDelay"),
        ({"channel_delay": 10_081}, "channelDelay"),
    ],
)
def test_wrong_fields_are_refused(client: Client, rows: ChannelRows, fields: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        client.send_text("li", "text", **fields)  # type: ignore[arg-type]
    assert name in str(refused.value)


def test_urgent_types_need_a_grant(client: Client, rows: ChannelRows) -> None:
    with pytest.raises(IdentityError) as refused:
        client.send_text("li", "text", category="alarm")
    assert refused.value.ret_code == "200007"
