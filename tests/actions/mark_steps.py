"""Steps of a model test in which users star, delete and snooze messages and mute apps, and the model of these marks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from hypothesis import strategies as st

from tests.scene import weighted

Place: TypeAlias = tuple[str, int]
"""A user and a message id: one entry."""


class Star(NamedTuple):
    """A user stars messages, or takes their stars away."""

    user: int
    picks: tuple[int, ...]
    starred: bool


class Delete(NamedTuple):
    """A user deletes messages, or takes that back."""

    user: int
    picks: tuple[int, ...]
    deleted: bool


class Snooze(NamedTuple):
    """A user hides messages for some ms, or (None) shows them at once."""

    user: int
    picks: tuple[int, ...]
    wakes_in: int | None


class Mute(NamedTuple):
    """A user mutes an app, or ends that."""

    user: int
    app: int
    muted: bool


MarkStep: TypeAlias = Star | Delete | Snooze | Mute


def marking(
    user: st.SearchStrategy[int], picks: st.SearchStrategy[tuple[int, ...]], app: st.SearchStrategy[int]
) -> st.SearchStrategy[MarkStep]:
    """Return a strategy of steps."""
    return weighted(
        (1, st.builds(Star, user, picks, st.booleans())),
        (2, st.builds(Delete, user, picks, st.sampled_from([True, True, False]))),
        (4, st.builds(Snooze, user, picks, st.sampled_from([1_000, 1_010, 1_030, 1_000, None]))),
        (1, st.builds(Mute, user, app, st.booleans())),
    )


@dataclass
class Marks:
    """What users have made of their messages. `woken` are those whose time has come: they are first while unread."""

    starred: set[Place] = field(default_factory=set)
    deleted: set[Place] = field(default_factory=set)
    asleep: dict[Place, int] = field(default_factory=dict)
    woken: set[Place] = field(default_factory=set)
    muted: set[tuple[str, int]] = field(default_factory=set)

    def wake(self, now: int) -> None:
        """Wake what is due at `now` (ms since 1970)."""
        due = {place for place, until in self.asleep.items() if until <= now}
        self.woken |= due
        self.rouse(due)

    def rouse(self, places: Iterable[Place]) -> None:
        """Show messages at once."""
        for place in places:
            self.asleep.pop(place, None)

    def snooze(self, places: Iterable[Place], until: int) -> None:
        """Hide messages until a time (ms since 1970)."""
        for place in places:
            self.asleep[place] = until
            self.woken.discard(place)

    def delete(self, places: set[Place]) -> None:
        """Delete messages: they do not wake."""
        self.deleted |= places
        self.rouse(places)

    def is_hidden(self, place: Place) -> bool:
        """Return whether a message is in no list of its user but that of the sleeping ones."""
        return place in self.deleted or place in self.asleep
