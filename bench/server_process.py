"""Server processes: start, wait until ready, measure and stop."""

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
_START_SECONDS = 120
_STOP_SECONDS = 15
_MIB = 1 << 20


class ServerError(Exception):
    """A server did not start or a command failed. The text is what it printed."""


@dataclass(frozen=True)
class Server:
    """A server on this machine."""

    process_id: int
    port: int
    workers: int
    host: str = "127.0.0.1"

    @property
    def base_url(self) -> str:
        """The URL of the server."""
        return f"http://{self.host}:{self.port}"

    def worker_rss_mib(self) -> list[float]:
        """Return the resident memory of each worker process, largest first.

        Python's helper processes are smaller than any worker and left out.
        """
        sizes = sorted((process.memory_info().rss / _MIB for process in self._processes()), reverse=True)
        return sizes[: self.workers]

    def processor_seconds(self) -> float:
        """Return the processor time that the server's processes have used so far."""
        times = [process.cpu_times() for process in self._processes()]
        return sum(process_times.user + process_times.system for process_times in times)

    def _processes(self) -> list[psutil.Process]:
        process = psutil.Process(self.process_id)
        return [process, *process.children(recursive=True)]


@asynccontextmanager
async def serving(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, workers: int
) -> AsyncIterator[Server]:
    """Run a server that prints its address, wait until it is ready, and stop it at the end."""
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
                address = _ADDRESS.search(_text(log))
                if address and await _answers(client, f"{address[0]}/readyz"):
                    return Server(process.pid, int(address[1]), workers)
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
    """Run a command and return its output. Raises ServerError if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise ServerError(f"{' '.join(command)} failed:\n{errors.decode(errors='replace')[-2000:]}")
    return output.decode()


def program(name: str) -> str:
    """Return the path of a program in this Python environment."""
    return str(Path(sys.executable).with_name(name))
