"""The processes of one server exchange their counters, so that any of them can answer for all.

Each process has a worker number (0, 1, …), which it locks with a file as long as it lives, and a socket of that number
in a folder that only their user may enter. A process that takes the number of a dead one counts from 0 again, as
Prometheus expects of a counter.
"""

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from msgcenter.monitor.snapshot import Process, Snapshot

_log = structlog.get_logger(__name__)
_MAX_WORKERS = 256
_ANSWER_SECONDS = 1.0
_decoder = msgspec.json.Decoder(Snapshot)


class Peers:
    """This process among those that share `folder`; alone if it is None. Use as an async context manager."""

    def __init__(self, process: Process, folder: Path | None) -> None:
        self._process = process
        self._folder = folder
        self._server: asyncio.Server | None = None
        self._lock: int | None = None

    async def __aenter__(self) -> Self:
        if self._folder is not None:
            self._process.worker = self._lock_number(self._folder)
            path = self._socket(self._folder, self._process.worker)
            path.unlink(missing_ok=True)  # left by a dead process
            self._server = await asyncio.start_unix_server(self._answer, path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        if self._lock is not None:
            os.close(self._lock)

    def _lock_number(self, folder: Path) -> int:
        for number in range(_MAX_WORKERS):
            lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            self._lock = lock
            return number
        raise RuntimeError(f"there are {_MAX_WORKERS} processes already")

    @staticmethod
    def _socket(folder: Path, number: int) -> Path:
        return folder / f"{number}.sock"

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(msgspec.json.encode(self._process.snapshot()))
            await writer.drain()
        writer.close()

    async def snapshots(self) -> list[Snapshot]:
        """Return snapshots of all processes by worker number. One that does not answer in a second is left out."""
        own = self._process.snapshot()
        if self._folder is None:
            return [own]
        own_socket = self._socket(self._folder, own.worker)
        others = [path for path in self._folder.glob("*.sock") if path != own_socket]
        answers = await asyncio.gather(*(_snapshot_from(path) for path in others))
        snapshots = [own, *(snapshot for snapshot in answers if snapshot is not None)]
        return sorted(snapshots, key=lambda snapshot: snapshot.worker)


async def _snapshot_from(path: Path) -> Snapshot | None:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return _decoder.decode(await reader.read())
            finally:
                writer.close()
    except (OSError, TimeoutError, msgspec.DecodeError) as error:
        # The socket of a dead process stays until its number is taken again; a live process may be very busy.
        _log.debug("another process does not answer", worker=path.stem, reason=repr(error))
        return None
