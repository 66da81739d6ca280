"""`msgcenter send` and `msgcenter status`: speak to a running server as an app does, through the SDK."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from msgcenter.cli.console import fail, out, plain_failures

if TYPE_CHECKING:
    from msgcenter_client import Client

Server = Annotated[
    str, typer.Option(help="The server's URL.", envvar="MSGCENTER_SERVER", metavar="URL", show_default=True)
]
AppId = Annotated[str, typer.Option(help="The sending app's appId.", envvar="MSGCENTER_APP_ID")]
AppKey = Annotated[str, typer.Option(help="Its appKey.", envvar="MSGCENTER_APP_KEY")]
PlatformCode = Annotated[str | None, typer.Option(help="The users' platform, if it is not the app's own.")]
_SERVER = "http://127.0.0.1:8080"


class ReadState(StrEnum):
    """What a message can be set to."""

    READ = "read"
    UNREAD = "unread"


def _client(server: str, app_id: str, app_key: str, platform: str | None) -> "Client":
    from msgcenter_client import Client

    return Client(server, app_id, app_key, platform_code=platform, language="en")


def send(
    to: Annotated[list[str], typer.Option(help="A receiver's user id; repeat it for several.", metavar="USER")],
    content: Annotated[str, typer.Argument(help="The text of the message.")],
    app_id: AppId,
    app_key: AppKey,
    title: Annotated[str | None, typer.Option(help="Title: makes it a link (needs --url).")] = None,
    head: Annotated[str | None, typer.Option(help="Head line: makes it an oa card (needs --url).")] = None,
    url: Annotated[str | None, typer.Option(help="Where a click leads, on PC and phone.")] = None,
    app_url: Annotated[str | None, typer.Option(help="Where a click leads on the phone, if elsewhere.")] = None,
    image: Annotated[str | None, typer.Option(help="URL of a picture (JPG or PNG).")] = None,
    business_id: Annotated[str, typer.Option(help="The matter's id in your own system.")] = "cli",
    approval: Annotated[bool, typer.Option("--approval", help="Send it as a pending approval.")] = False,
    platform: PlatformCode = None,
    server: Server = _SERVER,
) -> None:
    """Send a message to users and print its id: a text, or with --title a link, or with --head an oa card."""
    if (title or head) and not url:
        raise fail("--title and --head need --url: where a click leads.")
    with plain_failures(), _client(server, app_id, app_key, platform) as client:
        if head:
            message_id = client.send_oa(
                to,
                head,
                business_id=business_id,
                pc_url=url or "",
                app_url=app_url or url or "",
                title=title,
                content=content,
                image_url=image,
                approval=approval,
            )
        elif title:
            message_id = client.send_link(
                to,
                title=title,
                content=content,
                business_id=business_id,
                pc_url=url or "",
                app_url=app_url or url or "",
                image_url=image,
                approval=approval,
            )
        else:
            message_id = client.send_text(to, content, approval=approval)
    typer.echo(message_id)


def status(
    message_ids: Annotated[list[str], typer.Argument(help="Message ids, as send printed them.", metavar="MESSAGE_ID…")],
    app_id: AppId,
    app_key: AppKey,
    set_to: Annotated[ReadState | None, typer.Option("--set", help="Set the messages read or unread.")] = None,
    user: Annotated[
        str | None, typer.Option(help="Whose messages to set; leave it out to close approvals for all.")
    ] = None,
    platform: PlatformCode = None,
    server: Server = _SERVER,
) -> None:
    """Show where messages stand and who has read them; with --set, set them read or unread first."""
    with plain_failures(), _client(server, app_id, app_key, platform) as client:
        if set_to is not None:
            result = client.set_status(user, message_ids, read=set_to is ReadState.READ)
            for unknown in result.invalid_ids:
                out.print(f"[yellow]![/] {unknown}: no such message of this user")
        _show(client, message_ids)


def _show(client: "Client", message_ids: list[str]) -> None:
    from rich.table import Table

    table = Table("message", "state", "receivers", "delivered", "read", "unread")
    for message_id in message_ids:
        found = client.message_status(message_id, page_size=1)
        counts = (found.receivers, found.delivered, found.read, found.unread)
        table.add_row(message_id, found.state, *map(str, counts))
    out.print(table)
