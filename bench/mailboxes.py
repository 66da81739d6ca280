"""Mailboxes for measurements, filled through the API."""

from collections.abc import Iterable
from typing import NamedTuple

from bench.api import BARE_SUCCESS, Api, message_id_in

GROUP = 1_000
"""Recipients of one send. A send to more is fanned out after its answer."""
_BATCH = 50


class Mailbox(NamedTuple):
    """A user and the messages sent to them, oldest first."""

    user_id: str
    message_ids: tuple[int, ...]


def users(prefix: str, count: int) -> list[str]:
    """Return user ids of equal length."""
    return [f"{prefix}-{number:06}" for number in range(count)]


def groups(user_ids: list[str], size: int = GROUP) -> Iterable[list[str]]:
    """Split users into groups of at most this size; a send to at most GROUP users reaches them before its answer."""
    return (user_ids[start : start + size] for start in range(0, len(user_ids), size))


def mailboxes_of(user_ids: list[str], answers: Iterable[bytes]) -> list[Mailbox]:
    """Return the mailboxes of users who all received the same messages; `answers` are those of the sends."""
    message_ids = tuple(sorted(map(message_id_in, answers)))
    return [Mailbox(user_id, message_ids) for user_id in user_ids]


async def filled_in_groups(api: Api, user_ids: list[str], messages: int) -> list[Mailbox]:
    """Send `messages` to every user, a thousand users at a time, and let every mailbox pull them.

    Without that, the first call for a mailbox would copy what its group was sent: up to a thousand messages.
    """
    boxes: list[Mailbox] = []
    for group in groups(user_ids):
        requests = [api.send_text(group, f"Notice number {number}") for number in range(messages)]
        boxes += mailboxes_of(group, await api.call_all(requests))
    await api.call_all([api.unread_count(user_id) for user_id in user_ids])
    return boxes


async def filled_one_by_one(api: Api, user_id: str, messages: int, *, unread: int) -> None:
    """Send `messages` to one user and set all but the newest `unread` of them read."""
    requests = [api.send_text([user_id], f"Reminder number {number}") for number in range(messages)]
    message_ids = sorted(map(message_id_in, await api.call_all(requests, connections=64)))
    old = message_ids[: messages - unread]
    batches = [old[start : start + _BATCH] for start in range(0, len(old), _BATCH)]
    await api.call_all([api.set_status(user_id, batch, 1) for batch in batches], expect=BARE_SUCCESS)
