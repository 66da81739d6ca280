"""The limit on open files and sockets (`ulimit -n`), and the number of connections that fit into it."""

import resource

from msgcenter.cli.server.http_edge import CLOSING_LIMIT
from msgcenter.settings import Settings

_RESERVE = 200
"""Files for database connections outside the pool, webhooks, logs, libraries and the event loop."""
_MIN_CONNECTIONS = 16


def files_needed(settings: Settings) -> int:
    """Return the number of open files of a server process with all the connections that its settings allow."""
    return settings.connection_limit + _other_files(settings)


def _other_files(settings: Settings) -> int:
    return CLOSING_LIMIT + settings.database_connections + _RESERVE


def files_allowed(needed: int, *, raise_limit: bool) -> int:
    """Return the number of files that this process may open, at most `needed`.

    `raise_limit`: raise the soft limit for this process and its children. The hard limit is the operator's decision.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, maximum = (needed if limit == resource.RLIM_INFINITY else min(needed, limit) for limit in (soft, hard))
    if raise_limit and soft < maximum:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, hard))
        except (OSError, ValueError):
            return soft
    return maximum


def connections_that_fit(settings: Settings, files: int) -> int:
    """Return the number of connections that a server process with this many files can accept."""
    return max(_MIN_CONNECTIONS, min(settings.connection_limit, files - _other_files(settings)))
