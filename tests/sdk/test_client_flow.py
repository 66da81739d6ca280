"""The client's rules without a network: requests, retries, answers and exceptions."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from msgcenter_client import (
    EVERYONE,
    AsyncClient,
    Client,
    ClockError,
    IdentityError,
    InvalidRequestError,
    LimitError,
    MsgCenterError,
    Organisations,
    ServerError,
    StateError,
    Topic,
    TransportError,
    key_info,
)
from msgcenter_client.access_token import Credentials, Token
from msgcenter_client.audience import audience_fields
from msgcenter_client.calls import Calls, SendOptions
from msgcenter_client.content import link_fields, oa_fields, text_fields
from msgcenter_client.exchange import Request, Response, read_answer, retry_after
from msgcenter_client.flow import Flow, UnderTokenLock, Wait
from msgcenter_client.retry import RetryPolicy
from msgcenter_client.session import Session
from msgcenter_client.status_batches import batches
from msgcenter_client.times import from_ms, to_ms

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW_MS = 1_795_435_200_000
TWO_HOURS_MS = 7_200_000


def answer(
    ret_code: str = "000000", *, status: int = 200, headers: Mapping[str, str] | None = None, **fields: Any
) -> Response:
    content = json.dumps({"retCode": ret_code, "retDesc": f"text of {ret_code}", **fields}).encode()
    return Response(status, dict(headers or {}), content)


def token_answer(value: str, *, lifetime_ms: int = TWO_HOURS_MS) -> Response:
    return answer(tokenInfo={"accessToken": value, "validTime": str(NOW_MS + lifetime_ms)})


def timed_out() -> TransportError:
    error = TransportError("time-out")
    error.temporary = True
    return error


class Script:
    """Runs flows with prepared answers; records the requests and waits."""

    def __init__(self, *answers: Response | MsgCenterError, tokens: int = 9) -> None:
        self.answers = list(answers)
        self.token_answers: list[Response | MsgCenterError] = [token_answer(f"t{n}") for n in range(tokens)]
        self.bodies: list[dict[str, Any]] = []
        self.used_tokens: list[str] = []
        self.token_bodies: list[dict[str, Any]] = []
        self.request_ids: list[str] = []
        self.waits: list[float] = []

    def run(self, flow: Flow[Any]) -> Any:
        try:
            effect = next(flow)
            while True:
                outcome: Any = None
                match effect:
                    case Wait():
                        self.waits.append(effect.seconds)
                    case UnderTokenLock():
                        try:
                            outcome = self.run(effect.flow)
                        except MsgCenterError as error:
                            outcome = error
                    case Request():
                        outcome = self.reply(effect)
                effect = flow.throw(outcome) if isinstance(outcome, MsgCenterError) else flow.send(outcome)
        except StopIteration as end:
            return end.value

    def reply(self, request: Request) -> Response | MsgCenterError:
        body = json.loads(request.content)
        if request.path == "/apigateway/getAccessToken":
            self.token_bodies.append(body)
            return self.token_answers.pop(0)
        self.bodies.append(body)
        self.used_tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        self.request_ids.append(request.headers["X-Request-Id"])
        return self.answers.pop(0)


def calls(*, retries: int = 3, platform_code: str | None = None, clock: Callable[[], float] = NOW.timestamp) -> Calls:
    policy = RetryPolicy(retries, chance=lambda: 1.0)
    return Calls(Session(Credentials("app", "key"), policy, clock), platform_code)


def options(**values: Any) -> SendOptions:
    defaults: dict[str, Any] = dict.fromkeys(SendOptions.__struct_fields__)
    return SendOptions(**{**defaults, "approval": False, **values})


def set_status(ids: Any, *, recipient: str | None = "u1", using: Calls | None = None) -> Flow[Any]:
    return (using or calls()).set_status(recipient, ids, read=True, approver=None, platform_code=None)


# --- Credentials and tokens ---------------------------------------------------------------------------


def test_key_info_is_upper_case_hmac_sha256_of_id_key_and_time() -> None:
    # From: printf %s app-1s3cret1600000000000 | openssl dgst -sha256 -hmac s3cret
    assert (
        key_info("app-1", "s3cret", 1_600_000_000_000)
        == "C9C487BE8F69A9D641FE43D18FCA5F936DCADE7ED449F8253A00EC82753A0A18"
    )


def test_the_app_key_is_not_printed() -> None:
    assert "s3cret" not in repr(Credentials("app", "s3cret"))


@pytest.mark.parametrize(("lifetime_ms", "margin_ms"), [(TWO_HOURS_MS, 60_000), (10_000, 1_000), (-5, 0)])
def test_a_token_is_renewed_a_minute_or_a_tenth_of_its_lifetime_early(lifetime_ms: int, margin_ms: int) -> None:
    assert Token.received("t", NOW_MS + lifetime_ms, NOW_MS).renew_ms == NOW_MS + lifetime_ms - margin_ms


def test_calls_share_a_token_until_shortly_before_it_expires() -> None:
    now = NOW.timestamp()
    api = calls(clock=lambda: now)
    script = Script(*[answer(unread=1)] * 3)
    script.run(api.unread_count("u1", platform_code=None))
    now += 7_139
    script.run(api.unread_count("u1", platform_code=None))
    now += 2
    script.run(api.unread_count("u1", platform_code=None))
    assert script.used_tokens == ["t0", "t0", "t1"]


def test_a_token_that_the_server_rejects_is_replaced_once() -> None:
    script = Script(answer("200002"), answer(unread=4))
    assert script.run(calls().unread_count("u1", platform_code=None)) == 4
    assert script.used_tokens == ["t0", "t1"]

    script = Script(answer("200002"), answer("200002"))
    with pytest.raises(IdentityError):
        script.run(calls().unread_count("u1", platform_code=None))
    assert script.used_tokens == ["t0", "t1"]


def test_other_identity_errors_do_not_request_a_new_token() -> None:
    script = Script(answer("200007"))
    with pytest.raises(IdentityError):
        script.run(calls().unread_count("u1", platform_code=None))
    assert script.used_tokens == ["t0"]


def test_a_retried_token_request_is_identical() -> None:
    times = iter(range(1_795_435_200, 1_795_435_300))
    script = Script(answer(unread=1))
    script.token_answers.insert(0, timed_out())
    script.run(calls(clock=lambda: next(times)).unread_count("u1", platform_code=None))
    first, second = script.token_bodies
    assert first == second


def test_calls_that_waited_for_the_lock_share_the_token() -> None:
    api = calls()
    script = Script(answer(unread=1), answer(unread=2))
    first, second = (api.unread_count("u1", platform_code=None) for _ in range(2))
    waiting = [next(first), next(second)]
    tokens = [script.run(effect.flow) for effect in waiting if isinstance(effect, UnderTokenLock)]
    assert tokens == ["t0", "t0"]
    assert len(script.token_bodies) == 1


def test_calls_that_waited_for_the_lock_share_the_failure() -> None:
    api = calls(retries=0)
    script = Script(tokens=0)
    script.token_answers = [answer("500002", status=503), token_answer("late")]
    first, second = (api.unread_count("u1", platform_code=None) for _ in range(2))
    failures = []
    for effect in [next(first), next(second)]:
        assert isinstance(effect, UnderTokenLock)
        with pytest.raises(ServerError) as caught:
            script.run(effect.flow)
        failures.append(caught.value)
    assert len(script.token_bodies) == 1
    assert failures[0] is not failures[1]

    # A later call tries again.
    script.answers = [answer(unread=3)]
    assert script.run(api.unread_count("u1", platform_code=None)) == 3


# --- Answers and exceptions ---------------------------------------------------------------------------


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


# --- Retries --------------------------------------------------------------------------------------------


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


# --- Status batches -------------------------------------------------------------------------------------


def test_ids_are_split_into_batches_of_fifty_in_order_and_without_duplicates() -> None:
    split = list(batches([*range(120), 5, "7"]))
    assert [len(batch) for batch in split] == [50, 50, 20]
    assert [message_id for batch in split for message_id in batch] == [str(n) for n in range(120)]


@pytest.mark.parametrize(("ids", "expected"), [("3806", [["3806"]]), (3806, [["3806"]]), ([], [])])
def test_one_id_is_one_batch_and_no_ids_are_no_batch(ids: Any, expected: list[list[str]]) -> None:
    assert list(batches(ids)) == expected


def test_a_batch_of_unknown_ids_is_not_an_error_if_another_batch_has_known_ids() -> None:
    script = Script(answer("300001", invalidMsgId=[str(n) for n in range(50)]), answer(invalidMsgId=["51"]))
    result = script.run(set_status(range(52)))
    assert result.invalid_ids == (*(str(n) for n in range(50)), "51")


def test_if_all_ids_of_all_batches_are_unknown_the_error_lists_them() -> None:
    script = Script(answer("300001", invalidMsgId=[str(n) for n in range(50)]), answer("300001"))
    with pytest.raises(StateError) as caught:
        script.run(set_status(range(52)))
    assert caught.value.invalid_ids == tuple(str(n) for n in range(52))


def test_another_state_error_ends_the_batches() -> None:
    script = Script(answer("300002", invalidMsgId=["3"]), answer())
    with pytest.raises(StateError) as caught:
        script.run(set_status(range(52), recipient=None))
    assert caught.value.invalid_ids == ("3",)
    assert len(script.bodies) == 1


def test_set_status_sends_the_sample_request_of_the_protocol() -> None:
    script = Script(answer())
    using = calls(platform_code="420100")
    script.run(set_status(["3806", "1312"], recipient="7b551a5f23c242838c04e0fb02196e51", using=using))
    assert script.bodies == [
        {
            "publisherId": "7b551a5f23c242838c04e0fb02196e51",
            "platformCode": "420100",
            "isRead": 1,
            "msgId": ["3806", "1312"],
        }
    ]


def test_without_a_recipient_no_publisher_id_is_sent() -> None:
    script = Script(answer())
    script.run(set_status("1", recipient=None))
    assert script.bodies == [{"isRead": 1, "msgId": ["1"]}]


# --- Requests and results -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "fields"),
    [
        ("u1", {"receiverIds": ["u1"]}),
        (iter(["u1", "u2"]), {"receiverIds": ["u1", "u2"]}),
        (Topic("news"), {"topic": "news"}),
        (EVERYONE, {"toAll": True}),
        (Organisations("o"), {"orgIds": ["o"]}),
        (Organisations(iter(["o", "p"]), iter(["tea"])), {"orgIds": ["o", "p"], "roles": ["tea"]}),
        (Organisations(["o"], include_sub=False), {"orgIds": ["o"], "includeSub": False}),
    ],
)
def test_an_audience_is_addressed_in_exactly_one_way(audience: Any, fields: dict[str, Any]) -> None:
    assert audience_fields(audience) == fields


def test_send_link_sends_the_sample_link_of_the_protocol() -> None:
    sent = link_fields(
        title="百度",
        content="百度一下",
        business_id="AQWER1234",
        pc_url="http://www.baidu.com",
        app_url="http://www.baidu.com",
        image_url="http://xxx.yyy.com/zzz.jpg",
    )
    assert sent == {
        "msgtype": "link",
        "link": {
            "pcUrl": "http://www.baidu.com",
            "appUrl": "http://www.baidu.com",
            "picUrl": "http://xxx.yyy.com/zzz.jpg",
            "content": "百度一下",
            "title": "百度",
            "busiId": "AQWER1234",
        },
    }


def test_a_card_has_only_the_parts_that_are_set() -> None:
    bare: dict[str, Any] = dict.fromkeys(["bg_color", "title", "content", "image_url", "file_count", "author"])
    where = {"business_id": "b", "pc_url": "http://p", "app_url": "http://a"}
    outside = {"msgtype": "oa", "busiId": "b", "pcUrl": "http://p", "appUrl": "http://a"}
    assert oa_fields(head="h", form=(), **where, **bare) == {**outside, "oa": {"head": {"text": "h"}}}

    full = {**bare, "bg_color": "ff00CC00", "file_count": 0, "author": "me"}
    assert oa_fields(head="h", form=[("k", "v")], **where, **full) == {
        **outside,
        "oa": {
            "head": {"text": "h", "bgColor": "ff00CC00"},
            "body": {"fileCount": 0, "author": "me", "form": [{"key": "k", "value": "v"}]},
        },
    }


def test_send_options_become_fields_and_override_the_clients_platform() -> None:
    script = Script(answer(msgId="1"))
    send_options = options(platform_code="2", approval=True, idempotency_key="k", send_at=NOW, expire_at=NOW_MS + 1)
    script.run(calls(platform_code="1").send("u1", text_fields("hi"), send_options))
    assert script.bodies == [
        {
            "receiverIds": ["u1"],
            "msgtype": "text",
            "text": {"content": "hi"},
            "platformCode": "2",
            "requestId": "k",
            "approval": True,
            "sendTime": NOW_MS,
            "expireTime": NOW_MS + 1,
        }
    ]


def test_moments_keep_their_millisecond_and_need_a_time_zone() -> None:
    china = timezone(timedelta(hours=8))
    assert to_ms(datetime(2026, 11, 23, 20, 0, 0, 123_999, tzinfo=china)) == NOW_MS + 123
    assert to_ms(from_ms(NOW_MS + 123)) == NOW_MS + 123
    with pytest.raises(ValueError, match="time zone"):
        to_ms(datetime(2026, 11, 23))  # noqa: DTZ001 - the missing time zone is tested


def test_receipts_accept_numbers_and_flags_as_strings() -> None:
    details = [
        {"userId": "u1", "isRead": 1, "readTime": str(NOW_MS)},
        {"userId": "u2", "isRead": "0", "readTime": ""},
        {"userId": "u3", "isRead": False},
    ]
    counts: dict[str, Any] = {"receivers": 3, "delivered": "3", "read": 1, "unread": 2}
    script = Script(answer(**counts, state="sent", details=details, nextCursor="c2"))
    status = script.run(calls().message_status("9", read=None, cursor=None, page_size=None))
    assert [(receipt.recipient, receipt.read, receipt.read_at) for receipt in status.details] == [
        ("u1", True, NOW),
        ("u2", False, None),
        ("u3", False, None),
    ]
    assert (status.delivered, status.next_cursor) == (3, "c2")


def test_a_repeated_cursor_is_an_error() -> None:
    script = Script(
        answer(receivers=0, delivered=0, read=0, unread=0, state="sent", nextCursor="same"),
    )
    with pytest.raises(TransportError, match="cursor"):
        script.run(calls().receipts("1", read=None, cursor="same", page_size=None))


# --- The two clients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("base_url", ["msg.example.org", "ftp://msg.example.org", "https://", ""])
def test_a_base_url_without_http_is_refused_by_the_constructor(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client(base_url, "app", "key")


def test_both_clients_have_the_same_calls_arguments_and_documentation() -> None:
    def described(client: type) -> dict[str, tuple[list[inspect.Parameter], str | None]]:
        return {
            name: (list(inspect.signature(member).parameters.values()), inspect.getdoc(member))
            for name, member in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_") and name not in {"close", "aclose"}
        }

    assert described(Client) == described(AsyncClient)
    assert {"send_text", "set_status", "messages", "recall", "subscribe", "webhooks"} <= described(Client).keys()
