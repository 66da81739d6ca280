"""`msgcenter topic …`: manage and list the subscribers of an app's topics."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from msgcenter.cli.app_client import app_client
from msgcenter.cli.console import fail, out, print_json, progress_bar
from msgcenter.cli.options import CREDENTIALS, DEFAULT_SERVER, AppId, AppKey, AsJson, PlatformCode, Server

topics = typer.Typer(
    help="Subscribe users to an app's topics; send to a topic with: msgcenter send --topic NAME.",
    epilog=CREDENTIALS,
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="The topic's name, 1-64 characters.", metavar="TOPIC")]
Users = Annotated[list[str] | None, typer.Argument(help="User ids.", metavar="USER")]
File = Annotated[
    str | None, typer.Option("--from", help="A file with one user id per line; - reads standard input.", metavar="FILE")
]
_BATCH = 1_000


@topics.command(epilog="Example: [bold]msgcenter topic subscribe class-3a parent-wang parent-li[/]")
def subscribe(
    topic: Name,
    app_id: AppId,
    app_key: AppKey,
    users: Users = None,
    file: File = None,
    platform: PlatformCode = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Subscribe users from now on. A new topic is created."""
    user_ids = _user_ids(users, file)
    with app_client(server, app_id, app_key, platform) as client:
        changed = _in_batches(user_ids, lambda batch: client.subscribe(topic, batch))
    unchanged = len(set(user_ids)) - changed
    out.print(f"[green]✓[/] New subscribers of {escape(topic)}: {changed}, already subscribed: {unchanged}")


@topics.command(epilog="Example: [bold]msgcenter topic unsubscribe class-3a parent-wang[/]")
def unsubscribe(
    topic: Name,
    app_id: AppId,
    app_key: AppKey,
    users: Users = None,
    file: File = None,
    platform: PlatformCode = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """End users' subscriptions. Messages that they received stay in their mailboxes."""
    user_ids = _user_ids(users, file)
    with app_client(server, app_id, app_key, platform) as client:
        changed = _in_batches(user_ids, lambda batch: client.unsubscribe(topic, batch))
    unchanged = len(set(user_ids)) - changed
    out.print(f"[green]✓[/] Users unsubscribed from {escape(topic)}: {changed}, not subscribed: {unchanged}")


@topics.command()
def subscribers(
    topic: Name,
    app_id: AppId,
    app_key: AppKey,
    platform: PlatformCode = None,
    server: Server = DEFAULT_SERVER,
    json: AsJson = False,
) -> None:
    """List the subscribers, one user id per line."""
    with app_client(server, app_id, app_key, platform) as client:
        user_ids = client.subscribers(topic)
        if json:
            print_json(list(user_ids))
            return
        for user_id in user_ids:
            typer.echo(user_id)


def _user_ids(users: list[str] | None, file: str | None) -> list[str]:
    if bool(users) == (file is not None):
        raise fail("Give either user ids or a file with --from.")
    if file is None:
        return users or []
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file} cannot be read as a list of user ids: {error}") from None
    user_ids = [line.strip() for line in text.splitlines() if line.strip()]
    if not user_ids:
        raise fail(f"{file} contains no user ids.")
    return user_ids


def _in_batches(user_ids: Sequence[str], change: Callable[[Sequence[str]], int]) -> int:
    changed = 0
    with progress_bar() as progress:
        bar = progress.add_task("Users", total=len(user_ids))
        for start in range(0, len(user_ids), _BATCH):
            batch = user_ids[start : start + _BATCH]
            changed += change(batch)
            progress.advance(bar, len(batch))
    return changed
