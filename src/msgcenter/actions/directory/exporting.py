"""Writing a platform's directory to files that `importing` reads again without a difference."""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Protocol, TextIO
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.actions.directory.difference import PAGE, StoredOrgs, stored_users
from msgcenter.actions.directory.import_files import COLUMNS, MEMBERS, ORGS, USERS
from msgcenter.database.database import Database
from msgcenter.domain.org_tree import parents_first

OnCount = Callable[[int], None]
"""Is called with the number of users that were written."""


class Writer(Protocol):
    """Writes items of a directory, each with all its fields."""

    def write(self, file: str, item: Mapping[str, object]) -> None:
        """Write an item of the kind that the CSV file of this name has."""


async def export_directory(database: Database, platform_code: str, writer: Writer, on_count: OnCount) -> None:
    """Write a directory as it is now: organisations from the top down, and each user with all memberships.

    Raises UnknownPlatformError.
    """
    platform = await check_platform(database, platform_code)
    async with database.snapshot() as connection:
        stored = await StoredOrgs.read(connection, platform)
        for org_id in parents_first(stored.parents, stored.rows):
            row = stored.rows[org_id]
            item = {"orgId": org_id, "parentId": stored.parents[org_id], "kind": row.kind, "name": row.name}
            writer.write(ORGS, item)
        users = 0
        for cell in platform.all_cells:
            async for user, memberships in stored_users(connection, cell, stored.ids):
                item = {"userId": user.user_id, "name": user.name, "locale": user.locale}
                writer.write(USERS, {**item, "timeZone": user.time_zone, "disabled": user.disabled})
                for org_id, role in sorted(memberships):
                    writer.write(MEMBERS, {"orgId": org_id, "userId": user.user_id, "role": role})
                users += 1
                if users % PAGE == 0:
                    on_count(PAGE)
        on_count(users % PAGE)


_TYPES = {ORGS: "org", USERS: "user", MEMBERS: "member"}


class JsonLines:
    """Writes JSON lines."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, file: str, item: Mapping[str, object]) -> None:
        """Write an item."""
        self._file.write(msgspec.json.encode({"type": _TYPES[file], **item}) + b"\n")


class CsvFiles:
    """Writes CSV files, which begin with a byte order mark, so that Excel recognises UTF-8."""

    def __init__(self, files: Mapping[str, TextIO]) -> None:
        self._writers = {name: csv.DictWriter(file, COLUMNS[name]) for name, file in files.items()}
        for writer in self._writers.values():
            writer.writeheader()

    def write(self, file: str, item: Mapping[str, object]) -> None:
        """Write an item."""
        cells = {name: str(value).lower() if isinstance(value, bool) else value for name, value in item.items()}
        self._writers[file].writerow(cells)


@contextmanager
def open_target(path: Path) -> Iterator[Writer]:
    """Open what the name says: an archive (.zip), a folder of CSV files (without an ending), or else JSON lines.

    Raises ValueError if it cannot be written.
    """
    try:
        if path.suffix.lower() == ".zip":
            with TemporaryDirectory() as folder:
                with _csv_files(Path(folder)) as files:
                    yield files
                with ZipFile(path, "w", ZIP_DEFLATED) as archive:
                    for name in COLUMNS:
                        archive.write(Path(folder) / name, name)
        elif path.is_dir() or not path.suffix:
            path.mkdir(parents=True, exist_ok=True)
            with _csv_files(path) as files:
                yield files
        else:
            with path.open("wb") as file:
                yield JsonLines(file)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def _csv_files(folder: Path) -> Iterator[CsvFiles]:
    with ExitStack() as stack:
        yield CsvFiles(
            {name: stack.enter_context((folder / name).open("w", encoding="utf-8-sig", newline="")) for name in COLUMNS}
        )
