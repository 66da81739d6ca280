"""Files of a directory: JSON lines, or a folder or zip archive with orgs.csv, users.csv and members.csv.

A CSV file is in UTF-8, with or without a byte order mark, or in GB18030, as Excel writes it in China.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, TypeAlias
from zipfile import BadZipFile, ZipFile

import msgspec
from msgspec import UNSET, Struct, UnsetType

from msgcenter.domain.directory_items import Accounts, MemberItem, OrgItem, UserItem
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.struct_rules import refusal_of

if TYPE_CHECKING:
    import _csv

Item: TypeAlias = OrgItem | UserItem | MemberItem
OnBytes: TypeAlias = Callable[[int], None]
"""Is called with the number of bytes that were read."""
_CHUNK = 1 << 20
_SHOWN = 40


class Place(NamedTuple):
    """A line of a file, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class BadLine(NamedTuple):
    """A line that is no item, or cannot be applied, and why. `place` is None for a whole file."""

    place: Place | str
    problem: str


Entry: TypeAlias = tuple[Place, Item] | BadLine


class _OrgLine(OrgItem, frozen=True, tag="org", tag_field="type", forbid_unknown_fields=True):
    pass


class _Accounts(Accounts, frozen=True, forbid_unknown_fields=True):
    pass


class _UserLine(UserItem, frozen=True, tag="user", tag_field="type", forbid_unknown_fields=True):
    accounts: _Accounts | UnsetType = UNSET


class _MemberLine(MemberItem, frozen=True, tag="member", tag_field="type", forbid_unknown_fields=True):
    pass


class _Typed(Struct, frozen=True):
    type: str


_KINDS: Mapping[str, type[Item]] = {"org": _OrgLine, "user": _UserLine, "member": _MemberLine}
_decoder = msgspec.json.Decoder(_OrgLine | _UserLine | _MemberLine)

ACCOUNTS = ("wecom", "dingtalk", "feishu")
ORGS, USERS, MEMBERS = "orgs.csv", "users.csv", "members.csv"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    ORGS: ("orgId", "parentId", "kind", "name"),
    USERS: ("userId", "name", "locale", "timeZone", "disabled", "email", "mobile", *ACCOUNTS),
    MEMBERS: ("orgId", "userId", "role"),
}
"""The CSV files and their headings."""
_REQUIRED: Mapping[str, tuple[str, ...]] = {ORGS: ("orgId",), USERS: ("userId",), MEMBERS: COLUMNS[MEMBERS]}
_ITEMS: Mapping[str, type[Item]] = {ORGS: OrgItem, USERS: UserItem, MEMBERS: MemberItem}


@contextmanager
def open_source(path: Path) -> Iterator["Source"]:
    """Open a file, folder or archive for a `with` block. Raises ValueError if it cannot be read."""
    try:
        if path.is_dir():
            yield _folder(path)
        elif path.suffix.lower() == ".zip":
            with ZipFile(path) as archive:
                yield _archive(path, archive)
        elif path.suffix.lower() == ".csv":
            raise ValueError(f"{path} is one CSV file. Name the folder or the zip archive with {_names()}.")
        else:
            yield Source(path.stat().st_size, {path.name: partial(_open, path)}, is_csv=False)
    except BadZipFile:
        raise ValueError(f"{path} is not a zip archive.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None


class Source(NamedTuple):
    """The files of a directory. `size` is in bytes, as far as they are known by name."""

    size: int
    files: Mapping[str, Callable[[], IO[bytes]]]
    is_csv: bool

    def entries(self, on_bytes: OnBytes) -> Iterator[Entry]:
        """Yield each item of all files, or why a line is none. Organisations come first in CSV files."""
        for name in [name for name in COLUMNS if name in self.files] if self.is_csv else self.files:
            read = _csv_entries if self.is_csv else _json_entries
            with self.files[name]() as file:
                yield from read(name, _Counted(file, on_bytes))


def _names() -> str:
    return f"{ORGS}, {USERS} and {MEMBERS}"


def _folder(path: Path) -> Source:
    files = {name: path / name for name in COLUMNS if (path / name).is_file()}
    if not files:
        raise ValueError(f"{path} has none of {_names()}.")
    size = sum(file.stat().st_size for file in files.values())
    return Source(size, {name: partial(_open, file) for name, file in files.items()}, is_csv=True)


def _archive(path: Path, archive: ZipFile) -> Source:
    files: dict[str, Callable[[], IO[bytes]]] = {}
    size = 0
    for info in archive.infolist():
        *folders, name = info.filename.split("/")
        # Archives that macOS makes have a second file with the same name for each.
        if name not in COLUMNS or "__MACOSX" in folders:
            continue
        if name in files:
            raise ValueError(f"{path} has more than one {name}.")
        files[name] = partial(archive.open, info)
        size += info.file_size
    if not files:
        raise ValueError(f"{path} has none of {_names()}.")
    return Source(size, files, is_csv=True)


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


class _Counted(io.RawIOBase):
    """Reports how much of a file is read."""

    def __init__(self, file: IO[bytes], on_bytes: OnBytes) -> None:
        self._file, self._on_bytes = file, on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._on_bytes(len(data))
        return len(data)

    def rewind(self) -> None:
        """Read from the start again."""
        self._file.seek(0)


# --- JSON lines -------------------------------------------------------------------------------------------------------


def _json_entries(name: str, file: _Counted) -> Iterator[Entry]:
    for number, raw in enumerate(io.BufferedReader(file, _CHUNK), 1):
        line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        if not line.strip():
            continue
        place = Place(name, number)
        try:
            item = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield BadLine(place, _json_problem(line))
            continue
        yield (BadLine(place, "contains the character U+0000") if b"\\u0000" in line else _checked(place, item))


def _json_problem(line: bytes) -> str:
    """Return what is wrong with a line."""
    try:
        kind = msgspec.json.decode(line, type=_Typed).type
    except msgspec.ValidationError:
        return 'must be a JSON object with "type": "org", "user" or "member"'
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        return "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"is not JSON: {error}"
    if kind not in _KINDS:
        return f'type must be "org", "user" or "member", not {_shown(kind)}'
    try:
        msgspec.json.decode(line, type=_KINDS[kind])
    except msgspec.ValidationError as error:
        return _problem(str(error), _KINDS[kind])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"is not JSON: {error}"
    return "is not valid"


def _problem(message: str, kind: type[Struct]) -> str:
    """Return a problem of a field from msgspec's message."""
    if message.startswith("Object contains unknown field"):
        field = message.partition("`")[2].partition("`")[0]
        inner = Accounts if message.endswith("`$.accounts`") else kind
        known = ", ".join(it.encode_name for it in msgspec.structs.fields(inner) if it.encode_name != "deleted")
        return f"unknown field {_shown(field)}; the fields are {known}"
    return _text(refusal_of(message, kind))


def _text(refusal: Refusal) -> str:
    field = refusal.data.get("field")
    if refusal.reason is Reason.FIELD_MISSING:
        return f"{field} is missing"
    rule = refusal.data.get("rule")
    return f"{field} {getattr(rule, 'en', rule)}"


def _checked(place: Place, item: Item) -> Entry:
    """Return an item, or what only its conversion finds."""
    if isinstance(item, MemberItem):
        return place, item
    if item.deleted:
        return BadLine(place, "deleted is not for files; --delete-missing deletes what is not in the file")
    if isinstance(item, UserItem):
        try:
            item.change()
        except Refusal as refusal:
            return BadLine(place, _text(refusal))
    return place, item


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


# --- CSV --------------------------------------------------------------------------------------------------------------


def _csv_entries(name: str, file: _Counted) -> Iterator[Entry]:
    encoding = _encoding(file)
    if encoding is None:
        yield BadLine(name, "is neither UTF-8 nor GB18030")
        return
    file.rewind()
    text = io.TextIOWrapper(io.BufferedReader(file, _CHUNK), encoding=encoding, newline="")
    rows = csv.reader(text, strict=True)
    try:
        yield from _rows(name, rows)
    except csv.Error as error:
        yield BadLine(Place(name, rows.line_num), f"is not CSV: {error}. The lines after it were not checked")


def _encoding(file: _Counted) -> str | None:
    """Return the encoding of a file: all of it can be decoded, or nothing can decode it."""
    decoders = {
        "utf-8-sig": codecs.getincrementaldecoder("utf-8-sig")(),
        "gb18030": codecs.getincrementaldecoder("gb18030")(),
    }
    buffer = bytearray(_CHUNK)
    at_start = True
    while True:
        count = file.readinto(buffer)
        data = bytes(buffer[:count])
        if at_start and data.startswith(codecs.BOM_UTF8):
            del decoders["gb18030"]
        at_start = False
        for encoding in list(decoders):
            try:
                decoders[encoding].decode(data, final=not data)
            except UnicodeDecodeError:
                del decoders[encoding]
        if not data or not decoders:
            return next(iter(decoders), None)


def _rows(name: str, rows: "_csv.Reader") -> Iterator[Entry]:
    headings = [heading.strip() for heading in next(rows, [])]
    if (problem := _heading_problem(name, headings)) is not None:
        yield BadLine(Place(name, 1), problem)
        return
    kind = _ITEMS[name]
    has_flag = "disabled" in headings
    line = rows.line_num
    for cells in rows:
        place, line = Place(name, line + 1), rows.line_num
        if len(cells) != len(headings):
            if any(cell.strip() for cell in cells):
                yield BadLine(place, f"has {len(cells)} cells, and the headings are {len(headings)}")
            continue
        values = {heading: cell.strip() for heading, cell in zip(headings, cells, strict=True)}
        if not any(values.values()):
            continue
        if has_flag and not values["disabled"]:
            values["disabled"] = "false"
        if name == ORGS and not values.get("name", "x"):
            del values["name"]  # a name cannot be cleared
        accounts = {heading: values.pop(heading) for heading in ACCOUNTS if heading in values}
        try:
            item = msgspec.convert({**values, "accounts": accounts} if accounts else values, kind, strict=False)
        except msgspec.ValidationError as error:
            yield BadLine(place, _problem(str(error), kind))
            continue
        yield _checked(place, item)


def _heading_problem(name: str, headings: list[str]) -> str | None:
    known = COLUMNS[name]
    expected = f"The headings are {', '.join(known)}"
    if len(headings) == 1 and any(separator in headings[0] for separator in ";\t"):
        return f"must have its columns separated by commas. {expected}"
    if unknown := [heading for heading in headings if heading not in known]:
        return f"unknown column {', '.join(map(_shown, unknown))}. {expected}"
    if missing := [heading for heading in _REQUIRED[name] if heading not in headings]:
        return f"the column {', '.join(missing)} is missing. {expected}"
    if len(set(headings)) != len(headings):
        return f"a column occurs twice. {expected}"
    return None
