"""`msgcenter webhook …`: speaks to a running server as an app does, through the SDK."""

import json as json_module
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct, to_builtins
from rich.markup import escape

from msgcenter.cli.commands.app import AsJson
from msgcenter.cli.commands.client import SERVER, AppId, AppKey, Server, client_of
from msgcenter.cli.console import fail, out, program

if TYPE_CHECKING:
    from msgcenter_client import WebhookDelivery, WebhookKind

webhooks = typer.Typer(
    help="Register URLs of an app that events are posted to, and look after them.",
    epilog="The app's credentials come best from MSGCENTER_APP_ID and MSGCENTER_APP_KEY.",
    no_args_is_help=True,
)


class Kind(StrEnum):
    """What a webhook can be told."""

    READ = "message.read"
    UNREAD = "message.unread"
    RECALLED = "message.recalled"
    CLOSED = "approval.closed"
    COMPLETED = "delivery.completed"


class State(StrEnum):
    """How far a delivery has got."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


WebhookId = Annotated[str, typer.Argument(help="The webhook's id, wh_….", metavar="WEBHOOK_ID")]
Url = Annotated[str, typer.Option(help="The https URL that events are posted to.", metavar="URL")]
Events = Annotated[list[Kind], typer.Option("--event", help="What to tell it; repeat it for several.")]
_COLOURS = {"active": "green", "failing": "yellow", "paused": "yellow"} | {
    "delivered": "green",
    "pending": "yellow",
    "failed": "red",
}


@webhooks.command(
    epilog="Example: [bold]msgcenter webhook create --url https://hr.example.edu/hook --event message.read[/]"
)
def create(
    url: Url, event: Events, app_id: AppId, app_key: AppKey, server: Server = SERVER, json: AsJson = False
) -> None:
    """Register a URL and print its id and its secret, which is not shown again."""
    with client_of(server, app_id, app_key, None) as client:
        made = client.create_webhook(url, _kinds(event))
    if json:
        _print_json(made)
        return
    out.print(f"[green]✓[/] [bold]{escape(url)}[/] is told of {', '.join(event)}", soft_wrap=True)
    out.print(f"  id      [cyan]{made.id}[/]")
    out.print(f"  secret  [cyan]{made.secret}[/]  (keep it; it is not shown again)", soft_wrap=True)
    out.print(f"\nTry it: {program()} webhook test {made.id}", markup=False, soft_wrap=True)


@webhooks.command("list")
def list_webhooks(app_id: AppId, app_key: AppKey, server: Server = SERVER, json: AsJson = False) -> None:
    """List the app's webhooks and how they are doing."""
    from rich.table import Column, Table

    with client_of(server, app_id, app_key, None) as client:
        found = client.webhooks()
    if json:
        _print_json(found)
        return
    if not found:
        out.print(f"No webhooks yet. Register one: {program()} webhook create --url URL --event message.read")
        return
    table = Table(Column("id", no_wrap=True), "URL", "events", "state", Column("pending", justify="right"), "created")
    for one in found:
        reason = f" ({one.pause_reason})" if one.pause_reason else ""
        state = f"[{_COLOURS.get(one.state, 'white')}]{one.state}[/]{reason}"
        table.add_row(one.id, escape(one.url), ", ".join(one.events), state, str(one.pending), _local(one.created_at))
    out.print(table)


@webhooks.command()
def update(
    webhook_id: WebhookId,
    app_id: AppId,
    app_key: AppKey,
    url: Annotated[str | None, typer.Option(help="Another URL.", metavar="URL")] = None,
    event: Annotated[list[Kind] | None, typer.Option("--event", help="All that it shall be told from now on.")] = None,
    server: Server = SERVER,
) -> None:
    """Give a webhook another URL or other events."""
    if url is None and not event:
        raise fail("Say what to change: --url, --event or both.")
    with client_of(server, app_id, app_key, None) as client:
        client.update_webhook(webhook_id, url=url, events=_kinds(event) if event else None)
    out.print(f"[green]✓[/] {escape(webhook_id)} is changed.")


@webhooks.command()
def pause(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = SERVER) -> None:
    """Post nothing more to a webhook. Events are kept for it for 30 days."""
    with client_of(server, app_id, app_key, None) as client:
        client.update_webhook(webhook_id, paused=True)
    out.print(f"[green]✓[/] {escape(webhook_id)} is paused. Its events wait.")


@webhooks.command()
def resume(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = SERVER) -> None:
    """Go on with a webhook that is paused or failing, at once."""
    with client_of(server, app_id, app_key, None) as client:
        client.update_webhook(webhook_id, paused=False)
    out.print(f"[green]✓[/] {escape(webhook_id)} is active. What waited is being posted.")


@webhooks.command()
def delete(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = SERVER) -> None:
    """Delete a webhook with all that waits for it."""
    with client_of(server, app_id, app_key, None) as client:
        client.delete_webhook(webhook_id)
    out.print(f"[green]✓[/] {escape(webhook_id)} is deleted.")


@webhooks.command()
def rotate(
    webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = SERVER, json: AsJson = False
) -> None:
    """Give a webhook a new secret. For a day, what is posted is signed with the old one as well."""
    with client_of(server, app_id, app_key, None) as client:
        rotated = client.rotate_webhook_secret(webhook_id)
    if json:
        _print_json(rotated)
        return
    out.print(f"  secret  [cyan]{rotated.secret}[/]  (keep it; it is not shown again)", soft_wrap=True)
    out.print(f"  The old one is good until {_local(rotated.previous_valid_until)}.")


@webhooks.command("test")
def send_test(webhook_id: WebhookId, app_id: AppId, app_key: AppKey, server: Server = SERVER) -> None:
    """Have a webhook.test event posted."""
    with client_of(server, app_id, app_key, None) as client:
        client.test_webhook(webhook_id)
    out.print("[green]✓[/] A test event is on its way. See what came of it:")
    out.print(f"  {program()} webhook deliveries {webhook_id}", markup=False, soft_wrap=True)


@webhooks.command()
def deliveries(
    webhook_id: WebhookId,
    app_id: AppId,
    app_key: AppKey,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    message: Annotated[str | None, typer.Option(help="Only those about this message.", metavar="MESSAGE_ID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.", metavar="NUMBER")] = 20,
    server: Server = SERVER,
    json: AsJson = False,
) -> None:
    """List what was posted to a webhook, and what came of it."""
    with client_of(server, app_id, app_key, None) as client:
        asked = client.webhook_deliveries(
            webhook_id, state=state.value if state else None, message_id=message, page_size=min(limit, 200)
        )
        found = list(islice(asked, limit))
    if json:
        _print_json(found)
    elif found:
        _show(found)
    else:
        out.print("Nothing was posted yet.")


def _show(found: "Iterable[WebhookDelivery]") -> None:
    from rich.table import Column, Table

    counts = Column("events", justify="right"), Column("tries", justify="right")
    table = Table(Column("id", no_wrap=True), "type", counts[0], "state", counts[1], "answer", "created")
    for one in found:
        events = one.body.get("data", {}).get("events", ())
        colour = _COLOURS.get(one.state, "white")
        again = f", next {_local(one.next_attempt_at)}" if one.next_attempt_at and one.attempts else ""
        answer = one.error or (f"HTTP {one.status}" if one.status else "")
        table.add_row(
            one.id,
            one.kind,
            str(len(events)),
            f"[{colour}]{one.state}[/]{again}",
            str(one.attempts),
            escape(answer),
            _local(one.created_at),
        )
    out.print(table)


@webhooks.command(epilog="Example: [bold]msgcenter webhook replay wh_… --since 2026-11-24T08:00:00[/]")
def replay(
    webhook_id: WebhookId,
    app_id: AppId,
    app_key: AppKey,
    delivery: Annotated[str | None, typer.Option(help="This delivery.", metavar="DELIVERY_ID")] = None,
    since: Annotated[datetime | None, typer.Option(help="All deliveries made since then (local time).")] = None,
    server: Server = SERVER,
) -> None:
    """Post deliveries again: one, or all since a time."""
    if (delivery is None) == (since is None):
        raise fail("Say which: --delivery or --since.")
    with client_of(server, app_id, app_key, None) as client:
        start = since.astimezone() if since else None
        count = client.replay_webhook(webhook_id, delivery_id=delivery, start=start)
    out.print(f"[green]✓[/] {count} {'delivery is' if count == 1 else 'deliveries are'} posted again.")


def _kinds(events: Iterable[Kind]) -> "list[WebhookKind]":
    return [event.value for event in events]


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _print_json(value: Struct | Iterable[Struct]) -> None:
    shown: Any = to_builtins(value)
    typer.echo(json_module.dumps(shown, ensure_ascii=False))
