"""`msgcenter demo`: run a server, make the main calls as a demo app and print them, then keep serving."""

import asyncio
import hmac
from dataclasses import replace
from zoneinfo import ZoneInfo

import httpx

from msgcenter.actions.apps.apps import AppCredentials, Apps
from msgcenter.actions.apps.team import Team
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.portal.passwords import hash_password, password_matches
from msgcenter.actions.portal.people import People
from msgcenter.application.database import database_of
from msgcenter.application.secret_key import key_ring
from msgcenter.cli.console import err, out, program
from msgcenter.cli.database import started_database
from msgcenter.cli.demo.channels import prepare_channels
from msgcenter.cli.demo.directory import SCHOOL, prepare_directory
from msgcenter.cli.demo.mail.catcher import MailCatcher, catching_mails
from msgcenter.cli.demo.mail.pages import mail_routes
from msgcenter.cli.demo.story import SEED_USER, StoryError, tell_story
from msgcenter.cli.server.serving import is_loopback, listen, run_server, url_of
from msgcenter.cli.signals import exit_on_signals
from msgcenter.database.database import Database
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.network import LOOPBACK
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.settings import Settings
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.portal import people as store_people

PLATFORM = "420100"
APP_ID = "msgcenter-demo"
OPERATOR = "operator@msgcenter.demo"
APPROVER = "approver@msgcenter.demo"
"""The second operator, who approves announcements."""
_OLD_MESSAGES = {3806: "家长会改到周五下午三点", 1312: "本周食谱已更新"}
"""Messages that the sample request names: they keep their ids from the old platform."""


def run_demo(settings: Settings) -> None:
    """Prepare the demo app, run the server, make the calls once it answers, and serve until Ctrl-C."""
    embedded = settings.database_url is None
    database = "the server and its database" if embedded else "the server"
    with exit_on_signals(serving=True), listen(settings) as listener:
        if not settings.webhook_allow and is_loopback(listener):
            # A demo webhook runs on this machine, and only its users can register one.
            settings = replace(settings, webhook_allow=LOOPBACK)
        if settings.second_factor is None and is_loopback(listener):
            settings = replace(settings, second_factor="off")  # only users of this machine can log in
        if settings.public_url is None:
            settings = replace(settings, public_url=url_of(listener) + settings.base_path)
        catcher = MailCatcher()
        with catching_mails(catcher) as smtp_port, started_database(settings) as complete:
            credentials, is_new, passwords = asyncio.run(_prepare_demo(complete, smtp_port))
            where = f"data folder: {settings.data_dir}" if embedded else "from MSGCENTER_DATABASE_URL"
            out.print(f"[green]✓[/] PostgreSQL is running ({where})", soft_wrap=True)
            out.print(f"[green]✓[/] Demo app [bold]{APP_ID}[/] {'registered' if is_new else 'already registered'}")

            def play(url: str) -> None:
                _play(url, credentials, settings, passwords)

            pages = mail_routes(catcher, ZoneInfo(settings.time_zone))
            run_server(complete, listener, workers=1, on_ready=play, more_routes=pages)
            out.print(f"\nStopping {database}…")
        out.print("[green]✓[/] Stopped. All data is kept for the next run.")


async def _prepare_demo(settings: Settings, smtp_port: int) -> tuple[AppCredentials, bool, dict[str, str | None]]:
    """Prepare what the demo uses; `smtp_port` is the mail catcher's.

    Return the demo app's credentials, whether it is new, and each operator's password, None if it was changed."""
    async with database_of(settings, connections=3) as database, NodeLease(database.direct_url) as lease:
        keys = key_ring(settings)
        register = Apps(database, keys)
        is_new = False
        try:
            credentials = await register.credentials(APP_ID)
        except Refusal as refusal:
            if refusal.reason is not Reason.APP_UNKNOWN:
                raise
            credentials = await register.create("智慧校园 Demo", PLATFORM, app_id=APP_ID)
            is_new = True
        await prepare_directory(database, keys, PLATFORM, APP_ID)
        await prepare_channels(database, key_ring(settings), PLATFORM, smtp_port)
        sending = Sending(database, lease, waiting_limit=10)
        platform = credentials.app.platform
        for message_id, content in _OLD_MESSAGES.items():
            draft = Draft(
                app_number=credentials.app.number,
                app_cell=platform.first_cell,
                platform=platform,
                body=Text(content),
                receivers=(SEED_USER,),
                message_id=message_id,
            )
            await sending.import_message(draft)
        operators = {OPERATOR: "Demo", APPROVER: "Approver"}
        passwords = {
            login: await _demo_operator(database, settings, register, login, name) for login, name in operators.items()
        }
        return credentials, is_new, passwords


async def _demo_operator(database: Database, settings: Settings, register: Apps, login: str, name: str) -> str | None:
    """Create an operator who manages the demo app; return the password, or None if it was changed."""
    keys = key_ring(settings)
    people = People(database)
    # Derived from the secret key and the login: the same at every start, and different for each operator.
    password = hmac.new(keys.csrf_key, login.encode(), "sha256").hexdigest()[:16]
    try:
        record = await people.find_login(login)
    except Refusal:
        person = await people.create(login, name, password, "operator")
        await Team(database, register).add(await register.find(APP_ID), person.login, COMMAND)
        return password
    if await password_matches(record.password_hash, keys.csrf_key.hex()[:16]):
        # Earlier versions gave both operators this password.
        async with database.connection() as connection:
            await store_people.renew_hash(connection, record.person.number, await hash_password(password))
        return password
    return password if await password_matches(record.password_hash, password) else None


def _play(url: str, credentials: AppCredentials, settings: Settings, passwords: dict[str, str | None]) -> None:
    try:
        story = tell_story(url, credentials)
        inboxes = _inbox_links(url, story.token)
    except StoryError as error:
        err.print(f"\n[bold red]✗[/] The demo app cannot get a token: {error}", soft_wrap=True)
        out.print(f"If it is disabled, enable it: [bold]{program()} app enable {APP_ID}[/]", soft_wrap=True)
    except httpx.HTTPError:
        return  # the server is stopping
    else:
        _print_next_steps(url, story.token, credentials, settings, inboxes)
        _print_mail(url)
        _print_logins(url, passwords, second_factor=settings.second_factor != "off")
        _print_directory(url, story.reported)


def _inbox_links(url: str, token: str) -> dict[str, str]:
    """Return a link to the inbox of each demo user."""
    links = {}
    for user in ("teacher-li", "parent-wang"):
        body = {"publisherId": user, "ttl": 86_400}
        answer = httpx.post(
            f"{url}/msgCenter/user/getUserToken", params={"accessToken": token}, json=body, trust_env=False
        )
        links[user] = f"{url}/inbox#token={answer.json()['userToken']}"
    return links


def _print_next_steps(
    url: str, token: str, credentials: AppCredentials, settings: Settings, inboxes: dict[str, str]
) -> None:
    command = program()
    stops = "Ctrl-C stops it and its database" if settings.database_url is None else "Ctrl-C stops it"
    call = f"{url}/msgCenter/message"
    server = "" if url == "http://127.0.0.1:8080" else f" --server {url}"
    _print(f"\n[bold green]MsgCenter is serving on {url}[/] ({stops}).")
    _print("\n[bold]Open an inbox[/] in a browser and watch messages arrive. The links are valid for one day:\n")
    for user, link in inboxes.items():
        out.print(f"{user:<13}{link}", soft_wrap=True, markup=False)
    _print(f"\n[bold]Try it[/] in another terminal. The token is valid for {duration(settings.token_ttl)}:\n")
    for line in (
        f"curl '{call}/sendMsg?accessToken={token}' -d '"
        '{"receiverIds":["parent-wang"],"msgtype":"text","text":{"content":"hello"},'
        '"channels":["email","push"],"channelDelay":1}\'',
        f"curl '{call}/getUnreadCount?accessToken={token}' -d '{{\"publisherId\":\"parent-wang\"}}'",
        f"curl '{call}/getMsgList?accessToken={token}' -H 'Accept-Language: en' -d '{{\"pageSize\":2}}'",
    ):
        out.print(line, soft_wrap=True, markup=False)
        out.print()
    _print("[bold]As an app[/], through the Python SDK:\n")
    out.print(
        f"MSGCENTER_APP_ID={APP_ID} MSGCENTER_APP_KEY={credentials.app_key} \\\n"
        f"  {command} send --to parent-wang{server} 'hello from the command line'",
        soft_wrap=True,
        markup=False,
    )
    _print("\nList, follow, update, recall and remind its messages, or send to topics or everyone:")
    _print(f"  {command} list, receipts, update, recall, remind, topic, send --all; see --help of each")
    _print("\n[bold]Next[/]")
    _print(f"  your own app     {command} app create --name NAME --platform CODE")
    _print("  every call       docs/protocol.md")
    _print(f"  OpenAPI          {url}/openapi.json")
    _print("  the Python SDK   sdk/python/README.md")
    _print(f"  for operators    docs/operating.md, and {command} doctor\n")


def _print_logins(url: str, passwords: dict[str, str | None], *, second_factor: bool) -> None:
    _print("[bold]The portal[/] for developers and operators: your own app, its key, and a form for every call\n")
    out.print(f"{url}/portal", soft_wrap=True, markup=False)
    hints = {
        login: f"password {password}" if password else "the password that you chose"
        for login, password in passwords.items()
    }
    _print(f"log in as {OPERATOR}, {hints[OPERATOR]}; or sign up as a developer")
    _print(f"to approve announcements, log in as {APPROVER}, {hints[APPROVER]}")
    if second_factor:
        _print("operators set up a second factor when they log in; this needs an authenticator app\n")
    else:
        _print("the demo does not require a second factor; a real server does (MSGCENTER_SECOND_FACTOR)\n")


def _print_mail(url: str) -> None:
    _print("[bold]Mail[/] for those who do not look: in a minute, parent-wang gets one about the message of step 11,")
    _print("unless it is read before; teacher-li has read it and gets none. All mails of this demo are caught here:\n")
    out.print(f"{url}/dev/mail", soft_wrap=True, markup=False)
    out.print()


def _print_directory(url: str, message_id: str) -> None:
    _print(
        "[bold]A directory[/] of a district with two schools, eight classes and 602 invented people; and who has read"
    )
    _print("the message to the parents of a school, class by class. Log in to the portal first:\n")
    for link in (
        f"{url}/portal/operator/directory?platform={PLATFORM}&open={SCHOOL}",
        f"{url}/portal/apps/{APP_ID}/messages/{message_id}?report={SCHOOL}#report",
    ):
        out.print(link, soft_wrap=True, markup=False)
    out.print()


def _print(text: str) -> None:
    out.print(text, soft_wrap=True)


def duration(seconds: int) -> str:
    """Return a duration in the largest unit that divides it: "2 hours", "90 minutes"."""
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {name}{'s' if seconds > size else ''}"
    return f"{seconds} seconds"
