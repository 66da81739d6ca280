"""`msgcenter list`, `receipts`, `recall`, `update`, `remind`, `versions`: what becomes of messages after their send."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.commands.app import AsJson
from msgcenter.cli.commands.client import SERVER, AppId, AppKey, Server, client_of
from msgcenter.cli.console import fail, out, program

if TYPE_CHECKING:
    from msgcenter_client import Message, MessageStatus, Receipt

MessageId = Annotated[str, typer.Argument(help="A message id, as send printed it.", metavar="MESSAGE_ID")]
_COLOURS = {"sent": "green", "recalled": "red", "expired": "yellow"}
_WIDEST_TEXT = 40


def list_sent(
    app_id: AppId,
    app_key: AppKey,
    business_id: Annotated[str | None, typer.Option(help="Only those of this matter.", metavar="ID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.", metavar="NUMBER")] = 20,
    server: Server = SERVER,
    json: AsJson = False,
) -> None:
    """List the messages that the app has sent, newest first, and how many have read them."""
    from rich.table import Column, Table

    with client_of(server, app_id, app_key, None) as client:
        found = list(islice(client.messages(business_id=business_id, page_size=min(limit, 200)), limit))
    if json:
        _print_json(found)
        return
    if not found:
        out.print(f"Nothing was sent yet. Send something: {program()} send --to USER 'hello'", markup=False)
        return
    numbers = (Column(name, justify="right") for name in ("for", "read"))
    table = Table(Column("message", no_wrap=True), "sent", "state", "to", *numbers, "says")
    for one in found:
        counts = (str(one.receivers), str(one.read))
        table.add_row(one.id, _local(one.created_at), _state(one.state), _to(one), *counts, _says(one.body))
    out.print(table)


def receipts(
    message_id: MessageId,
    app_id: AppId,
    app_key: AppKey,
    unread: Annotated[bool, typer.Option("--unread", help="Only those who have not read it.")] = False,
    read: Annotated[bool, typer.Option("--read", help="Only those who have.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many to list.", metavar="NUMBER")] = 200,
    server: Server = SERVER,
    json: AsJson = False,
) -> None:
    """Show who has got a message, who has read it, and when."""
    if read and unread:
        raise fail("Use --read or --unread, not both.")
    wanted = True if read else False if unread else None
    with client_of(server, app_id, app_key, None) as client:
        status = client.message_status(message_id, page_size=1)
        found = list(islice(client.receipts(message_id, read=wanted, page_size=min(limit, 200)), limit))
    if json:
        _print_json({"status": status, "receipts": found})
        return
    _show_status(message_id, status)
    _show_receipts(found, limit)


def recall(
    message_ids: Annotated[list[str], typer.Argument(help="Message ids.", metavar="MESSAGE_ID")],
    app_id: AppId,
    app_key: AppKey,
    server: Server = SERVER,
) -> None:
    """Withdraw messages from every inbox at once, also those that are still to be sent."""
    with client_of(server, app_id, app_key, None) as client:
        for message_id in message_ids:
            client.recall(message_id)
            out.print(f"[green]✓[/] {escape(message_id)} is recalled.")


def update(
    message_id: MessageId,
    content: Annotated[str, typer.Argument(help="What it says from now on.", metavar="CONTENT")],
    app_id: AppId,
    app_key: AppKey,
    title: Annotated[str | None, typer.Option(help="Title: makes it a link (needs --url).", metavar="TEXT")] = None,
    head: Annotated[
        str | None, typer.Option(help="Head line: makes it an oa card (needs --url).", metavar="TEXT")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where a click leads, on PC and phone.", metavar="URL")] = None,
    app_url: Annotated[
        str | None, typer.Option(help="Where a click leads on the phone, if elsewhere.", metavar="URL")
    ] = None,
    image: Annotated[str | None, typer.Option(help="A picture (JPG or PNG).", metavar="URL")] = None,
    business_id: Annotated[str, typer.Option(help="The matter's id in your own system.", metavar="ID")] = "cli",
    reset_read: Annotated[bool, typer.Option("--reset-read", help="Make it unread again for everyone.")] = False,
    server: Server = SERVER,
) -> None:
    """Let a message say something else under its id: a text, or with --title a link, or with --head an oa card."""
    if (title or head) and not (url or app_url):
        raise fail("--title and --head need --url or --app-url: where a click leads.")
    places: dict[str, Any] = {"business_id": business_id, "pc_url": url or "", "app_url": app_url or url or ""}
    shown: dict[str, Any] = {"content": content, "image_url": image, "reset_read": reset_read}
    with client_of(server, app_id, app_key, None) as client:
        if head:
            client.update_oa(message_id, head, title=title, **shown, **places)
        elif title:
            client.update_link(message_id, title=title, **shown, **places)
        else:
            client.update_text(message_id, content, reset_read=reset_read)
    again = " It is unread again, but for those who have read it since." if reset_read else ""
    out.print(f"[green]✓[/] {escape(message_id)} is updated.{again}")


def remind(message_id: MessageId, app_id: AppId, app_key: AppKey, server: Server = SERVER) -> None:
    """Remind those who have not read a message; at most once an hour."""
    from msgcenter_client import LimitError

    with client_of(server, app_id, app_key, None) as client:
        try:
            reminded = client.remind_unread(message_id)
        except LimitError as error:
            minutes = max(1, round((error.retry_after or 60) / 60))
            raise fail(f"A message's readers are reminded once an hour. Try again in {minutes} minutes.") from None
    if reminded:
        out.print(f"[green]✓[/] {reminded} {'user is' if reminded == 1 else 'users are'} reminded.")
    else:
        out.print("Nobody is left to remind: all who have it have read it.")


def versions(
    message_id: MessageId, app_id: AppId, app_key: AppKey, server: Server = SERVER, json: AsJson = False
) -> None:
    """Show what a message has said, the present version last."""
    from rich.table import Column, Table

    with client_of(server, app_id, app_key, None) as client:
        found = client.versions(message_id)
    if json:
        _print_json(found)
        return
    table = Table(Column("version", justify="right"), "since", "kind", "says", "unread again")
    for one in found:
        again = "yes" if one.reset_read else ""
        table.add_row(str(one.number), _local(one.created_at), one.kind, _says(one.body), again)
    out.print(table)


def _show_status(message_id: str, status: "MessageStatus") -> None:
    out.print(f"[bold]{escape(message_id)}[/]  {_state(status.state)}")
    out.print(
        f"  for {status.receivers}, delivered to {status.delivered}, read by {status.read}, unread {status.unread}"
    )
    if status.updated_at is not None:
        out.print(f"  updated {_local(status.updated_at)}, version {status.version}")
    if status.recalled_at is not None:
        out.print(f"  recalled {_local(status.recalled_at)}")
    if status.reminded_at is not None:
        out.print(f"  reminded {_local(status.reminded_at)}")
    if status.closed_at is not None:
        out.print(f"  closed {_local(status.closed_at)} by {escape(status.closed_by or '?')}")


def _show_receipts(found: "list[Receipt]", limit: int) -> None:
    from rich.table import Table

    if not found:
        return
    table = Table("user", "read")
    for one in found:
        table.add_row(escape(one.recipient), _local(one.read_at) if one.read_at else "[yellow]unread[/]")
    out.print(table)
    if len(found) == limit:
        out.print(f"These are the first {limit}; see more with --limit.")


def _to(message: "Message") -> str:
    if message.to_all:
        return "everyone"
    return f"topic {escape(message.topic)}" if message.topic else "users"


def _says(body: Mapping[str, Any]) -> str:
    card, head = body.get("body") or {}, body.get("head") or {}
    text = str(card.get("title") or head.get("text") or body.get("title") or body.get("content") or "")
    line = " ".join(text.split())
    return escape(line if len(line) <= _WIDEST_TEXT else f"{line[: _WIDEST_TEXT - 1]}…")


def _state(state: str) -> str:
    return f"[{_COLOURS.get(state, 'yellow')}]{state}[/]"


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _print_json(value: Any) -> None:
    import json

    from msgspec import to_builtins

    typer.echo(json.dumps(to_builtins(value), ensure_ascii=False))
