"""The client's rules without a network: answers, exceptions and retries."""

from __future__ import annotations

import copy
import pickle

import pytest

from msgcenter_client import (
    ClockError,
    IdentityError,
    InvalidRequestError,
    LimitError,
    MsgCenterError,
    ServerError,
    StateError,
    TransportError,
)
from msgcenter_client.content import text_fields
from msgcenter_client.exchange import Response, read_answer, retry_after
from msgcenter_client.retry import RetryPolicy
from tests.sdk.flow_script import NOW, Script, answer, calls, options, timed_out

# --- Answers and exceptions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ret_code", "expected"),
    [
        ("100001", InvalidRequestError),
        ("100005", InvalidRequestError),
        ("200004", IdentityError),
        ("200005", ClockError),
        ("300001", StateError),
        ("400002", LimitError),
        ("500001", ServerError),
        ("700001", MsgCenterError),
    ],
)
def test_the_ret_code_group_selects_the_exception(ret_code: str, expected: type[MsgCenterError]) -> None:
    with pytest.raises(MsgCenterError) as caught:
        read_answer(answer(ret_code, invalidMsgId=["7"]), request_id="r-1", now=NOW)
    error = caught.value
    assert type(error) is expected
    assert (error.ret_code, error.text, error.request_id) == (ret_code, f"text of {ret_code}", "r-1")
    assert error.data == {"invalidMsgId": ["7"]}
    assert ret_code in str(error)
    assert "r-1" in str(error)


def test_the_request_id_of_the_answer_takes_precedence() -> None:
    with pytest.raises(MsgCenterError) as caught:
        read_answer(answer("100001", headers={"X-Request-Id": "theirs"}), request_id="ours", now=NOW)
    assert caught.value.request_id == "theirs"


@pytest.mark.parametrize(
    ("status", "content", "temporary"),
    [
        (200, b"<html>login</html>", False),
        (200, b"[]", False),
        (200, b'{"code":0}', False),
        (200, b'{"retCode":0}', False),
        (404, b"\xff", False),
        (301, b"", False),
        (502, b"<html>bad gateway</html>", True),
        (503, b"", True),
    ],
)
def test_an_answer_without_an_envelope_is_a_transport_error(status: int, content: bytes, temporary: bool) -> None:
    with pytest.raises(TransportError) as caught:
        read_answer(Response(status, {}, content), request_id="r-1", now=NOW)
    error = caught.value
    assert (error.http_status, error.temporary, error.ret_code) == (status, temporary, "")


def test_a_success_without_its_result_is_a_transport_error_and_not_retried() -> None:
    script = Script(answer())
    with pytest.raises(TransportError) as caught:
        script.run(calls().unread_count("u1", platform_code=None))
    assert script.waits == []
    assert caught.value.request_id == script.request_ids[0]


def test_a_clock_error_states_the_difference() -> None:
    with pytest.raises(ClockError) as caught:
        read_answer(answer("200005", headers={"Date": "Mon, 23 Nov 2026 11:30:00 GMT"}), request_id="r", now=NOW)
    assert caught.value.seconds_ahead == 1800
    assert "1800 s ahead of" in str(caught.value)


def test_exceptions_survive_copying_and_pickling() -> None:
    error = StateError("gone", ret_code="300001", request_id="r", data={"invalidMsgId": ["1"]})
    error.idempotency_key = "k"
    for duplicate in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert type(duplicate) is StateError
        assert vars(duplicate) == vars(error)
        assert duplicate.invalid_ids == ("1",)


# --- Retries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [timed_out(), answer("500002", status=503), answer("400001")])
def test_a_send_is_retried_with_the_same_key_after_a_temporary_failure(
    failure: Response | MsgCenterError,
) -> None:
    script = Script(failure, failure, answer(msgId="42"))
    assert script.run(calls().send("u1", text_fields("hi"), options())) == "42"
    assert len({body["requestId"] for body in script.bodies}) == 1
    assert len(set(script.request_ids)) == 1
    assert script.waits == [0.25, 0.5]


def test_two_sends_have_different_keys() -> None:
    script = Script(answer(msgId="1"), answer(msgId="2"))
    api = calls()
    for _ in range(2):
        script.run(api.send("u1", text_fields("hi"), options()))
    first, second = (body["requestId"] for body in script.bodies)
    assert first != second


def test_a_failed_send_carries_its_key() -> None:
    script = Script(timed_out())
    with pytest.raises(TransportError) as caught:
        script.run(calls(retries=0).send("u1", text_fields("hi"), options()))
    assert caught.value.idempotency_key == script.bodies[0]["requestId"]
    assert caught.value.request_id == script.request_ids[0]


REFUSALS = [answer(ret_code) for ret_code in ("100002", "200007", "300003", "400002", "700001")]


@pytest.mark.parametrize("final", [*REFUSALS, Response(200, {}, b"<html>login</html>")])
def test_permanent_failures_are_not_retried(final: Response) -> None:
    script = Script(final)
    with pytest.raises(MsgCenterError):
        script.run(calls().send("u1", text_fields("hi"), options()))
    assert script.waits == []


@pytest.mark.parametrize("retries", [0, 2])
def test_retrying_ends_after_the_maximum(retries: int) -> None:
    script = Script(*[answer("500001")] * (retries + 1))
    with pytest.raises(ServerError):
        script.run(calls(retries=retries).unread_count("u1", platform_code=None))
    assert script.answers == []


def test_retry_after_is_respected_up_to_thirty_seconds() -> None:
    policy = RetryPolicy(3)
    assert policy.wait(1, LimitError("", ret_code="400001", retry_after=30)) == 30
    assert policy.wait(1, LimitError("", ret_code="400002", retry_after=30)) == 30
    assert policy.wait(1, LimitError("", ret_code="400001", retry_after=31)) is None
    assert policy.wait(1, ServerError("", ret_code="500003", retry_after=31)) is None


def test_waits_double_up_to_eight_seconds_and_half_of_each_is_random() -> None:
    longest = RetryPolicy(10_000, chance=lambda: 1.0)
    shortest = RetryPolicy(10_000, chance=lambda: 0.0)
    error = ServerError("")
    assert [longest.wait(n, error) for n in (1, 2, 3, 6, 7, 9_999)] == [0.25, 0.5, 1, 8, 8, 8]
    assert [shortest.wait(n, error) for n in (1, 6)] == [0.125, 4]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 23 Nov 2026 12:00:09 GMT", 9.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds
