"""How much work a send is, which limits the sends that share a transaction."""

from msgcenter.actions.messages.send_weights import SendWeights
from msgcenter.domain.message_id import now_ms
from msgcenter.store.messages.audiences import LARGE_CHUNK
from tests.scene import HOME, text_to

CLASS = [f"pupil-{number:03}" for number in range(500)]


def test_a_list_weighs_its_receivers_until_they_pull() -> None:
    weights, draft = SendWeights(), text_to(1, HOME, CLASS)
    for _ in range(2):
        assert weights.of(draft) == 500
        weights.note([draft])
    assert weights.of(text_to(2, HOME, CLASS, content="another text")) < 50
    assert weights.of(text_to(1, HOME, CLASS[1:])) == 499


def test_messages_that_are_pushed_each_time_keep_their_weight() -> None:
    weights = SendWeights()
    approval, few = text_to(1, HOME, CLASS, approval=True), text_to(1, HOME, CLASS[: LARGE_CHUNK - 1])
    weights.note([approval, few] * 3)
    assert [weights.of(approval), weights.of(few)] == [500, LARGE_CHUNK - 1]


def test_a_scheduled_message_is_one_row_for_now() -> None:
    weights, draft = SendWeights(), text_to(1, HOME, CLASS, send_at=now_ms() + 1_000_000)
    weights.note([draft] * 3)
    assert weights.of(draft) == 1
    assert weights.of(text_to(1, HOME, CLASS)) == 500
