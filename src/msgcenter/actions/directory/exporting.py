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
from msgcenter.actions.directory.import_files import ACCOUNTS, COLUMNS, MEMBERS, ORGS, USERS
from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import CONTACT_KINDS, ContactKind
from msgcenter.domain.channels.sealing import Sealing, contact_binding
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.org_tree import parents_first
from msgcenter.domain.person import Actor
from msgcenter.store import audit
from msgcenter.store.channels.contacts import Contact

OnCount = Callable[[int], None]
"""Is called with the number of users that were written."""


class Writer(Protocol):
    """Writes items of a directory, each with all its fields."""

    def write(self, file: str, item: Mapping[str, object]) -> None:
        """Write an item of the kind that the CSV file of this name has."""


async def export_directory(
    database: Database,
    platform_code: str,
    writer: Writer,
    on_count: OnCount,
    *,
    contacts: Sealing | None = None,
    by: Actor,
) -> None:
    """Write a directory as it is now: organisations from the top down, and each user with all memberships.

    `contacts` opens the contact points, which are written as well then; the audit log says so. Raises
    UnknownPlatformError.
    """
    platform = await check_platform(database, platform_code)
    if contacts is not None:
        async with database.connection() as connection:
            await audit.record(connection, by, "directory.contacts", platform.code, now=now_ms())
    async with database.snapshot() as connection:
        stored = await StoredOrgs.read(connection, platform)
        for org_id in parents_first(stored.parents, stored.rows):
            row = stored.rows[org_id]
            item = {"orgId": org_id, "parentId": stored.parents[org_id], "kind": row.kind, "name": row.name}
            writer.write(ORGS, item)
        users = 0
        for cell in platform.all_cells:
            async for user, memberships, sealed in stored_users(
                connection, cell, stored.ids, contacts=contacts is not None
            ):
                item = {"userId": user.user_id, "name": user.name, "locale": user.locale}
                opened = {} if contacts is None else _opened(contacts, platform.code, user.user_id, sealed)
                writer.write(USERS, {**item, "timeZone": user.time_zone, "disabled": user.disabled, **opened})
                for org_id, role in sorted(memberships):
                    writer.write(MEMBERS, {"orgId": org_id, "userId": user.user_id, "role": role})
                users += 1
                if users % PAGE == 0:
                    on_count(PAGE)
        on_count(users % PAGE)


_TYPES = {ORGS: "org", USERS: "user", MEMBERS: "member"}


def _opened(
    sealing: Sealing, platform_code: str, user_id: str, sealed: Mapping[ContactKind, Contact]
) -> dict[str, str]:
    """Return all contact points of a user; "" for what is unknown, so that an import makes it so."""
    return {
        kind: sealing.open_value("contact", contact_binding(platform_code, user_id, kind), sealed[kind].value_sealed)
        if kind in sealed
        else ""
        for kind in CONTACT_KINDS
    }


class JsonLines:
    """Writes JSON lines."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, file: str, item: Mapping[str, object]) -> None:
        """Write an item."""
        line = {"type": _TYPES[file], **{name: value for name, value in item.items() if name not in ACCOUNTS}}
        if accounts := {name: item[name] for name in ACCOUNTS if name in item}:
            line["accounts"] = accounts
        self._file.write(msgspec.json.encode(line) + b"\n")


class CsvFiles:
    """Writes CSV files, which begin with a byte order mark, so that Excel recognises UTF-8.

    Without `contacts`, there are no columns of them: an empty cell would remove what is known.
    """

    def __init__(self, files: Mapping[str, TextIO], *, contacts: bool) -> None:
        self._writers = {
            name: csv.DictWriter(file, [it for it in COLUMNS[name] if contacts or it not in CONTACT_KINDS])
            for name, file in files.items()
        }
        for writer in self._writers.values():
            writer.writeheader()

    def write(self, file: str, item: Mapping[str, object]) -> None:
        """Write an item."""
        cells = {name: str(value).lower() if isinstance(value, bool) else value for name, value in item.items()}
        self._writers[file].writerow(cells)


@contextmanager
def open_target(path: Path, *, contacts: bool) -> Iterator[Writer]:
    """Open what the name says: an archive (.zip), a folder of CSV files (without an ending), or else JSON lines.

    `contacts`: there are contact points in it. Raises ValueError if it cannot be written.
    """
    try:
        if path.suffix.lower() == ".zip":
            with TemporaryDirectory() as folder:
                with _csv_files(Path(folder), contacts=contacts) as files:
                    yield files
                with ZipFile(path, "w", ZIP_DEFLATED) as archive:
                    for name in COLUMNS:
                        archive.write(Path(folder) / name, name)
        elif path.is_dir() or not path.suffix:
            path.mkdir(parents=True, exist_ok=True)
            with _csv_files(path, contacts=contacts) as files:
                yield files
        else:
            with path.open("wb") as file:
                yield JsonLines(file)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def _csv_files(folder: Path, *, contacts: bool) -> Iterator[CsvFiles]:
    with ExitStack() as stack:
        yield CsvFiles(
            {
                name: stack.enter_context((folder / name).open("w", encoding="utf-8-sig", newline=""))
                for name in COLUMNS
            },
            contacts=contacts,
        )
