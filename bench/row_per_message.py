"""The yardstick: modMsgStatus over a row for each user and message, one transaction for each call.

This is how message centres usually store read states (a primary key, and a partial index on what is unread), served
with the same tools as the product: Starlette, msgspec, uvicorn with uvloop and httptools, asyncpg. It has neither pages
nor group commit, and otherwise leaves nothing undone that makes it fast: prepared statements, ten pooled connections
without the round trip that resets them, one statement for each call, no look-up of the token in the database.

It reads YARDSTICK_DATABASE_URL and YARDSTICK_TOKEN from its environment.
"""

import argparse
import gc
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import asyncpg
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.supervisors import Multiprocess

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

SCHEMA = """
create table user_message (
  user_id    text collate "C" not null,
  message_id bigint not null,
  read_at    bigint,
  primary key (user_id, message_id)
);
create index user_message_unread on user_message (user_id, message_id) where read_at is null;
"""
_SET_READ = (
    "update user_message set read_at = $3 where user_id = $1 and message_id = any($2::bigint[]) and read_at is null"
)
_SET_UNREAD = (
    "update user_message set read_at = null"
    " where user_id = $1 and message_id = any($2::bigint[]) and read_at is not null"
)
_KNOWN = "select message_id from user_message where user_id = $1 and message_id = any($2::bigint[])"

_SUCCESS = '{"retCode":"000000","retDesc":"操作成功"}'.encode()
_NOT_FOUND = '{"retCode":"300001","retDesc":"消息不存在"}'.encode()
_BAD_REQUEST = '{"retCode":"100003","retDesc":"请求有误"}'.encode()
_NO_TOKEN = '{"retCode":"200002","retDesc":"accessToken无效"}'.encode()


class _ModMsgStatus(msgspec.Struct, rename="camel"):
    publisher_id: str
    msg_id: list[str | int]
    is_read: Literal[0, 1, "0", "1"] = 1


_decoder = msgspec.json.Decoder(_ModMsgStatus)


async def _mod_msg_status(request: Request) -> Response:
    digest = hashlib.sha256(request.query_params.get("accessToken", "").encode()).digest()
    if request.app.state.tokens.get(digest, 0) < time.time():
        return _json(_NO_TOKEN)
    try:
        asked = _decoder.decode(await request.body())
        ids = list(dict.fromkeys(map(int, asked.msg_id)))
    except ValueError:
        return _json(_BAD_REQUEST)
    if not 1 <= len(ids) <= 50:
        return _json(_BAD_REQUEST)
    async with request.app.state.pool.acquire() as connection:
        unknown = await _set_status(connection, asked.publisher_id, ids, is_read=int(asked.is_read) == 1)
    if not unknown:
        return _json(_SUCCESS)
    if len(unknown) == len(ids):
        return _json(_NOT_FOUND)
    return _json(_SUCCESS[:-1] + b',"invalidMsgId":' + msgspec.json.encode([str(i) for i in unknown]) + b"}")


async def _set_status(
    connection: "PoolConnectionProxy[asyncpg.Record]", user_id: str, ids: list[int], *, is_read: bool
) -> list[int]:
    """Set the status; return the ids that the user does not have."""
    if is_read:
        done = await connection.execute(_SET_READ, user_id, ids, time.time_ns() // 1_000_000)
    else:
        done = await connection.execute(_SET_UNREAD, user_id, ids)
    if int(done.removeprefix("UPDATE ")) == len(ids):
        return []
    known = {row[0] for row in await connection.fetch(_KNOWN, user_id, ids)}
    return [i for i in ids if i not in known]


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


async def _ready(_: Request) -> Response:
    return _json(b'{"status":"ok"}')


async def _no_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Spare the round trip: nothing here leaves a trace in its session."""


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    digest = hashlib.sha256(os.environ["YARDSTICK_TOKEN"].encode()).digest()
    app.state.tokens = {digest: time.time() + 86_400}
    url = os.environ["YARDSTICK_DATABASE_URL"]
    async with asyncpg.create_pool(url, min_size=10, max_size=10, reset=_no_reset) as pool:
        app.state.pool = pool
        # What was made so far stays, so full collections need not look through it again and again.
        gc.collect()
        gc.freeze()
        yield


app = Starlette(
    routes=[
        Route("/msgCenter/message/modMsgStatus", _mod_msg_status, methods=["POST"]),
        Route("/readyz", _ready),
    ],
    lifespan=_lifespan,
)


def main() -> None:
    """Serve on a free port of this machine and print its address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=1)
    workers: int = parser.parse_args().workers
    config = uvicorn.Config(
        "bench.row_per_message:app",
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
