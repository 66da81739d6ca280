"""`msgcenter webhook …`: manage an app's webhooks, through the SDK."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from msgcenter.cli.app_client import app_client
from msgcenter.cli.console import fail, local_time, out, print_json, program
from msgcenter.cli.options import CREDENTIALS, DEFAULT_SERVER, AppId, AppKey, AsJson, Server

if TYPE_CHECKING:
    from msgcenter_client import WebhookDelivery, WebhookKind

webhooks = typer.Typer(
    help="Register URLs that receive an app's events, and manage them.",
    epilog=CREDENTIALS,
    no_args_is_help=True,
)


class EventType(StrEnum):
    """The event types that a webhook can receive."""

    READ = "message.read"
    UNREAD = "message.unread"
    RECALLED = "message.recalled"
    CLOSED = "approval.closed"
    COMPLETED = "delivery.completed"
    CHANNEL_SENT = "channel.sent"
    CHANNEL_FAILED = "channel.failed"


class DeliveryState(StrEnum):
    """The states of a webhook delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


WebhookId = Annotated[str, typer.Argument(help="The webhook's id, wh_….", metavar="WEBHOOK_ID")]
Url = Annotated[str, typer.Option(help="The https URL that receives the events.", metavar="URL")]
Events = Annotated[list[EventType], typer.Option("--event", help="An event type to post; repeat it for several.")]
_COLOURS = {"active": "green", "failing": "yellow", "paused": "yellow"} | {
    "delivered": "green",
    "pending": "yellow",
    "failed": "red",
}


@webhooks.command(
    epilog="Example: [bold]msgcenter webhook create --url https://hr.example.edu/hook --event message.read[/]"
)
def create(
    url: Url, event: Events, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER, json: AsJson = False
) -> None:
    """Register a URL and print its id and its secret, which is not shown again."""
    with app_client(server, app_id, app_key) as client:
        webhook = client.create_webhook(url, _kinds(event))
    if json:
        print_json(webhook)
        return
    out.print(f"[green]✓[/] [bold]{escape(url)}[/] receives {', '.join(event)}", soft_wrap=True)
    out.print(f"  id      [cyan]{webhook.id}[/]")
    out.print(f"  secret  [cyan]{webhook.secret}[/]  (store it; it is not shown again)", soft_wrap=True)
    out.print(f"\nSend a test event: {program()} webhook test {webhook.id}", markup=False, soft_wrap=True)


@webhooks.command("list")
def list_webhooks(app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER, json: AsJson = False) -> None:
    """List the app's webhooks and their states."""
    from rich.table import Column, Table

    with app_client(server, app_id, app_key) as client:
        registered = client.webhooks()
    if json:
        print_json(registered)
        return
    if not registered:
        out.print(f"No webhooks yet. Register one: {program()} webhook create --url URL --event message.read")
        return
    table = Table(Column("id", no_wrap=True), "URL", "events", "state", Column("pending", justify="right"), "created")
    for webhook in registered:
        reason = f" ({webhook.pause_reason})" if webhook.pause_reason else ""
        table.add_row(
            webhook.id,
            escape(webhook.url),
            ", ".join(webhook.events),
            f"{_coloured(webhook.state)}{reason}",
            str(webhook.pending),
            local_time(webhook.created_at, seconds=True),
        )
    out.print(table)


@webhooks.command()
def update(
    webhook_id: WebhookId,
    app_id: AppId,
    app_key: AppKey,
    url: Annotated[str | None, typer.Option(help="The new URL.", metavar="URL")] = None,
    event: Annotated[
        list[EventType] | None, typer.Option("--event", help="A new event type; repeat it for all of them.")
    ] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Change a webhook's URL or event types."""
    if url is None and not event:
        raise fail("Give a change: --url, --event or both.")
    with app_client(server, app_id, app_key) as client:
        client.update_webhook(webhook_id, url=url, events=_kinds(event) if event else None)
    out.print(f"[green]✓[/] {escape(webhook_id)} is updated.")


@webhooks.command()
def pause(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER) -> None:
    """Stop deliveries to a webhook. Its events are kept for 30 days."""
    with app_client(server, app_id, app_key) as client:
        client.update_webhook(webhook_id, paused=True)
    out.print(f"[green]✓[/] {escape(webhook_id)} is paused. Its events are kept.")


@webhooks.command()
def resume(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER) -> None:
    """Resume deliveries to a paused or failing webhook at once."""
    with app_client(server, app_id, app_key) as client:
        client.update_webhook(webhook_id, paused=False)
    out.print(f"[green]✓[/] {escape(webhook_id)} is active. Pending events are being posted.")


@webhooks.command()
def delete(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER) -> None:
    """Delete a webhook and its pending events."""
    with app_client(server, app_id, app_key) as client:
        client.delete_webhook(webhook_id)
    out.print(f"[green]✓[/] {escape(webhook_id)} is deleted.")


@webhooks.command()
def rotate(
    webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER, json: AsJson = False
) -> None:
    """Give a webhook a new secret. For one day, deliveries are also signed with the previous one."""
    with app_client(server, app_id, app_key) as client:
        secret = client.rotate_webhook_secret(webhook_id)
    if json:
        print_json(secret)
        return
    out.print(f"  secret  [cyan]{secret.secret}[/]  (store it; it is not shown again)", soft_wrap=True)
    out.print(f"  The previous secret is valid until {local_time(secret.previous_valid_until, seconds=True)}.")


@webhooks.command("test")
def send_test(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER) -> None:
    """Post a webhook.test event."""
    with app_client(server, app_id, app_key) as client:
        client.test_webhook(webhook_id)
    out.print("[green]✓[/] A test event is being posted. See the result:")
    out.print(f"  {program()} webhook deliveries {webhook_id}", markup=False, soft_wrap=True)


@webhooks.command()
def deliveries(
    webhook_id: WebhookId,
    app_id: AppId,
    app_key: AppKey,
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    message: Annotated[
        str | None, typer.Option(help="Only deliveries about this message.", metavar="MESSAGE_ID")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of deliveries.", metavar="NUMBER")] = 20,
    server: Server = DEFAULT_SERVER,
    json: AsJson = False,
) -> None:
    """List a webhook's deliveries and their results, newest first."""
    with app_client(server, app_id, app_key) as client:
        pages = client.webhook_deliveries(
            webhook_id, state=state.value if state else None, message_id=message, page_size=min(limit, 200)
        )
        listed = list(islice(pages, limit))
    if json:
        print_json(listed)
    elif listed:
        _print_deliveries(listed)
    else:
        out.print("No deliveries yet.")


def _print_deliveries(listed: "Iterable[WebhookDelivery]") -> None:
    from rich.table import Column, Table

    table = Table(
        Column("id", no_wrap=True),
        "type",
        Column("events", justify="right"),
        "state",
        Column("attempts", justify="right"),
        "answer",
        "created",
    )
    for delivery in listed:
        events = delivery.body.get("data", {}).get("events", ())
        next_attempt = ""
        if delivery.next_attempt_at and delivery.attempts:
            next_attempt = f", next {local_time(delivery.next_attempt_at, seconds=True)}"
        answer = delivery.error or (f"HTTP {delivery.status}" if delivery.status else "")
        table.add_row(
            delivery.id,
            delivery.kind,
            str(len(events)),
            f"{_coloured(delivery.state)}{next_attempt}",
            str(delivery.attempts),
            escape(answer),
            local_time(delivery.created_at, seconds=True),
        )
    out.print(table)


@webhooks.command(epilog="Example: [bold]msgcenter webhook replay wh_… --since 2026-11-24T08:00:00[/]")
def replay(
    webhook_id: WebhookId,
    app_id: AppId,
    app_key: AppKey,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.", metavar="DELIVERY_ID")] = None,
    since: Annotated[datetime | None, typer.Option(help="All deliveries created since this local time.")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Post deliveries again: one, or all since a time."""
    if (delivery is None) == (since is None):
        raise fail("Use either --delivery or --since.")
    with app_client(server, app_id, app_key) as client:
        start = since.astimezone() if since else None
        count = client.replay_webhook(webhook_id, delivery_id=delivery, start=start)
    out.print(f"[green]✓[/] Deliveries being posted again: {count}")


def _kinds(events: Iterable[EventType]) -> "list[WebhookKind]":
    return [event.value for event in events]


def _coloured(state: str) -> str:
    return f"[{_COLOURS.get(state, 'white')}]{state}[/]"
