"""`msgcenter send` and `msgcenter status`: speak to a running server as an app does, through the SDK."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from msgcenter.cli.console import fail, out, plain_failures, program
from msgcenter.cli.moments import ALLOWED, moment

if TYPE_CHECKING:
    from msgcenter_client import Audience, Client

SEND_EXAMPLES = """Examples:

[bold]msgcenter send --to teacher-li 'The meeting begins at 15:00.'[/]

[bold]msgcenter send --to teacher-li --to parent-wang --title Homework --url https://example.edu/3 'Unit 3'[/]

[bold]msgcenter send --topic class-3a --at 07:30 'Bring your atlas today.'[/]

[bold]msgcenter send --all --expire +12h 'School is closed today.'[/]

The app's credentials come from --app-id and --app-key, better from MSGCENTER_APP_ID and MSGCENTER_APP_KEY."""
STATUS_EXAMPLES = """Examples:

[bold]msgcenter status 912839057684697088[/]

[bold]msgcenter status --set read --user teacher-li 912839057684697088[/]

[bold]msgcenter status --set read --approver headmaster 912839057684697088[/]"""

Server = Annotated[str, typer.Option(help="The server's URL.", envvar="MSGCENTER_SERVER", metavar="URL")]
AppId = Annotated[str, typer.Option(help="The app's appId.", envvar="MSGCENTER_APP_ID", metavar="ID")]
AppKey = Annotated[str, typer.Option(help="Its appKey.", envvar="MSGCENTER_APP_KEY", metavar="KEY")]
PlatformCode = Annotated[
    str | None, typer.Option(help="The users' platform, if it is not the app's own.", metavar="CODE")
]
SERVER = "http://127.0.0.1:8080"


class ReadState(StrEnum):
    """What a message can be set to."""

    READ = "read"
    UNREAD = "unread"


@contextmanager
def client_of(server: str, app_id: str, app_key: str, platform: str | None) -> Iterator["Client"]:
    """Give the SDK's client, and tell what goes wrong with it."""
    from msgcenter_client import Client, StateError, TransportError

    with plain_failures():
        try:
            with Client(server, app_id, app_key, platform_code=platform, language="en", retries=1) as client:
                yield client
        except TransportError as error:
            advice = "" if error.http_status else f", or start one: {program()} serve"
            raise fail(
                f"No MsgCenter server answers at {server}: {error.text}. "
                f"Name the right one with --server or MSGCENTER_SERVER{advice}."
            ) from None
        except StateError as error:
            named = f": {', '.join(error.invalid_ids)}" if error.invalid_ids else ""
            advice = " Name the receiver with --user." if error.ret_code == "300002" else ""
            raise fail(f"{error.text}{named}.{advice}") from None


def audience_of(to: list[str] | None, topic: str | None, *, everyone: bool) -> "Audience":
    """Return whom a message is for. Fails unless exactly one way of addressing is used."""
    from msgcenter_client import EVERYONE, Topic

    if [bool(to), topic is not None, everyone].count(True) != 1:
        raise fail("Say whom it is for: --to USER (repeat it for several), --topic NAME or --all, one of them.")
    if everyone:
        return EVERYONE
    return Topic(topic) if topic is not None else to or []


def send(
    content: Annotated[str, typer.Argument(help="The text of the message.", metavar="CONTENT")],
    app_id: AppId,
    app_key: AppKey,
    to: Annotated[
        list[str] | None, typer.Option(help="A receiver's user id; repeat it for several.", metavar="USER")
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Send it to the subscribers of this topic of the app.", metavar="NAME")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Send it to everyone whom the platform knows.")] = False,
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
    approval: Annotated[bool, typer.Option("--approval", help="Send it as a pending approval.")] = False,
    at: Annotated[
        str | None, typer.Option(help=f"Send it later, at most in 90 days: {ALLOWED}.", metavar="WHEN")
    ] = None,
    expire: Annotated[str | None, typer.Option(help="When it leaves every inbox; as --at.", metavar="WHEN")] = None,
    platform: PlatformCode = None,
    server: Server = SERVER,
) -> None:
    """Send a message to users and print its id: a text, or with --title a link, or with --head an oa card."""
    if (title or head) and not (url or app_url):
        raise fail("--title and --head need --url or --app-url: where a click leads.")
    audience = audience_of(to, topic, everyone=everyone)
    send_at = None if at is None else moment(at, "--at")
    expire_at = None if expire is None else moment(expire, "--expire")
    with client_of(server, app_id, app_key, platform) as client:
        if head:
            message_id = client.send_oa(
                audience,
                head,
                business_id=business_id,
                pc_url=url or "",
                app_url=app_url or url or "",
                title=title,
                content=content,
                image_url=image,
                approval=approval,
                send_at=send_at,
                expire_at=expire_at,
            )
        elif title:
            message_id = client.send_link(
                audience,
                title=title,
                content=content,
                business_id=business_id,
                pc_url=url or "",
                app_url=app_url or url or "",
                image_url=image,
                approval=approval,
                send_at=send_at,
                expire_at=expire_at,
            )
        else:
            message_id = client.send_text(audience, content, approval=approval, send_at=send_at, expire_at=expire_at)
    typer.echo(message_id)


def status(
    message_ids: Annotated[list[str], typer.Argument(help="Message ids, as send printed them.", metavar="MESSAGE_ID")],
    app_id: AppId,
    app_key: AppKey,
    set_to: Annotated[ReadState | None, typer.Option("--set", help="Set the messages read or unread.")] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Whose messages to set; leave it out to close approvals for all.", metavar="USER"),
    ] = None,
    approver: Annotated[
        str | None, typer.Option(help="Who has decided the approvals that are closed for all.", metavar="USER")
    ] = None,
    platform: PlatformCode = None,
    server: Server = SERVER,
) -> None:
    """Show where messages stand and how many have read them; with --set, set them read or unread first."""
    if user is not None and set_to is None:
        raise fail("--user goes with --set: --set read or --set unread.")
    if approver is not None and (set_to is None or user is not None):
        raise fail("--approver goes with --set and without --user: it closes approvals for all.")
    with client_of(server, app_id, app_key, platform) as client:
        unknown: tuple[str, ...] = ()
        if set_to is not None:
            unknown = client.set_status(user, message_ids, read=set_to is ReadState.READ, approver=approver).invalid_ids
            for message_id in unknown:
                out.print(f"[yellow]![/] {message_id}: no such message of this user")
        _show(client, [message_id for message_id in message_ids if message_id not in unknown])


def _show(client: "Client", message_ids: list[str]) -> None:
    from rich.table import Column, Table

    numbers = (Column(name, justify="right") for name in ("receivers", "delivered", "read", "unread"))
    table = Table(Column("message", no_wrap=True), "state", *numbers)
    for message_id in message_ids:
        found = client.message_status(message_id, page_size=1)
        counts = (found.receivers, found.delivered, found.read, found.unread)
        table.add_row(message_id, found.state, *map(str, counts))
    out.print(table)
