"""A list of user ids as a file: one to a line, UTF-8."""

import shutil
import sys
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from msgcenter.domain.identifiers import has_control_characters, is_user_id
from msgcenter.domain.message import MAX_USER_ID

_NAMED = 10
_SHOWN_CHARACTERS = 40


class BadLine(NamedTuple):
    """A line that holds no user id, and why not."""

    number: int
    problem: str


class Findings(NamedTuple):
    """What is in a list; only the first bad lines are named."""

    good: int
    bad: int
    named: list[BadLine]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Give a file, or standard input for `-`, so that it can be read twice. Raises ValueError, with what is wrong."""
    try:
        file = _copy(sys.stdin.buffer) if str(path) == "-" else _seekable(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    with file:
        yield file


def _seekable(path: Path) -> BinaryIO:
    file = path.open("rb")
    if file.seekable():
        return file
    with file:  # a pipe
        return _copy(file)


def _copy(stream: BinaryIO) -> BinaryIO:
    copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - who opened the list closes it
    shutil.copyfileobj(stream, copy)
    return copy


def examine(file: BinaryIO) -> Findings:
    """Read a list from its start to its end and tell what is in it."""
    good = bad = 0
    named: list[BadLine] = []
    for line in _lines(file):
        if isinstance(line, str):
            good += 1
            continue
        bad += 1
        if len(named) < _NAMED:
            named.append(line)
    return Findings(good, bad, named)


def user_ids(file: BinaryIO) -> Iterator[str]:
    """Give the user ids of a list from its start, in its order; bad lines are left out."""
    return (line for line in _lines(file) if isinstance(line, str))


def _lines(file: BinaryIO) -> Iterator[str | BadLine]:
    """Give each line that is not blank, without its end. White space around an id is told, not mended."""
    file.seek(0)
    for number, raw in enumerate(file, 1):
        content = raw.rstrip(b"\r\n")
        if number == 1:
            content = content.removeprefix(BOM_UTF8)
        if not content or content.isspace():
            continue
        try:
            text = content.decode()
        except UnicodeDecodeError:
            yield BadLine(number, "not UTF-8")
            continue
        yield text if is_user_id(text) else BadLine(number, _problem(text))


def _problem(text: str) -> str:
    shown = repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
    if len(text) > MAX_USER_ID:
        return f"{shown} has {len(text)} characters, {MAX_USER_ID} at most may be"
    if has_control_characters(text):
        return f"{shown} has control characters"
    return f"{shown} has white space or an invisible character at an end"
