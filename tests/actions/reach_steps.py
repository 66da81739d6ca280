"""The steps of the stories in `tests/actions/test_reach_model.py`, and how they are drawn."""

from typing import NamedTuple, TypeAlias

from hypothesis import strategies as st

from msgcenter.domain.message import REMINDER_PAUSE_MS
from tests.actions.mark_steps import MarkStep, marking
from tests.scene import weighted

USERS = ("阿明", "b", "c", "user-d")
TOPICS = ("班级", "t")
CHUNK = 2
"""Receivers that a send delivers to at once, and the chunk size of fan-outs."""


class Send(NamedTuple):
    """An app sends a text to `users`, to `topic` (mostly an existing one) or to everyone, as `to` says."""

    app: int
    to: str
    users: frozenset[int]
    topic: int
    approval: bool
    expires_in: int | None
    sends_in: int | None


class Subscribe(NamedTuple):
    """Users subscribe to a topic, or unsubscribe from one that mostly exists."""

    app: int
    topic: int
    users: frozenset[int]
    joins: bool


class Know(NamedTuple):
    """A user becomes known to the platform."""

    user: int


class SetStatus(NamedTuple):
    """An app sets messages of a user read or unread. `fits`: messages that the user has, or else any of any app."""

    app: int
    user: int
    picks: tuple[int, ...]
    read: bool
    fits: bool


class Recall(NamedTuple):
    """An app recalls a message."""

    pick: int


class Update(NamedTuple):
    """An app updates the content of a message."""

    pick: int
    text: int
    reset_read: bool


class Remind(NamedTuple):
    """An app reminds the recipients who have not read a message."""

    pick: int


class Decide(NamedTuple):
    """An app closes or reopens messages for all approvers in one call. `fits`: approvals, if there are any."""

    picks: tuple[int, ...]
    closed: bool
    fits: bool


class ReadAll(NamedTuple):
    """A user reads everything."""

    user: int


class Archive(NamedTuple):
    """A user archives messages, or brings them back."""

    user: int
    picks: tuple[int, ...]
    archived: bool


class Later(NamedTuple):
    """Time passes, and scheduled messages become due; their fan-outs may stop after the first chunk."""

    ms: int
    to_the_end: bool


class Work(NamedTuple):
    """A running fan-out continues, perhaps not to its end."""

    pick: int
    to_the_end: bool


class Look(NamedTuple):
    """A user reads the inbox ("list", "counts", "find"), or an app reads "unread", "receipts" or "sent"."""

    what: str
    user: int
    app: int
    pick: int


Step: TypeAlias = (
    Send
    | Subscribe
    | Know
    | SetStatus
    | Recall
    | Update
    | Remind
    | Decide
    | ReadAll
    | Archive
    | MarkStep
    | Later
    | Work
    | Look
)

two = st.integers(0, 1)
user = st.integers(0, len(USERS) - 1)
users = weighted((2, st.frozensets(user, min_size=1)), (1, st.just(frozenset(range(len(USERS))))))
mostly = st.sampled_from([True, True, True, False])
pick = st.integers(0, 19)
picks = st.lists(pick, min_size=1, max_size=4).map(tuple)
sending = st.builds(
    Send,
    app=two,
    to=st.sampled_from(["receivers", "receivers", "topic", "topic", "everyone", "everyone"]),
    users=users,
    topic=st.integers(0, 11),
    approval=st.booleans(),
    expires_in=st.sampled_from([None, None, None, 40]),
    sends_in=st.sampled_from([None, None, None, 20]),
)
joining = st.builds(Subscribe, app=two, topic=st.integers(0, 11), users=users, joins=st.booleans())
looking = st.builds(
    Look,
    what=st.sampled_from(["list", "counts", "find", "unread", "receipts", "receipts", "sent"]),
    user=user,
    app=two,
    pick=pick,
)
steps: st.SearchStrategy[Step] = weighted(
    (8, sending),
    (4, joining),
    (1, st.builds(Know, user)),
    (5, st.builds(SetStatus, two, user, picks, mostly, mostly)),
    (1, st.builds(Recall, pick)),
    (3, st.builds(Update, pick, two, mostly)),
    (1, st.builds(Remind, pick)),
    (3, st.builds(Decide, picks, mostly, mostly)),
    (1, st.builds(ReadAll, user)),
    (1, st.builds(Archive, user, picks, st.booleans())),
    (4, marking(user, picks, two)),
    (2, st.builds(Later, st.sampled_from([1, 20, 50, 1_000, REMINDER_PAUSE_MS]), st.booleans())),
    (3, st.builds(Work, pick, st.booleans())),
    (3, looking),
)
stories = st.lists(steps, min_size=16, max_size=60)
