"""How a connection to PostgreSQL is opened: session settings, and how it notices a lost server."""

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

STATEMENT_SECONDS = 30
"""Longest time that a statement may run."""
BATCH_LOCK_MS = 300
"""How long a statement waits for a locked row, unless its transaction says otherwise."""
_KEEPALIVE_IDLE_SECONDS = 5
_KEEPALIVE_INTERVAL_SECONDS = 2
_KEEPALIVE_COUNT = 3
_TCP_USER_MS = 11_000

KEEPALIVE = {
    "tcp_keepalives_idle": f"{_KEEPALIVE_IDLE_SECONDS}",
    "tcp_keepalives_interval": f"{_KEEPALIVE_INTERVAL_SECONDS}",
    "tcp_keepalives_count": f"{_KEEPALIVE_COUNT}",
    "tcp_user_timeout": f"{_TCP_USER_MS}",
}
"""Session settings that make PostgreSQL drop a client after about 11 seconds without network. They have no effect on a
Unix socket."""

NAME = {"application_name": "msgcenter", "timezone": "UTC"}
"""Session settings of which a connection pooler keeps account for each of its clients."""

STATEMENT_SETTINGS = {
    "jit": "off",
    # Rows must be locked in primary-key order, which is the order of the parameters. A nested loop over the key keeps
    # that order; a hash or merge join would not. Every statement is meant to be a handful of index probes.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
    # A process that freezes inside a transaction keeps its locks no longer than this.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": f"{BATCH_LOCK_MS}ms",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
}
"""Session settings that statements rely on."""

_CATALOG_SETTINGS = {
    # Hiding its shards makes each look into the catalog slow.
    "citus.override_table_visibility": "off",
}
_CITUS_SETTINGS = {
    # Citus routes a statement by the values of its parameters, which a generic plan does not know.
    "plan_cache_mode": "auto",
    # A `set local` of a transaction also holds on the worker nodes.
    "citus.propagate_set_commands": "local",
    **_CATALOG_SETTINGS,
}
WORKER_SETTINGS = {
    name: value
    for name, value in STATEMENT_SETTINGS.items()
    if name.startswith("enable_") or name in {"jit", "lock_timeout"}
}
"""Those that the sessions of Citus on its worker nodes need, too."""


def statement_settings(*, citus: bool = False) -> dict[str, str]:
    """Return the session settings that statements rely on, on plain PostgreSQL or on Citus."""
    return {**STATEMENT_SETTINGS, **_CITUS_SETTINGS} if citus else STATEMENT_SETTINGS


def session_settings(*, citus: bool = False) -> dict[str, str]:
    """Return the session settings of every connection in the pool.

    Behind a connection pooler, the role has them (`pooler`).
    """
    return {**NAME, **statement_settings(citus=citus), **KEEPALIVE}


UNLIMITED = {"lock_timeout": "0", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
"""Session settings of connections for work that may wait, whatever the role's settings are."""


def unlimited_settings(*, citus: bool = False) -> dict[str, str]:
    """Return the session settings of connections for work that may wait, on plain PostgreSQL or on Citus."""
    return {**KEEPALIVE, **UNLIMITED, **_CATALOG_SETTINGS} if citus else {**KEEPALIVE, **UNLIMITED}


if TYPE_CHECKING:
    _Base: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    _Base = asyncpg.Connection  # generic for the type checker only


class LastingConnection(_Base):
    """A connection that fails within seconds when the network has lost its server. Pass it as `connection_class`."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *args: Any, **kwargs: Any) -> None:
        super().__init__(protocol, transport, *args, **kwargs)
        _set_keepalive(transport)


def _set_keepalive(transport: asyncio.Transport) -> None:
    connection_socket = transport.get_extra_info("socket")
    if connection_socket is None or connection_socket.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    # The event loop's socket object forbids setting options, so set them through a duplicate of its descriptor.
    with socket.socket(fileno=os.dup(connection_socket.fileno())) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_SECONDS),
            ("TCP_KEEPINTVL", _KEEPALIVE_INTERVAL_SECONDS),
            ("TCP_KEEPCNT", _KEEPALIVE_COUNT),
            ("TCP_USER_TIMEOUT", _TCP_USER_MS),
        ):
            if (option := getattr(socket, name, None)) is not None:  # some systems lack some of them
                duplicate.setsockopt(socket.IPPROTO_TCP, option, value)
