"""The product as an operator runs it, with one app and its own database."""

import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from bench.api import AnswerError, Api
from bench.server_process import output_of, program, serving
from msgcenter_client import key_info

PLATFORM = "420100"


class _App(msgspec.Struct, rename="camel"):
    app_id: str
    app_key: str


class _TokenInfo(msgspec.Struct, rename="camel"):
    access_token: str


class _TokenAnswer(msgspec.Struct, rename="camel"):
    token_info: _TokenInfo


@asynccontextmanager
async def product(database_url: str, folder: Path, *, workers: int, **settings: str) -> AsyncIterator[Api]:
    """Serve the product on an empty database. The names of `settings` lack MSGCENTER_."""
    environment = {
        **os.environ,
        "MSGCENTER_DATABASE_URL": database_url,
        "MSGCENTER_DATA_DIR": str(folder),
        "MSGCENTER_SECRET_KEY": secrets.token_hex(32),
        "MSGCENTER_RATE_LIMIT": "1000000",
        **{f"MSGCENTER_{name}": value for name, value in settings.items()},
    }
    command = program("msgcenter")
    await output_of([command, "migrate"], environment)
    created = await output_of(
        [command, "app", "create", "--name", "Bench", "--platform", PLATFORM, "--json"], environment
    )
    app = msgspec.json.decode(created, type=_App)
    serve = [command, "serve", "--host", "127.0.0.1", "--port", "0", "--workers", str(workers)]
    async with serving(
        serve, environment, folder / f"{urlsplit(database_url).path.strip('/')}.log", workers=workers
    ) as server:
        yield Api(server, await _access_token(server.base_url, app))


async def _access_token(base_url: str, app: _App) -> str:
    now_ms = time.time_ns() // 1_000_000
    body = {"appId": app.app_id, "timeStamp": now_ms, "keyInfo": key_info(app.app_id, app.app_key, now_ms)}
    async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
        answer = await client.post("/apigateway/getAccessToken", json=body)
    try:
        return msgspec.json.decode(answer.content, type=_TokenAnswer).token_info.access_token
    except msgspec.DecodeError as error:
        raise AnswerError(f"no token in the answer: {answer.text}") from error
