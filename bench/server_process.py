"""A server under load: started, awaited, weighed and stopped."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_START_SECONDS = 30
_STOP_SECONDS = 15
_MIB = 1 << 20


class ServerError(Exception):
    """A server did not start, or a command of it failed; the text says what it printed."""


@dataclass(frozen=True)
class Server:
    """A server that listens on this machine."""

    process_id: int
    port: int
    workers: int
    host: str = "127.0.0.1"

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def worker_rss_mib(self) -> list[float]:
        """Return the resident memory of each worker process, the largest first.

        Python's helper processes beside the workers are smaller than any of them and left out.
        """
        sizes = sorted((member.memory_info().rss / _MIB for member in self._processes()), reverse=True)
        return sizes[: self.workers]

    def processor_seconds(self) -> float:
        """Return what its processes have used of the machine's cores so far."""
        times = [member.cpu_times() for member in self._processes()]
        return sum(taken.user + taken.system for taken in times)

    def _processes(self) -> list[psutil.Process]:
        process = psutil.Process(self.process_id)
        return [process, *process.children(recursive=True)]


@asynccontextmanager
async def serving(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, workers: int
) -> AsyncIterator[Server]:
    """Run a server that prints its address, from when it is ready until the end of the `async with`."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield await _ready(process, log, workers)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process, log: Path, workers: int) -> Server:
    with suppress(TimeoutError):
        async with asyncio.timeout(_START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while process.returncode is None:
                found = _ADDRESS.search(_text(log))
                if found and await _answers(client, f"{found[0]}/readyz"):
                    return Server(process.pid, int(found[1]), workers)
                await asyncio.sleep(0.1)
    raise ServerError(f"the server is not ready; it printed:\n{_text(log)[-2000:]}")


def _text(log: Path) -> str:
    return log.read_text(errors="replace")


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def output_of(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command to its end and return what it printed. Raises ServerError if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise ServerError(f"{' '.join(command)} failed:\n{errors.decode(errors='replace')[-2000:]}")
    return output.decode()


def program(name: str) -> str:
    """Return the path of a program of the environment that runs this one."""
    return str(Path(sys.executable).with_name(name))
