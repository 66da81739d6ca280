"""How to speak to Redis: short time-outs, no repeats, and the facts about a server for `msgcenter doctor`."""

import asyncio
import time
from typing import NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

FAILURES = (RedisError, OSError, TimeoutError)
"""Errors that mean: Redis cannot be used now."""
MINIMUM_VERSION = 7
"""The oldest major version of Redis; it is the first with sharded pub/sub. Every Valkey has it."""
_CONNECT_SECONDS = 2.0
_DIAGNOSIS_SECONDS = 2.0


def redis_client(url: str, *, connections: int) -> Redis:
    """Return a client that connects when it is used and repeats nothing. It has no time-out: use `asyncio.timeout`.

    The client's own time-out starts a task for each command, and on Python 3.11 may swallow a cancellation.
    """
    client: Redis = Redis.from_url(
        url,
        # The driver's handshake of protocol 3 asks for things of which this product uses none.
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=_CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=connections,
        client_name="msgcenter",
    )
    return client


class RedisFacts(NamedTuple):
    """What a server is (Redis or Valkey), and in how many seconds it answers."""

    name: str
    version: str
    is_cluster: bool
    seconds: float

    @property
    def is_too_old(self) -> bool:
        """Whether it lacks sharded pub/sub."""
        return self.name == "Redis" and int(self.version.partition(".")[0]) < MINIMUM_VERSION


async def diagnose_redis(url: str) -> RedisFacts:
    """Return the facts about the server at `url`. Raises one of FAILURES, or ValueError for an invalid URL."""
    client = redis_client(url, connections=1)
    try:
        async with asyncio.timeout(_DIAGNOSIS_SECONDS):
            info = await client.info("server")
            began = time.perf_counter()
            await client.ping()
            seconds = time.perf_counter() - began
    finally:
        await client.aclose()
    name = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    version = str(info["valkey_version" if name == "Valkey" else "redis_version"])
    return RedisFacts(name, version, info.get("redis_mode") == "cluster", seconds)
