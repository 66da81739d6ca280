"""What can happen to mailboxes, and stories of it, for the model test."""

from typing import NamedTuple, TypeAlias

from hypothesis import strategies as st

from msgcenter.domain.message import IDEMPOTENCY_MS
from tests.scene import weighted

USERS = ("阿明", "b", "user-c")
BUCKET_MS = 1 << 31


class DraftChoice(NamedTuple):
    """A draft; numbers select among the scene's apps, platforms and users. Times are in ms from now."""

    app: int
    platform: int
    users: frozenset[int]
    approval: bool
    expires_in: int | None
    sends_in: int | None
    request: int | None
    text: int
    sender: str | None


class StatusCall(NamedTuple):
    """A status call for one mailbox: some of its messages (`near`), and perhaps any message at all (`far`)."""

    mailbox: int
    near: tuple[int, ...]
    far: int | None
    read: bool


class Send(NamedTuple):
    """Send drafts in one commit."""

    drafts: tuple[DraftChoice, ...]


class SetStatus(NamedTuple):
    """Make status calls in one commit."""

    calls: tuple[StatusCall, ...]


class Decide(NamedTuple):
    """Decide approvals (`near`), and perhaps a message that is not an approval (`far`)."""

    app: int
    near: tuple[int, ...]
    far: int | None
    closed: bool


class Archive(NamedTuple):
    """Archive messages of an app in one mailbox, or take them out of the archive."""

    mailbox: int
    near: tuple[int, ...]
    archived: bool


class Star(NamedTuple):
    """Star messages of an app in one mailbox, or take their stars away."""

    mailbox: int
    near: tuple[int, ...]
    starred: bool


class Delete(NamedTuple):
    """Delete messages of an app in one mailbox, or restore them."""

    mailbox: int
    near: tuple[int, ...]
    deleted: bool


class Snooze(NamedTuple):
    """Put messages of an app in one mailbox to sleep for some ms, or (None) wake them at once."""

    mailbox: int
    near: tuple[int, ...]
    wakes_in: int | None


class ReadAll(NamedTuple):
    """Set all messages of one mailbox read."""

    platform: int
    user: int


class Wait(NamedTuple):
    """Let time pass, then deliver the scheduled messages that are due."""

    ms: int


Step: TypeAlias = Send | SetStatus | Decide | Archive | Star | Delete | Snooze | ReadAll | Wait

two = st.integers(0, 1)
user = st.integers(0, len(USERS) - 1)
some = st.integers(0, 11)
near = st.lists(some, min_size=1, max_size=4).map(tuple)
far = weighted((2, st.none()), (1, some))
sends = st.lists(
    st.builds(
        DraftChoice,
        app=two,
        platform=two,
        users=st.frozensets(user, min_size=1),
        approval=st.booleans(),
        expires_in=st.sampled_from([None, None, 60, 700]),
        sends_in=st.sampled_from([None, None, None, 30]),
        request=st.sampled_from([None, None, 0, 1]),
        text=two,
        sender=st.sampled_from([None, "宋文萍"]),
    ),
    min_size=1,
    max_size=4,
)
sending = st.builds(Send, sends.map(tuple))
calls = st.lists(st.builds(StatusCall, some, near, far, st.booleans()), min_size=1, max_size=6).map(tuple)
setting_status = st.builds(SetStatus, calls)
waiting = st.builds(Wait, st.sampled_from([1, 50, 50, 500, IDEMPOTENCY_MS + 1, BUCKET_MS]))
deciding = st.builds(Decide, two, near, far, st.booleans())
archiving = st.builds(Archive, some, near, st.booleans())
reading = st.builds(ReadAll, two, user)
starring = st.builds(Star, some, near, st.booleans())
deleting = st.builds(Delete, some, near, st.booleans())
snoozing = st.builds(Snooze, some, near, st.sampled_from([20, 60, 100, 400, None]))
marking = st.one_of(starring, deleting, snoozing, snoozing)
later_steps = weighted(
    (2, sending), (3, setting_status), (2, waiting), (1, deciding), (1, archiving), (1, reading), (3, marking)
)
stories = st.tuples(sending, st.lists(later_steps, min_size=3, max_size=12)).map(lambda story: [story[0], *story[1]])
