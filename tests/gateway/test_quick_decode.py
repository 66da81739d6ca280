"""Long lists of receivers are decoded by looser types: the result is the same as by the types of the reference."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.refusal import Refusal
from msgcenter.gateway.wire.requests import SendMsg
from msgcenter.web.decode import decode

_TEXTS = st.text(max_size=3) | st.sampled_from(
    ["a", "张三", "a b", " a", "a ", "a\n", "\u200b", "\x7f", "é", "x" * 64, "x" * 65]
)
RECEIVERS: st.SearchStrategy[list[object]] = st.lists(
    _TEXTS | st.integers(-(2**70), 2**70) | st.none() | st.just([]), max_size=5
)


@pytest.fixture(autouse=True, scope="module")
def every_body_is_long() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("msgcenter.web.decode.LONG_BODY", 0)
        yield


def body_to(receivers: object) -> bytes:
    return json.dumps({"receiverIds": receivers, "msgtype": "text", "text": {"content": "hello"}}).encode()


@given(RECEIVERS)
def test_the_same_receivers_are_accepted(receivers: list[object]) -> None:
    body = body_to(receivers)
    try:
        expected = msgspec.json.decode(body, type=SendMsg).receiver_ids
    except msgspec.ValidationError:
        with pytest.raises(Refusal):
            decode(body, SendMsg)
    else:
        assert decode(body, SendMsg).receiver_ids == expected


@pytest.mark.parametrize("plain", [True, False])
def test_a_request_is_a_sendmsg_either_way(plain: bool) -> None:
    receivers = ["a", "b" if plain else "乙"]
    request = decode(body_to(receivers), SendMsg)
    assert isinstance(request, SendMsg)
    assert (type(request) is SendMsg) is not plain
    assert request.receiver_ids == receivers
