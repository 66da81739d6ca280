"""`msgcenter list`, `status`, `receipts`, `versions`, `recall` and `remind`: messages that an app has sent."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.app_client import app_client
from msgcenter.cli.console import fail, local_time, out, print_json, program
from msgcenter.cli.options import (
    DEFAULT_SERVER,
    AppId,
    AppKey,
    AsJson,
    MessageId,
    MessageIds,
    PlatformCode,
    Server,
)

if TYPE_CHECKING:
    from msgcenter_client import Client, Message, MessageStatus, Receipt

STATUS_EXAMPLES = """Examples:

[bold]msgcenter status 912839057684697088[/]

[bold]msgcenter status --set read --user teacher-li 912839057684697088[/]

[bold]msgcenter status --set read --approver headmaster 912839057684697088[/]"""
_COLOURS = {"sent": "green", "recalled": "red", "expired": "yellow"}
_WIDEST_TEXT = 40
_MAX_PAGE = 200


class ReadState(StrEnum):
    """The read states that a message can be set to."""

    READ = "read"
    UNREAD = "unread"


def status(
    message_ids: MessageIds,
    app_id: AppId,
    app_key: AppKey,
    set_to: Annotated[ReadState | None, typer.Option("--set", help="Set the messages read or unread.")] = None,
    user: Annotated[
        str | None,
        typer.Option(help="The recipient whose messages are set; without it, approvals are closed.", metavar="USER"),
    ] = None,
    approver: Annotated[
        str | None, typer.Option(help="User id of the approver who decided the closed approvals.", metavar="USER")
    ] = None,
    platform: PlatformCode = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Show the state and read counts of messages; with --set, set them read or unread first."""
    if user is not None and set_to is None:
        raise fail("--user needs --set read or --set unread.")
    if approver is not None and (set_to is None or user is not None):
        raise fail("--approver needs --set and excludes --user: it closes approvals for all approvers.")
    with app_client(server, app_id, app_key, platform) as client:
        unknown: tuple[str, ...] = ()
        if set_to is not None:
            unknown = client.set_status(user, message_ids, read=set_to is ReadState.READ, approver=approver).invalid_ids
            for message_id in unknown:
                out.print(f"[yellow]![/] {message_id}: no such message of this user")
        _print_counts(client, [message_id for message_id in message_ids if message_id not in unknown])


def list_messages(
    app_id: AppId,
    app_key: AppKey,
    business_id: Annotated[
        str | None, typer.Option(help="Only messages with this business object id.", metavar="ID")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of messages.", metavar="NUMBER")] = 20,
    server: Server = DEFAULT_SERVER,
    json: AsJson = False,
) -> None:
    """List the app's messages with their read counts, newest first."""
    from rich.table import Column, Table

    with app_client(server, app_id, app_key) as client:
        messages = list(islice(client.messages(business_id=business_id, page_size=min(limit, _MAX_PAGE)), limit))
    if json:
        print_json(messages)
        return
    if not messages:
        out.print(f"No messages yet. Send one: {program()} send --to USER 'hello'", markup=False)
        return
    numbers = (Column(name, justify="right") for name in ("recipients", "read"))
    table = Table(Column("message", no_wrap=True), "sent", "state", "to", *numbers, "content")
    for message in messages:
        counts = (str(message.receivers), str(message.read))
        table.add_row(
            message.id,
            local_time(message.created_at),
            _coloured(message.state),
            _audience(message),
            *counts,
            _excerpt(message.body),
        )
    out.print(table)


def receipts(
    message_id: MessageId,
    app_id: AppId,
    app_key: AppKey,
    unread: Annotated[bool, typer.Option("--unread", help="Only recipients who have not read it.")] = False,
    read: Annotated[bool, typer.Option("--read", help="Only recipients who have read it.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Maximum number of recipients.", metavar="NUMBER")
    ] = 200,
    server: Server = DEFAULT_SERVER,
    json: AsJson = False,
) -> None:
    """Show a message's recipients and when they read it."""
    if read and unread:
        raise fail("Use --read or --unread, not both.")
    read_state = True if read else False if unread else None
    with app_client(server, app_id, app_key) as client:
        message_status = client.message_status(message_id, page_size=1)
        page_size = min(limit, _MAX_PAGE)
        listed = list(islice(client.receipts(message_id, read=read_state, page_size=page_size), limit))
    if json:
        print_json({"status": message_status, "receipts": listed})
        return
    _print_status(message_id, message_status)
    _print_receipts(listed, limit)


def versions(
    message_id: MessageId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER, json: AsJson = False
) -> None:
    """Show all versions of a message's content; the current one is last."""
    from rich.table import Column, Table

    with app_client(server, app_id, app_key) as client:
        listed = client.versions(message_id)
    if json:
        print_json(listed)
        return
    table = Table(Column("version", justify="right"), "since", "kind", "content", "set unread")
    for version in listed:
        table.add_row(
            str(version.number),
            local_time(version.created_at),
            version.kind,
            _excerpt(version.body),
            "yes" if version.reset_read else "",
        )
    out.print(table)


def recall(message_ids: MessageIds, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER) -> None:
    """Recall messages: withdraw them from every inbox at once, or cancel scheduled ones."""
    with app_client(server, app_id, app_key) as client:
        for message_id in message_ids:
            client.recall(message_id)
            out.print(f"[green]✓[/] {escape(message_id)} is recalled.")


def remind(message_id: MessageId, app_id: AppId, app_key: AppKey, server: Server = DEFAULT_SERVER) -> None:
    """Remind the recipients who have not read a message, at most once an hour."""
    from msgcenter_client import LimitError

    with app_client(server, app_id, app_key) as client:
        try:
            reminded = client.remind_unread(message_id)
        except LimitError as error:
            minutes = max(1, round((error.retry_after or 60) / 60))
            raise fail(f"A message can be reminded once an hour. Minutes until the next reminder: {minutes}") from None
    if reminded:
        out.print(f"[green]✓[/] Reminded users: {reminded}")
    else:
        out.print("Reminded users: 0. All recipients have read the message.")


def _print_counts(client: "Client", message_ids: list[str]) -> None:
    from rich.table import Column, Table

    numbers = (Column(name, justify="right") for name in ("recipients", "delivered", "read", "unread"))
    table = Table(Column("message", no_wrap=True), "state", *numbers)
    for message_id in message_ids:
        message_status = client.message_status(message_id, page_size=1)
        counts = (message_status.receivers, message_status.delivered, message_status.read, message_status.unread)
        table.add_row(message_id, message_status.state, *map(str, counts))
    out.print(table)


def _print_status(message_id: str, message_status: "MessageStatus") -> None:
    out.print(f"[bold]{escape(message_id)}[/]  {_coloured(message_status.state)}")
    out.print(
        f"  recipients: {message_status.receivers}, delivered: {message_status.delivered}, "
        f"read: {message_status.read}, unread: {message_status.unread}"
    )
    for channel, numbers in message_status.channels.items():
        skipped = ", ".join(f"{reason} {number}" for reason, number in numbers.skipped.items()) or "0"
        out.print(
            f"  {channel}: waiting {numbers.waiting}, sent {numbers.sent}, failed {numbers.failed}, skipped: {skipped}",
            markup=False,
        )
    if message_status.sender_name is not None:
        out.print(f"  sender: {escape(message_status.sender_name)}")
    if message_status.updated_at is not None:
        out.print(f"  updated {local_time(message_status.updated_at)}, version {message_status.version}")
    if message_status.recalled_at is not None:
        out.print(f"  recalled {local_time(message_status.recalled_at)}")
    if message_status.reminded_at is not None:
        out.print(f"  reminded {local_time(message_status.reminded_at)}")
    if message_status.closed_at is not None:
        out.print(f"  closed {local_time(message_status.closed_at)} by {escape(message_status.closed_by or '?')}")


def _print_receipts(listed: "list[Receipt]", limit: int) -> None:
    from rich.table import Table

    if not listed:
        return
    table = Table("user", "read")
    for receipt in listed:
        read_at = local_time(receipt.read_at) if receipt.read_at else "[yellow]unread[/]"
        table.add_row(escape(receipt.recipient), read_at)
    out.print(table)
    if len(listed) == limit:
        out.print(f"Shown are the first {limit}; show more with --limit.")


def _audience(message: "Message") -> str:
    if message.to_all:
        return "everyone"
    if message.organisations is not None:
        return escape(f"organisations {', '.join(message.organisations.ids)}")
    return f"topic {escape(message.topic)}" if message.topic else "users"


def _excerpt(body: Mapping[str, Any]) -> str:
    """Return one line of a message's content."""
    card, head = body.get("body") or {}, body.get("head") or {}
    text = str(card.get("title") or head.get("text") or body.get("title") or body.get("content") or "")
    line = " ".join(text.split())
    return escape(line if len(line) <= _WIDEST_TEXT else f"{line[: _WIDEST_TEXT - 1]}…")


def _coloured(state: str) -> str:
    return f"[{_COLOURS.get(state, 'yellow')}]{state}[/]"
