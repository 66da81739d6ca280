"""The portal shows what became of messages by channels: on a message's page and in the statistics."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from msgcenter.domain.channels.codes import DeliveryState
from msgcenter_client import Client
from tests.channel_rows import ChannelRows
from tests.conftest import Credentials, Server, SharedConnections, execute, new_app, wait_for
from tests.portal.conftest import Company, Visitor
from tests.portal.test_directory import text_of
from tests.scene import find_platform


@pytest.fixture
def app(shared_database: str) -> Credentials:
    """An app on a platform of its own."""
    return wait_for(new_app(shared_database, f"o{secrets.token_hex(6)}"))


def test_a_messages_page_shows_sums_and_the_outcome_of_each_receiver(
    server: Server, app: Credentials, company: Company, shared_connections: SharedConnections
) -> None:
    rows = ChannelRows(shared_connections.database, app.platform_code)
    shared_connections.run(rows.add_gateways("email", "sms"))
    with Client(server.url, app.app_id, app.app_key, retries=0) as client:
        sent = client.send_text(["li", "wang", "zhao"], "text", channels=["email"])

    async def write() -> None:
        platform = await find_platform(rows.database, rows.platform_code)
        refused = "550 <wang@school.example>: user unknown"
        for user, state, reason in (
            ("li", DeliveryState.SENT, None),
            ("wang", DeliveryState.FAILED, refused),
            ("zhao", DeliveryState.SKIPPED, "noAddress"),
        ):
            await rows.add_delivery(platform, int(sent), user, "email", state, reason=reason)

    shared_connections.run(write())
    developer = company.enter(app=app)[0]
    page = developer.get(f"/apps/{app.app_id}/messages/{sent}").text
    shown = text_of(page)
    assert "E-mail 0 1 1 1 no address: 1" in shown
    assert "E-mail sent" in shown
    assert "550 <***>: user unknown" in shown.replace("&lt;", "<").replace("&gt;", ">")
    assert "wang@school.example" not in page


def test_the_statistics_count_deliveries_by_channel(
    operator: Visitor, app: Credentials, company: Company, shared_database: str
) -> None:
    today = datetime.now(UTC).date()
    developer = company.enter(app=app)[0]
    page = f"/apps/{app.app_id}/statistics?range=week"
    assert 'id="channels"' not in developer.get(page).text
    for day, outcome, deliveries in ((today, "sent", 12), (today, "failed", 3), (today - timedelta(60), "sent", 99)):
        values = f"('{app.platform_code}', {app.number}, 'sms', '{day}', '{outcome}', {deliveries})"
        columns = "platform_code, app_number, channel, day, outcome, deliveries"
        wait_for(execute(shared_database, f"insert into channel_count ({columns}) values {values}"))
    assert "SMS 12 3 0" in text_of(developer.get(page).text)
    assert 'id="channels"' in operator.get("/operator/statistics?range=week").text
