"""The peer as a server on its own database, filled like the product's deep mailboxes."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from bench import truth
from bench.api import post
from bench.databases import own_database
from bench.mailboxes import Mailbox, users
from bench.options import Sizes
from bench.parts import Part, Run
from bench.peer.environment import ENVIRONMENT, install, is_installed
from bench.server_process import Server, output_of, serving
from bench.steps import IDS_PER_CALL, LISTED, StatusStep, Step, random_windows

WORKERS, THREADS = 2, 4
NAME = f"the peer ({WORKERS} × {THREADS} threads)"
_PROJECT = Path(__file__).with_name("project")
_USERS = """
    insert into auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active,
                           date_joined)
    select name, '', false, '', '', '', false, true, now() from unnest($1::text[]) as name
"""
_NOTIFICATIONS = """
    insert into notifications_notification (recipient_id, actor_content_type_id, actor_object_id, level, verb,
                                            description, timestamp, unread, public, deleted, emailed)
    select auth_user.id, django_content_type.id, sender.id::text, 'info', 'sent', 'Notice number ' || number,
           now() - make_interval(secs => $2 - number), true, true, false, false
    from generate_series(1, $2) as number
    cross join auth_user
    join auth_user as sender on sender.username = 'sender'
    join django_content_type on app_label = 'auth' and model = 'user'
    where auth_user.username = any($1::text[])
    order by number, auth_user.id
"""
_MAILBOXES = """
    select username, array_agg(notifications_notification.id order by notifications_notification.id) as ids
    from notifications_notification join auth_user on auth_user.id = recipient_id
    group by username order by username
"""
_UNREAD = """
    select username, count(*) as unread from notifications_notification join auth_user on auth_user.id = recipient_id
    where unread and notifications_notification.id <= $2 and username = any($1::text[]) group by username
"""


@asynccontextmanager
async def peer_part(run: Run) -> AsyncIterator[Part]:
    """Yield the peer's steps: status changes, sends and lists. Installs the peer if it is missing."""
    if not is_installed():
        run.report_progress("installing the peer into .venv-peer")
        await install()
    async with own_database(run.url, "msgcenter_peer") as url:
        environment = {**os.environ, "PEER_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "settings"}
        programs = ENVIRONMENT / "bin"
        await output_of([str(programs / "django-admin"), "migrate", "--pythonpath", str(_PROJECT)], environment)
        run.report_progress("filling the peer's mailboxes")
        mailboxes = await _filled(url, run.options.sizes)
        command = [
            *(str(programs / "gunicorn"), "django.core.wsgi:get_wsgi_application()", "--chdir", str(_PROJECT)),
            *("--bind", "127.0.0.1:0", "--worker-class", "gthread", "--keep-alive", "60"),
            *("--workers", str(WORKERS), "--threads", str(THREADS)),
        ]
        async with serving(command, environment, run.folder / "peer.log", workers=WORKERS) as server:
            mark = _mark_step(server, mailboxes)

            async def check() -> str:
                expected = truth.unread_after_changes([mark])
                unread = await _unread_counts(url, mailboxes, list(expected))
                return truth.compare(NAME, expected, unread, mark.sent)

            yield Part([mark, *_other_steps(server, mailboxes)], [check], {NAME: server})


async def _filled(url: str, sizes: Sizes) -> list[Mailbox]:
    """Create users with unread notifications, in the order of arrival: notice by notice, for all users."""
    user_ids = users("class", sizes.deep_readers)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_USERS, ["sender", *user_ids])
        await connection.execute(_NOTIFICATIONS, user_ids, sizes.messages)
        await connection.execute("vacuum analyze")
        return [Mailbox(row["username"], tuple(row["ids"])) for row in await connection.fetch(_MAILBOXES)]
    finally:
        await connection.close()


def _mark_step(server: Server, mailboxes: list[Mailbox]) -> StatusStep:
    requests = [
        _call(server, "mark", {"user": user_id, "ids": ids, "read": is_read})
        for user_id, ids, is_read in random_windows(mailboxes)
    ]
    expect = b'{"marked": %d}' % IDS_PER_CALL
    title = f"the peer: mark {IDS_PER_CALL} ids, deep mailboxes"
    return StatusStep("z mark", title, server, requests, (expect,), mailboxes=mailboxes)


def _other_steps(server: Server, mailboxes: list[Mailbox]) -> list[Step]:
    user_ids = [box.user_id for box in mailboxes]
    sends = [_call(server, "send", {"user": name, "text": f"Your form was approved, {name}."}) for name in user_ids]
    lists = [f"GET /list?user={name} HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode() for name in user_ids]
    return [
        Step("z send", "the peer: send to 1, deep mailboxes", server, sends, (b'{"sent": 1}',)),
        Step("z list", f"the peer: list of {LISTED} and unread count", server, lists, (b'{"unread": ',)),
    ]


def _call(server: Server, name: str, body: dict[str, object]) -> bytes:
    return post(server, f"/{name}", json.dumps(body).encode())


async def _unread_counts(url: str, mailboxes: list[Mailbox], user_ids: list[str]) -> list[int]:
    """Return how many of the notifications from before the load are unread, for each user."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(_UNREAD, user_ids, max(box.message_ids[-1] for box in mailboxes))
    finally:
        await connection.close()
    counts = {row["username"]: row["unread"] for row in rows}
    return [counts.get(user_id, 0) for user_id in user_ids]
