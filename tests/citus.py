"""Databases for tests on a Citus: `make test DATABASE_URL=postgresql://…` with the coordinator of a cluster.

A new database is one on each node. The database of that URL has the extension and names the workers; its user is a
superuser on each of them.
"""

import asyncio
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from msgcenter.database.citus import has_extension, set_up_workers
from msgcenter.database.database import Connection

SHARDS = 4
_SECONDS = 60
_SERVER = "MSGCENTER_TEST_DATABASE_URL"
_LOCK = 0x6D73_6764
"""The key of the advisory lock, in the database of the URL, under which nodes are added."""


@functools.cache
def is_on() -> bool:
    """Return whether the tests run on a Citus."""
    url = os.environ.get(_SERVER)
    with ThreadPoolExecutor(1) as thread:
        return url is not None and thread.submit(asyncio.run, _has_extension(url)).result()


async def _has_extension(url: str) -> bool:
    with suppress(OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await has_extension(connection)
        finally:
            await connection.close()
    return False


one_server = pytest.mark.skipif(is_on(), reason="looks at the only PostgreSQL there is")
"""Marks a test that looks at what statements do inside the server, or of a statement that reads tables of two nodes."""


@functools.cache
def _worker() -> str:
    """Return host and port of a worker, with the user."""
    with ThreadPoolExecutor(1) as thread:
        return urlsplit(thread.submit(asyncio.run, _nodes(os.environ[_SERVER])).result()[1]).netloc


def worker_url(url: str) -> str:
    """Return the URL of a worker of the database at `url`."""
    return urlunsplit(urlsplit(url)._replace(netloc=_worker()))


def servers_use_worker() -> bool:
    """Return whether servers use a worker for statements about one cell: MSGCENTER_TEST_CITUS_NODE=on."""
    return is_on() and os.environ.get("MSGCENTER_TEST_CITUS_NODE") == "on"


def server_settings(url: str) -> dict[str, str]:
    """Return what the environment of a server on the database at `url` has besides its URL."""
    settings = {"MSGCENTER_CITUS": "on", "MSGCENTER_CITUS_SHARDS": str(SHARDS)}
    if servers_use_worker():
        settings["MSGCENTER_CITUS_NODE_URL"] = worker_url(url)
    return settings


async def on_any_node(connection: Connection, condition: str) -> bool:
    """Return whether a condition (`exists (select from pg_stat_activity …)`) holds on the server, or on any node."""
    if not is_on():
        return bool(await connection.fetchval(f"select {condition}"))
    nodes = await connection.fetch("select success, result from run_command_on_all_nodes($1)", f"select {condition}")
    assert all(node["success"] for node in nodes), nodes
    return any(node["result"] == "t" for node in nodes)


async def shards_of(connection: Connection, cells: range) -> dict[int, int]:
    """Return the shards that have the messages of these cells."""
    rows = await connection.fetch(
        "select cell, get_shard_id_for_distribution_column('message', cell) as shard from unnest($1::int[]) as cell",
        list(cells),
    )
    return {row["cell"]: row["shard"] for row in rows}


async def create_database(url: str, name: str, template: str | None) -> None:
    """Create a database on each node: a copy of `template`, or empty but for the extension and the nodes."""
    nodes = await _nodes(url)
    await asyncio.gather(*(_create(node, name, template) for node in nodes))
    if template is None:
        await _add_nodes(nodes, name)
        return
    connection = await asyncpg.connect(_database(nodes[0], name))
    try:
        await set_up_workers(connection)  # a copy of a database lacks its settings of roles
    finally:
        await connection.close()


async def _add_nodes(nodes: list[str], name: str) -> None:
    """Make the nodes of a new database a cluster. One at a time: Citus also changes the roles of the servers."""
    lock = await asyncpg.connect(nodes[0])
    connection = await asyncpg.connect(_database(nodes[0], name))
    try:
        await lock.execute("select pg_advisory_lock($1)", _LOCK)
        address = urlsplit(nodes[0])
        await connection.execute("select citus_set_coordinator_host($1, $2)", address.hostname, address.port)
        for node in nodes[1:]:
            address = urlsplit(node)
            await connection.execute("select citus_add_node($1, $2)", address.hostname, address.port)
    finally:
        await connection.close()
        await lock.close()


async def drop_database(url: str, name: str) -> None:
    """Drop a database on each node, even with open connections."""
    await asyncio.gather(*(_drop(node, name) for node in await _nodes(url)))


async def _drop(node: str, name: str) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:  # a session may take long to end, and leave a prepared transaction
            with suppress(asyncpg.ObjectInUseError):
                return await _execute(node, f"drop database {name} with (force)")
            await _roll_back_prepared(_database(node, name))


async def _roll_back_prepared(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for row in await connection.fetch("select gid from pg_prepared_xacts where database = current_database()"):
            await connection.execute(f"rollback prepared '{row['gid']}'")
    finally:
        await connection.close()


async def _nodes(url: str) -> list[str]:
    """Return the URLs of the coordinator and of the workers."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select nodename, nodeport from pg_dist_node where groupid > 0 order by nodeid")
    finally:
        await connection.close()
    user = urlsplit(url).netloc.rpartition("@")[0]
    return [url, *(urlunsplit(urlsplit(url)._replace(netloc=f"{user}@{host}:{port}")) for host, port in rows)]


async def _create(node: str, name: str, template: str | None) -> None:
    if template is None:
        await _execute(node, f"create database {name} template template0")
        await _execute(_database(node, name), "create extension citus")
        return None
    async with asyncio.timeout(_SECONDS):
        while True:  # the maintenance process of Citus in the template keeps it from being copied, and starts again
            await _execute(
                node, "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", template
            )
            with suppress(asyncpg.ObjectInUseError):
                return await _execute(node, f"create database {name} template {template} strategy file_copy")


def _database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
