"""`msgcenter send` and `update`: write a message's content, as an app, through the SDK."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.app_client import app_client
from msgcenter.cli.console import fail, out
from msgcenter.cli.moments import ALLOWED, parse_moment
from msgcenter.cli.options import (
    CREDENTIALS,
    DEFAULT_SERVER,
    AppId,
    AppKey,
    AppUrl,
    BusinessId,
    Head,
    Image,
    MessageId,
    PlatformCode,
    Server,
    Title,
    Url,
)

if TYPE_CHECKING:
    from msgcenter_client import Audience

SEND_EXAMPLES = f"""Examples:

[bold]msgcenter send --to teacher-li 'The meeting begins at 15:00.'[/]

[bold]msgcenter send --to teacher-li --to parent-wang --title Homework --url https://example.edu/3 'Unit 3'[/]

[bold]msgcenter send --topic class-3a --at 07:30 'Bring your atlas today.'[/]

[bold]msgcenter send --org school-7 --role tea --role adm 'The staff meeting begins at 15:00.'[/]

[bold]msgcenter send --to parent-wang --channel email --channel-delay 60 'The bus leaves at 6:40.'[/]

[bold]msgcenter send --all --expire +12h 'School is closed today.'[/]

{CREDENTIALS}"""
_CLI_BUSINESS_ID = "cli"


def send(
    content: Annotated[str, typer.Argument(help="The text of the message.", metavar="CONTENT")],
    app_id: AppId,
    app_key: AppKey,
    to: Annotated[
        list[str] | None, typer.Option(help="A recipient's user id; repeat it for several.", metavar="USER")
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Send to the subscribers of this topic of the app.", metavar="NAME")
    ] = None,
    org: Annotated[
        list[str] | None,
        typer.Option(help="Send to the members of this organisation; repeat it for several.", metavar="ORG"),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="With --org: only members with this role; repeatable.", metavar="ROLE")
    ] = None,
    no_sub: Annotated[
        bool, typer.Option("--no-sub", help="With --org: without members of the organisations below.")
    ] = False,
    everyone: Annotated[bool, typer.Option("--all", help="Send to every known user of the platform.")] = False,
    title: Title = None,
    head: Head = None,
    url: Url = None,
    app_url: AppUrl = None,
    image: Image = None,
    business_id: BusinessId = _CLI_BUSINESS_ID,
    approval: Annotated[bool, typer.Option("--approval", help="Send a pending approval.")] = False,
    at: Annotated[
        str | None, typer.Option(help=f"Send at this time, at most 90 days ahead: {ALLOWED}.", metavar="WHEN")
    ] = None,
    expire: Annotated[
        str | None, typer.Option(help="Remove it from every inbox at this time; format as for --at.", metavar="WHEN")
    ] = None,
    sender: Annotated[
        str | None, typer.Option(help="Who sends it, shown beside the app's name.", metavar="NAME")
    ] = None,
    category: Annotated[
        str | None, typer.Option(help="The code of a message type of the platform.", metavar="CODE")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            help="Send it to those who have not read it by email, sms, wecom, dingtalk, feishu, push or apprise, too;"
            " repeat it for several. Without: as the platform has decided.",
            metavar="CHANNEL",
        ),
    ] = None,
    no_channels: Annotated[bool, typer.Option("--no-channels", help="Send it to inboxes only.")] = False,
    channel_delay: Annotated[
        int | None, typer.Option(help="Minutes until it is sent by channels.", metavar="MINUTES")
    ] = None,
    platform: PlatformCode = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Send a message to users and print its id: a text, with --title a link, with --head an oa card."""
    _check_targets(title or head, url or app_url)
    audience = _audience(to, topic, org, role, no_sub=no_sub, everyone=everyone)
    if channel and no_channels:
        raise fail("Use either --channel or --no-channels.")
    options: dict[str, Any] = {
        "approval": approval,
        "send_at": None if at is None else parse_moment(at, "--at"),
        "expire_at": None if expire is None else parse_moment(expire, "--expire"),
        "sender_name": sender,
        "category": category,
        "channels": [] if no_channels else channel or None,
        "channel_delay": channel_delay,
    }
    targets: dict[str, Any] = {"business_id": business_id, "pc_url": url or "", "app_url": app_url or url or ""}
    with app_client(server, app_id, app_key, platform) as client:
        if head:
            message_id = client.send_oa(
                audience, head, title=title, content=content, image_url=image, **targets, **options
            )
        elif title:
            message_id = client.send_link(audience, title=title, content=content, image_url=image, **targets, **options)
        else:
            message_id = client.send_text(audience, content, **options)
    typer.echo(message_id)


def update(
    message_id: MessageId,
    content: Annotated[str, typer.Argument(help="The new text.", metavar="CONTENT")],
    app_id: AppId,
    app_key: AppKey,
    title: Title = None,
    head: Head = None,
    url: Url = None,
    app_url: AppUrl = None,
    image: Image = None,
    business_id: BusinessId = _CLI_BUSINESS_ID,
    reset_read: Annotated[bool, typer.Option("--reset-read", help="Set it unread again for everyone.")] = False,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Update a message's content: to a text, with --title to a link, with --head to an oa card."""
    _check_targets(title or head, url or app_url)
    targets: dict[str, Any] = {"business_id": business_id, "pc_url": url or "", "app_url": app_url or url or ""}
    options: dict[str, Any] = {"reset_read": reset_read}
    with app_client(server, app_id, app_key) as client:
        if head:
            client.update_oa(message_id, head, title=title, content=content, image_url=image, **targets, **options)
        elif title:
            client.update_link(message_id, title=title, content=content, image_url=image, **targets, **options)
        else:
            client.update_text(message_id, content, **options)
    unread = " It is unread again, except for users who have read it since." if reset_read else ""
    out.print(f"[green]✓[/] {escape(message_id)} is updated.{unread}")


def _check_targets(text: str | None, url: str | None) -> None:
    if text and not url:
        raise fail("--title and --head need --url or --app-url, the target of a click.")


def _audience(
    to: list[str] | None,
    topic: str | None,
    org: list[str] | None,
    role: list[str] | None,
    *,
    no_sub: bool,
    everyone: bool,
) -> "Audience":
    """Return the audience of a message. Fails unless exactly one way of addressing is used."""
    from msgcenter_client import EVERYONE, Organisations, Topic

    if [bool(to), topic is not None, bool(org), everyone].count(True) != 1:
        raise fail("Use exactly one of --to USER, --org ORG (repeat these for several), --topic NAME and --all.")
    if (role or no_sub) and not org:
        raise fail("--role and --no-sub need --org ORG.")
    if org:
        return Organisations(org, role or (), not no_sub)
    if everyone:
        return EVERYONE
    return Topic(topic) if topic is not None else to or []
