"""The measured steps, and the mailboxes that they need."""

from dataclasses import dataclass, field

from bench.api import ALIVE, BARE_SUCCESS, SUCCESS, Api
from bench.mailboxes import GROUP, Mailbox, filled_one_by_one, groups, users

IDS_PER_CALL = 50
COUNTED, UNCOUNTED = "h on", "h off"
"""The keys of two steps that differ only in the setting MSGCENTER_STATISTICS."""
_READ, _UNREAD = 1, 0


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
    """A load. `sent` is the number of requests sent so far; the next round continues from there."""

    key: str
    title: str
    api: Api
    requests: list[bytes]
    expect: bytes
    sent: int = 0
    results: list[Result] = field(default_factory=list)


@dataclass
class StatusStep(Step):
    """Sets the same ids of each mailbox read, then unread, and so on, so that every call changes all its entries."""

    mailboxes: list[Mailbox] = field(default_factory=list)
    ids_per_call: int = IDS_PER_CALL

    def read_in(self, mailbox_number: int) -> int:
        """Return how many messages the last call for a mailbox left read."""
        calls = (self.sent - mailbox_number - 1) // len(self.mailboxes) + 1
        return self.ids_per_call if calls % 2 else 0


def status_step(key: str, title: str, api: Api, mailboxes: list[Mailbox], ids: slice) -> StatusStep:
    """Return the step that sets `ids` of every mailbox read and unread."""
    requests = [
        api.set_status(box.user_id, box.message_ids[ids], is_read) for is_read in (_READ, _UNREAD) for box in mailboxes
    ]
    count = len(mailboxes[0].message_ids[ids])
    return StatusStep(key, title, api, requests, BARE_SUCCESS, mailboxes=mailboxes, ids_per_call=count)


def no_op_step(api: Api, like: Step) -> Step:
    """Return the reference step: the server only reads the body and answers."""
    return Step("a", "no-op of the same server", api, [api.no_op(like.requests[0])], ALIVE)


def single_send_step(api: Api) -> Step:
    """Return the step that sends a text to one recipient, a different one each time."""
    requests = [api.send_text([user_id], f"Your form was approved, {user_id}.") for user_id in users("single", 10_000)]
    return Step("d", "sendMsg to 1 receiver", api, requests, SUCCESS)


def group_send_step(api: Api) -> Step:
    """Return the step that sends a text to a thousand recipients."""
    receivers = groups(users("school", 8 * GROUP))
    requests = [api.send_text(group, "School is closed tomorrow because of the snow.") for group in receivers]
    return Step("e", f"sendMsg to {GROUP:,} receivers", api, requests, SUCCESS)


async def unread_count_step(api: Api, messages: int) -> Step:
    """Return the step that counts unread messages in a mailbox of this size, with the newest 200 unread."""
    user_id, unread = f"clerk-{messages}", 200
    await filled_one_by_one(api, user_id, messages, unread=unread)
    expect = BARE_SUCCESS[:-1] + b',"unread":%d}' % unread
    title = f"getUnreadCount among {messages:,} messages"
    return Step(f"f {messages}", title, api, [api.unread_count(user_id)], expect)
