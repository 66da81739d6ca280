"""Verify that the servers did what they answered: unread counts must match the acknowledged calls."""

import random

from bench.api import Api, unread_in
from bench.steps import StatusStep

_SAMPLE = 200


class FalseAnswerError(Exception):
    """A server answered success, but its database has another state."""


def sample_of(steps: list[StatusStep]) -> list[int]:
    """Return the indexes of a sample of mailboxes."""
    return random.Random(1).sample(range(len(steps[0].mailboxes)), _SAMPLE)


async def product_counts(api: Api, steps: list[StatusStep]) -> list[int]:
    """Return the product's unread counts for the sampled mailboxes."""
    boxes = steps[0].mailboxes
    return [
        unread_in(body) for body in await api.call_all([api.unread_count(boxes[n].user_id) for n in sample_of(steps)])
    ]


def compare(name: str, steps: list[StatusStep], unread: list[int]) -> str:
    """Compare counts and return a line for the report. Raises FalseAnswerError if a count is wrong."""
    numbers = sample_of(steps)
    for number, count in zip(numbers, unread, strict=True):
        mailbox = steps[0].mailboxes[number]
        expected = len(mailbox.message_ids) - sum(step.read_in(number) for step in steps)
        if count != expected:
            raise FalseAnswerError(f"{name}: {mailbox.user_id} has {count} unread messages instead of {expected}")
    calls = sum(step.sent for step in steps)
    return f"{name}: after {calls:,} status calls, the unread counts of {len(numbers)} sampled users are correct"
