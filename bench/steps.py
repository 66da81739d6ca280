"""The measured steps of the product, and the loads that they consist of."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.api import ALIVE, BARE_SUCCESS, COUNTS, LIST, SUCCESS, Api
from bench.databases import Postgres
from bench.load_client import NUMBER
from bench.mailboxes import Mailbox, filled_one_by_one, groups, users
from bench.server_process import Server

IDS_PER_CALL = 50
LISTED = 20
"""Messages of an inbox list."""
COUNTED, UNCOUNTED = "h on", "h off"
"""The keys of two steps that differ only in the setting MSGCENTER_STATISTICS."""
SHARE_OF_HIGHEST = 0.7
"""The rate of a paced step, as a share of the highest rate of the same call."""
_READ, _UNREAD = 1, 0
_WINDOWS = 4
"""Random windows of each deep mailbox."""
_KNOWN_GROUPS = 8
_NEW_GROUP_CONNECTIONS = 16
"""With more, a call takes seconds, and a round would hardly measure one."""
_LIST_PATH = f"messages?limit={LISTED}&filter=all"


@dataclass(frozen=True)
class Result:
    """One measurement of a step. `server_us_per_call` is processor time of the server without its database."""

    per_second: float
    p50_ms: float
    p99_ms: float
    wal_bytes_per_call: float
    server_us_per_call: float
    client_busy: float


@dataclass
class Step:
    """A load. `sent` is the number of calls sent so far; the next round continues from there.

    `expect` has the beginning of each answer to a call. A step that is `paced_by` another sends its calls at a fixed
    rate, a share of the rate that the other reached in the same round. `numbered`: requests contain load_client.NUMBER.
    `connections` and `postgres` are None for those of the run.
    """

    key: str
    title: str
    server: Server
    requests: list[bytes]
    expect: tuple[bytes, ...]
    paced_by: "Step | None" = None
    numbered: bool = False
    connections: int | None = None
    postgres: Postgres | None = None
    sent: int = 0
    results: list[Result] = field(default_factory=list)


@dataclass
class StatusStep(Step):
    """Sets the same ids of each mailbox read, then unread, and so on, so that every call changes all its entries."""

    mailboxes: Sequence[Mailbox] = ()
    ids_per_call: int = IDS_PER_CALL

    def read_in(self, mailbox_number: int) -> int:
        """Return how many messages the last call for a mailbox left read."""
        calls = (self.sent - mailbox_number - 1) // len(self.mailboxes) + 1
        return self.ids_per_call if calls % 2 else 0


@dataclass
class SendStep(Step):
    """Sends messages to the groups of `receivers` in turn. `sent_before`: messages to each group before the rounds.

    With `numbered`, every call has its own receivers, whose ids contain load_client.NUMBER.
    """

    receivers: Sequence[Sequence[str]] = ()
    sent_before: int = 0


def status_step(key: str, title: str, api: Api, mailboxes: Sequence[Mailbox], ids: slice) -> StatusStep:
    """Return the step that sets `ids` of every mailbox read and unread."""
    requests = [
        api.set_status(box.user_id, box.message_ids[ids], is_read) for is_read in (_READ, _UNREAD) for box in mailboxes
    ]
    count = len(mailboxes[0].message_ids[ids])
    return StatusStep(key, title, api.server, requests, (BARE_SUCCESS,), mailboxes=mailboxes, ids_per_call=count)


def paced_step(key: str, like: StatusStep, api: Api, mailboxes: Sequence[Mailbox]) -> StatusStep:
    """Return a step with the calls of `like` for other mailboxes, at a share of the rate that `like` reaches."""
    title = f"{like.title}, at {SHARE_OF_HIGHEST:.0%} of {like.key}"
    step = status_step(key, title, api, mailboxes, slice(like.ids_per_call))
    step.paced_by = like
    return step


def random_windows(mailboxes: Sequence[Mailbox]) -> Iterator[tuple[str, tuple[int, ...], bool]]:
    """Yield status changes of consecutive messages anywhere in each mailbox, read, then unread: user, ids, is_read."""
    chosen = random.Random(1)
    for _ in range(_WINDOWS):
        windows = []
        for box in mailboxes:
            start = chosen.randrange(len(box.message_ids) - IDS_PER_CALL + 1)
            windows.append((box.user_id, box.message_ids[start : start + IDS_PER_CALL]))
        for is_read in (True, False):
            yield from ((user_id, ids, is_read) for user_id, ids in windows)


def window_step(api: Api, mailboxes: Sequence[Mailbox]) -> StatusStep:
    """Return the step that sets random windows of deep mailboxes read and unread."""
    title = f"modMsgStatus, {IDS_PER_CALL} ids, deep mailboxes"
    requests = [api.set_status(user_id, ids, int(is_read)) for user_id, ids, is_read in random_windows(mailboxes)]
    return StatusStep("j", title, api.server, requests, (BARE_SUCCESS,), mailboxes=mailboxes)


def no_op_step(api: Api, like: Step) -> Step:
    """Return the reference step: the server only reads the body and answers."""
    return Step("a", "no-op of the same server", api.server, [api.no_op(like.requests[0])], (ALIVE,))


def single_send_step(key: str, title: str, api: Api, user_ids: Sequence[str]) -> SendStep:
    """Return the step that sends a text to one recipient, a different one each time."""
    requests = [api.send_text([user_id], f"Your form was approved, {user_id}.") for user_id in user_ids]
    return SendStep(key, title, api.server, requests, (SUCCESS,), receivers=[[user_id] for user_id in user_ids])


async def known_group_step(api: Api, size: int) -> SendStep:
    """Return the step that sends a text to classes that have been addressed before."""
    receivers = list(groups(users("school", _KNOWN_GROUPS * size), size))
    requests = [api.send_text(group, "School is closed tomorrow because of the snow.") for group in receivers]
    await api.call_all(requests)
    title = f"sendMsg to {size:,} known receivers"
    return SendStep("e", title, api.server, requests, (SUCCESS,), receivers=receivers, sent_before=1)


def new_group_step(api: Api, size: int) -> SendStep:
    """Return the step that sends a text to a class that has never been addressed, a different one each time."""
    group = users(f"new-{NUMBER.decode()}", size)
    requests = [api.send_text(group, "Welcome to our school.")]
    title = f"sendMsg to {size:,} new receivers"
    step = SendStep("k", title, api.server, requests, (SUCCESS,), numbered=True, receivers=[group])
    step.connections = _NEW_GROUP_CONNECTIONS
    return step


async def list_step(key: str, title: str, api: Api, mailboxes: Sequence[Mailbox]) -> Step:
    """Return the step that opens inboxes as the component does: the newest messages and the counts.

    A server that does not answer both at once gets a second request, and the two are one call.
    """
    tokens = await api.user_tokens([box.user_id for box in mailboxes])
    together = [api.inbox(f"{_LIST_PATH}&counts=1", token) for token in tokens]
    answer = (await api.call_all(together[:1], expect=LIST))[0]
    if b'"counts":{' in answer:
        return Step(key, title, api.server, together, (LIST,))
    requests = [request for token in tokens for request in (api.inbox(_LIST_PATH, token), api.inbox("counts", token))]
    return Step(key, f"{title} (2 requests)", api.server, requests, (LIST, COUNTS))


async def unread_count_step(api: Api, messages: int) -> Step:
    """Return the step that counts unread messages in a mailbox of this size, with the newest 200 unread."""
    user_id, unread = f"clerk-{messages}", min(200, messages // 2)
    await filled_one_by_one(api, user_id, messages, unread=unread)
    expect = BARE_SUCCESS[:-1] + b',"unread":%d}' % unread
    title = f"getUnreadCount among {messages:,} messages"
    return Step(f"f {messages}", title, api.server, [api.unread_count(user_id)], (expect,))
