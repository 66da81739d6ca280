"""The credentials and access tokens of a client."""

from __future__ import annotations

import pytest

from msgcenter_client import (
    IdentityError,
    ServerError,
    key_info,
)
from msgcenter_client.access_token import Credentials, Token
from msgcenter_client.flow import UnderTokenLock
from tests.sdk.flow_script import NOW, NOW_MS, TWO_HOURS_MS, Script, answer, calls, timed_out, token_answer


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
