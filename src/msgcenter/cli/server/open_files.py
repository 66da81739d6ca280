"""The files and sockets that a process may have open (`ulimit -n`), and the connections that fit into it."""

import resource

from msgcenter.cli.server.http_edge import PARTING_LIMIT
from msgcenter.settings import Settings

_OTHERS = 200
"""Room for the connections to the database beyond the pool, webhooks, logs, libraries and the event loop."""
_FEWEST = 16


def files_needed(settings: Settings) -> int:
    """Return how many files a server process has open when it has all the connections that its settings allow."""
    return settings.connection_limit + _besides_connections(settings)


def _besides_connections(settings: Settings) -> int:
    return PARTING_LIMIT + settings.database_connections + _OTHERS


def files_allowed(wanted: int, *, is_raised: bool) -> int:
    """Return how many files this process may open, at most `wanted`; `is_raised`: raise the soft limit as far as that.

    A server raises it for itself and the processes that it starts. The hard limit is the operator's word.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, most = (wanted if limit == resource.RLIM_INFINITY else min(wanted, limit) for limit in (soft, hard))
    if is_raised and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):
            return soft
    return most


def connections_that_fit(settings: Settings, files: int) -> int:
    """Return how many connections a server process can take that may open so many files."""
    return max(_FEWEST, min(settings.connection_limit, files - _besides_connections(settings)))
