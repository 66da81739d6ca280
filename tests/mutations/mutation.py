"""A mutation replaces a short text, which occurs exactly once in its file.

Keep the texts short: they have to survive renamed symbols. `tests` are pytest node ids, or whole files.
"""

from typing import NamedTuple

SRC = "src/msgcenter"
SDK = "sdk/python/src/msgcenter_client"


class Mutation(NamedTuple):
    """One mistake: `old` becomes `new` in the file at `path`, and at least one of `tests` fails."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


def apply(mutation: Mutation, text: str) -> str:
    """Return a source with the mistake. Raises ValueError unless the text to replace occurs exactly once."""
    count = text.count(mutation.old)
    if count != 1:
        raise ValueError(f"{mutation.name}: {mutation.path} has {mutation.old!r} {count} times")
    return text.replace(mutation.old, mutation.new)
