"""Runs plans in the load client, a process of its own."""

import asyncio
import sys

import msgspec

from bench.load_client import LoadError, Outcome, Plan


async def run(plan: Plan) -> Outcome:
    """Run a plan in its own process. Raises LoadError."""
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load_client"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await client.communicate(msgspec.msgpack.encode(plan))
    if client.returncode != 0:
        raise LoadError(f"the load client exited with code {client.returncode}")
    return msgspec.msgpack.decode(answer, type=Outcome)
