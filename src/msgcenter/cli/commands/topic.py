"""`msgcenter topic …`: who is subscribed to an app's topics."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from msgcenter.cli.commands.app import AsJson
from msgcenter.cli.commands.client import SERVER, AppId, AppKey, PlatformCode, Server, client_of
from msgcenter.cli.console import counted, fail, out, progress_bar

topics = typer.Typer(
    help="Subscribe users to an app's topics; send to one with: msgcenter send --topic NAME.",
    epilog="The app's credentials come best from MSGCENTER_APP_ID and MSGCENTER_APP_KEY.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="The topic's name, 1-64 characters.", metavar="TOPIC")]
Users = Annotated[list[str] | None, typer.Argument(help="User ids.", metavar="[USER]...")]
File = Annotated[
    str | None, typer.Option("--from", help="A file with a user id on each line; - is standard input.", metavar="FILE")
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
    server: Server = SERVER,
) -> None:
    """Subscribe users from now on. A new topic is made."""
    user_ids = _user_ids(users, file)
    with client_of(server, app_id, app_key, platform) as client:
        changed = _in_batches(user_ids, lambda part: client.subscribe(topic, part))
    out.print(f"[green]✓[/] {counted(changed, 'user')} subscribed to {escape(topic)}{_rest(user_ids, changed)}.")


@topics.command(epilog="Example: [bold]msgcenter topic unsubscribe class-3a parent-wang[/]")
def unsubscribe(
    topic: Name,
    app_id: AppId,
    app_key: AppKey,
    users: Users = None,
    file: File = None,
    platform: PlatformCode = None,
    server: Server = SERVER,
) -> None:
    """End users' subscriptions. What they have got stays with them."""
    user_ids = _user_ids(users, file)
    with client_of(server, app_id, app_key, platform) as client:
        changed = _in_batches(user_ids, lambda part: client.unsubscribe(topic, part))
    out.print(f"[green]✓[/] {counted(changed, 'user')} unsubscribed from {escape(topic)}{_rest(user_ids, changed)}.")


@topics.command()
def subscribers(
    topic: Name,
    app_id: AppId,
    app_key: AppKey,
    platform: PlatformCode = None,
    server: Server = SERVER,
    json: AsJson = False,
) -> None:
    """List who is subscribed, a user id on each line."""
    with client_of(server, app_id, app_key, platform) as client:
        found = client.subscribers(topic)
        if json:
            import json as json_module

            typer.echo(json_module.dumps(list(found), ensure_ascii=False))
            return
        for user_id in found:
            typer.echo(user_id)


def _user_ids(users: list[str] | None, file: str | None) -> list[str]:
    if bool(users) == (file is not None):
        raise fail("Name the users, or with --from the file that lists them, one of the two.")
    if file is None:
        return users or []
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file} cannot be read as a list of user ids: {error}") from None
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if not found:
        raise fail(f"There is no user id in {file}.")
    return found


def _in_batches(user_ids: Sequence[str], change: Callable[[Sequence[str]], int]) -> int:
    changed = 0
    with progress_bar() as progress:
        bar = progress.add_task("Users", total=len(user_ids))
        for start in range(0, len(user_ids), _BATCH):
            part = user_ids[start : start + _BATCH]
            changed += change(part)
            progress.advance(bar, len(part))
    return changed


def _rest(user_ids: Sequence[str], changed: int) -> str:
    same = len(set(user_ids)) - changed
    return f"; {counted(same, 'user')} {'was' if same == 1 else 'were'} so already" if same else ""
