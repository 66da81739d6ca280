"""Verify that the servers did what they answered: unread counts must match the acknowledged calls."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench.api import Api, unread_in
from bench.load_client import NUMBER
from bench.steps import SendStep, StatusStep

Check = Callable[[], Awaitable[str]]
"""Verifies a server after the last round and returns a line for the report. Raises FalseAnswerError."""
_SAMPLE = 200
_MEMBERS = 25


class FalseAnswerError(Exception):
    """A server answered success, but its database has another state."""


def sample_of(count: int) -> list[int]:
    """Return a sample of the numbers below `count`."""
    return random.Random(1).sample(range(count), min(count, _SAMPLE))


def unread_after_changes(steps: Sequence[StatusStep]) -> dict[str, int]:
    """Return the unread count of sampled users after the status changes of all steps on the same mailboxes."""
    boxes = steps[0].mailboxes
    return {
        boxes[number].user_id: len(boxes[number].message_ids) - sum(step.read_in(number) for step in steps)
        for number in sample_of(len(boxes))
    }


def unread_after_sends(step: SendStep) -> dict[str, int]:
    """Return the unread count of sampled receivers of a step who had no messages before, and read none."""
    chosen = random.Random(1)
    if step.numbered:
        numbers = [b"%0*d" % (len(NUMBER), number) for number in sample_of(step.sent)]
        template = [user_id.encode() for user_id in step.receivers[0]]
        return {chosen.choice(template).replace(NUMBER, number).decode(): 1 for number in numbers}
    groups = len(step.receivers)
    return {
        user_id: step.sent_before + len(range(number, step.sent, groups))
        for number in sample_of(groups)
        for user_id in chosen.sample(step.receivers[number], min(_MEMBERS, len(step.receivers[number])))
    }


async def verify(name: str, api: Api, expected: Mapping[str, int], calls: int) -> str:
    """Compare the product's unread counts with the expected ones by user; see `compare`."""
    answers = await api.call_all([api.unread_count(user_id) for user_id in expected])
    return compare(name, expected, [unread_in(body) for body in answers], calls)


def compare(name: str, expected: Mapping[str, int], unread: Sequence[int], calls: int) -> str:
    """Compare unread counts, in the order of `expected`, and return a line for the report. Raises FalseAnswerError."""
    for (user_id, count), measured in zip(expected.items(), unread, strict=True):
        if measured != count:
            raise FalseAnswerError(f"{name}: {user_id} has {measured} unread messages instead of {count}")
    return f"{name}: after {calls:,} calls, the unread counts of {len(expected)} sampled users are correct"
