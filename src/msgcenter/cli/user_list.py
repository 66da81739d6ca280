"""Files with one user id per line, in UTF-8."""

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

_MAX_EXAMPLES = 10
_SHOWN_CHARACTERS = 40


class BadLine(NamedTuple):
    """A line without a valid user id, and the reason."""

    number: int
    problem: str


class ListSummary(NamedTuple):
    """The numbers of good and bad lines in a list, and the first bad lines."""

    good: int
    bad: int
    examples: list[BadLine]


@contextmanager
def open_list(path: Path) -> Iterator[BinaryIO]:
    """Yield a file, or standard input for `-`, that can be read twice. Raises ValueError if it cannot be read."""
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
    copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - open_list closes it
    shutil.copyfileobj(stream, copy)
    return copy


def summarize(file: BinaryIO) -> ListSummary:
    """Read a whole list and count its lines."""
    good = bad = 0
    examples: list[BadLine] = []
    for line in _lines(file):
        if isinstance(line, str):
            good += 1
            continue
        bad += 1
        if len(examples) < _MAX_EXAMPLES:
            examples.append(line)
    return ListSummary(good, bad, examples)


def user_ids(file: BinaryIO) -> Iterator[str]:
    """Yield the user ids of a list from its start, in order and without bad lines."""
    return (line for line in _lines(file) if isinstance(line, str))


def _lines(file: BinaryIO) -> Iterator[str | BadLine]:
    """Yield each line that is not blank, without its line end. White space around an id makes a line bad."""
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
        return f"{shown} is too long: {len(text)} characters, at most {MAX_USER_ID} are allowed"
    if has_control_characters(text):
        return f"{shown} contains control characters"
    return f"{shown} starts or ends with white space or an invisible character"
