"""The yardstick as a server: `row_per_message` on its own database, with the product's mailboxes."""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from bench import row_per_message
from bench.api import Api
from bench.mailboxes import Mailbox
from bench.product import PLATFORM, registered_app
from bench.server_process import serving


@asynccontextmanager
async def yardstick(database_url: str, mailboxes: list[Mailbox], folder: Path, *, workers: int) -> AsyncIterator[Api]:
    """Serve the yardstick, with every message unread at first."""
    secret_key = secrets.token_hex(32)
    app = await registered_app(database_url, secret_key)
    await _fill(database_url, mailboxes, app.number)
    environment = {**os.environ, "MSGCENTER_DATABASE_URL": database_url, "MSGCENTER_SECRET_KEY": secret_key}
    command = [sys.executable, "-m", "bench.row_per_message", "--workers", str(workers)]
    async with serving(command, environment, folder / "yardstick.log", workers=workers) as server:
        yield Api(server, app.token)


async def _fill(database_url: str, mailboxes: list[Mailbox], app_number: int) -> None:
    """Load the rows in the order of arrival: message by message, with all recipients."""
    rows = sorted(
        (message_id, box.user_id, PLATFORM, app_number) for box in mailboxes for message_id in box.message_ids
    )
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(row_per_message.SCHEMA)
        await connection.copy_records_to_table(
            "user_message", columns=["message_id", "user_id", "platform_code", "app_number"], records=rows
        )
        await connection.execute("vacuum analyze user_message")
    finally:
        await connection.close()


async def unread_counts(database_url: str, user_ids: Sequence[str]) -> list[int]:
    """Return the number of unread messages per user."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select user_id, count(*) as unread from user_message"
            " where read_at is null and user_id = any($1::text[]) group by user_id",
            user_ids,
        )
    finally:
        await connection.close()
    counts = {row["user_id"]: row["unread"] for row in rows}
    return [counts.get(user_id, 0) for user_id in user_ids]
