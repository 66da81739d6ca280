"""The yardstick: modMsgStatus with one row per user and message, and one transaction per call.

Message centres usually store read states this way, with a primary key and a partial index on unread rows. The call is
the product's own, with its gateway, decoding, limits and answers, but without mailbox pages and group commit: each call
looks up its token and updates its rows, with prepared statements on ten pooled connections without session reset.

It reads MSGCENTER_DATABASE_URL and MSGCENTER_SECRET_KEY, as the product does.
"""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from starlette.routing import Route, Router
from uvicorn.supervisors import Multiprocess

from msgcenter.actions.apps.key_ring import token_digest
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.application.lifespan import tune_gc
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.api_calls import ENDPOINTS
from msgcenter.gateway.call_actions import CallActions
from msgcenter.gateway.endpoint import EndpointApp, Gateway, PlainApp
from msgcenter.gateway.health import healthz
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.messaging.set_status import MissingIds
from msgcenter.store.apps.tokens import find_tokens

SCHEMA = """
create table user_message (
  user_id       text collate "C" not null,
  platform_code text collate "C" not null,
  message_id    bigint not null,
  app_number    int not null,
  read_at       bigint,
  primary key (user_id, platform_code, message_id)
);
create index user_message_unread on user_message (user_id, platform_code, message_id) where read_at is null;
"""
_OURS = " where user_id = $1 and platform_code = $2 and message_id = any($3::bigint[]) and app_number = $4"
_SET_READ = f"update user_message set read_at = $5{_OURS} and read_at is null"  # noqa: S608
_SET_UNREAD = f"update user_message set read_at = null{_OURS} and read_at is not null"  # noqa: S608
_KNOWN = f"select message_id from user_message{_OURS}"  # noqa: S608
PATH = ENDPOINTS[0].path


class RowStatuses:
    """Replaces `Statuses`: one update of rows per call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_status(
        self, app: App, user_id: str, message_ids: frozenset[int], *, read: bool, platform_code: str | None = None
    ) -> MissingIds:
        """Set the rows read or unread; return the ids that the user does not have."""
        rows = (user_id, app.platform_for(platform_code).code, list(message_ids), app.number)

        async def write(connection: Connection) -> MissingIds:
            if read:
                result = await connection.execute(_SET_READ, *rows, time.time_ns() // 1_000_000)
            else:
                result = await connection.execute(_SET_UNREAD, *rows)
            if int(result.removeprefix("UPDATE ")) == len(message_ids):
                return frozenset()
            return message_ids - {row[0] for row in await connection.fetch(_KNOWN, *rows)}

        return await self._database.in_autocommit(write)


class SingleTokens:
    """Replaces `Tokens`: one query per call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recent(self, _: str) -> None:
        """Return that nothing is known of a token."""

    async def authenticate(self, token: str) -> App:
        """Return the app that a token belongs to."""
        digest = token_digest(token)
        async with self._database.connection() as connection:
            tokens = await find_tokens(connection, [digest], time.time_ns() // 1_000_000)
        if digest not in tokens:
            raise Refusal(Reason.TOKEN_UNKNOWN)
        return tokens[digest].app


def application() -> Router:
    """Return the ASGI application."""
    database = Database(os.environ["MSGCENTER_DATABASE_URL"], connections=10)
    unused = cast(Any, None)
    actions = CallActions(
        statuses=cast(Statuses, RowStatuses(database)),
        sending=unused,
        message_statuses=unused,
        user_tokens=unused,
        webhooks=unused,
        webhook_deliveries=unused,
        sent_messages=unused,
        topics=unused,
        directory_changes=unused,
        directory_reads=unused,
    )
    gateway = Gateway(cast(Tokens, SingleTokens(database)), RateLimit(1_000_000))

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with database:
            await asyncio.gather(*(_warm_up(database) for _ in range(10)))
            tune_gc()
            yield

    routes = [
        Route(PATH, EndpointApp(gateway, PATH, ENDPOINTS[0].responder(actions))),
        Route("/readyz", PlainApp(healthz)),
    ]
    return Router(routes, lifespan=lifespan)


async def _warm_up(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("select pg_sleep(0.05)")


def main() -> None:
    """Serve on a free port of this machine and print its address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=1)
    workers: int = parser.parse_args().workers
    config = uvicorn.Config(
        "bench.row_per_message:application",
        factory=True,
        port=0,
        workers=workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        backlog=2_048,
    )
    listener = config.bind_socket()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    if workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
