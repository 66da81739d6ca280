"""The product as an operator runs it, with one app and its own database."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.api import Api
from bench.server_process import program, serving
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.database.citus import diagnose_citus
from msgcenter.database.database import Database
from msgcenter.database.migrate import migrate

PLATFORM = "420100"
_DAY_SECONDS = 86_400
_NO_LIMIT = "1000000"
_SHARDS = 32


class RegisteredApp(NamedTuple):
    """An app and a token that is valid for a day."""

    number: int
    token: str


async def registered_app(database_url: str, secret_key: str) -> RegisteredApp:
    """Create the product's tables in an empty database and register an app in them. Citus distributes the tables."""
    citus = await diagnose_citus(database_url) is not None
    await migrate(database_url, citus_shards=_SHARDS if citus else None)
    async with Database(database_url, citus=citus, connections=2) as database:
        keys = KeyRing(secret_key)
        app, app_key = await Apps(database, keys).create("Bench", PLATFORM)
        tokens = Tokens(database, keys, ttl=_DAY_SECONDS, clock_window=600, waiting_limit=10)
        return RegisteredApp(app.number, (await tokens.issue_for_secret(app.app_id, app_key)).token)


@asynccontextmanager
async def product(database_url: str, folder: Path, *, workers: int, **settings: str) -> AsyncIterator[Api]:
    """Serve the product on an empty database. The names of `settings` lack MSGCENTER_."""
    secret_key = settings.get("SECRET_KEY") or secrets.token_hex(32)
    app = await registered_app(database_url, secret_key)
    environment = {
        **os.environ,
        "MSGCENTER_DATABASE_URL": database_url,
        "MSGCENTER_CITUS": "off" if await diagnose_citus(database_url) is None else "on",
        "MSGCENTER_DATA_DIR": str(folder),
        "MSGCENTER_SECRET_KEY": secret_key,
        "MSGCENTER_RATE_LIMIT": _NO_LIMIT,
        "MSGCENTER_USER_RATE_LIMIT": _NO_LIMIT,
        "MSGCENTER_USER_TOKEN_TTL": str(_DAY_SECONDS),
        **{f"MSGCENTER_{name}": value for name, value in settings.items()},
    }
    serve = [program("msgcenter"), "serve", "--host", "127.0.0.1", "--port", "0", "--workers", str(workers)]
    log = folder / f"{urlsplit(database_url).path.strip('/')}.log"
    async with serving(serve, environment, log, workers=workers) as server:
        yield Api(server, app.token)
