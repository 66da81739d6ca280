"""Whether the servers did what they answered: what is unread must be what the last calls left unread."""

import random

from bench.api import Api, unread_in
from bench.steps import StatusStep

_SAMPLE = 200


class FalseAnswerError(Exception):
    """A server answered success and its database says otherwise."""


def sample_of(steps: list[StatusStep]) -> list[int]:
    """Return the numbers of some mailboxes."""
    return random.Random(1).sample(range(len(steps[0].mailboxes)), _SAMPLE)


async def asked(api: Api, steps: list[StatusStep]) -> list[int]:
    """Return the product's own counts for the sample."""
    boxes = steps[0].mailboxes
    return [
        unread_in(body) for body in await api.ask_all([api.unread_count(boxes[n].user_id) for n in sample_of(steps)])
    ]


def compare(name: str, steps: list[StatusStep], unread: list[int]) -> str:
    """Return one line on what was compared. Raises FalseAnswerError if a count is wrong."""
    numbers = sample_of(steps)
    for number, found in zip(numbers, unread, strict=True):
        box = steps[0].mailboxes[number]
        expected = len(box.message_ids) - sum(step.read_in(number) for step in steps)
        if found != expected:
            raise FalseAnswerError(f"{name}: {box.user_id} has {found} unread, but was left with {expected}")
    calls = sum(step.sent for step in steps)
    return f"{name}: after {calls:,} status calls the counts of {len(numbers)} sampled users are what was set"
