"""The keyInfo debugger names every common mistake and never reveals a key."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable

import pytest

from tests.conftest import Credentials
from tests.portal.conftest import Visitor

RIGHT = "keyInfo is right"
IN_TIME = "the time is within the window"


def signed(key: str | bytes, text: str, algorithm: str = "sha256") -> str:
    """Return an HMAC as apps send it."""
    return hmac.new(key.encode() if isinstance(key, str) else key, text.encode(), algorithm).hexdigest().upper()


def findings(visitor: Visitor, app: Credentials, time_stamp: object, key_info: str) -> list[tuple[str, str]]:
    """Return the verdict and reason for each value. No page may contain the key."""
    fields = {"appId": app.app_id, "timeStamp": str(time_stamp), "keyInfo": key_info}
    page = visitor.post("/docs/debugger", **fields).text
    assert app.app_key not in page.lower()
    rows = re.findall(r'<span class="tag (?:good|bad)">(right|wrong)</span>([^<]*)</li>', page)
    return [(verdict, reason.strip()) for verdict, reason in rows]


@pytest.fixture
def now() -> int:
    """The time in ms."""
    return int(time.time() * 1_000)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_right_key_info_is_confirmed(developer: Visitor, app: Credentials, now: int, algorithm: str) -> None:
    proof = signed(app.app_key, f"{app.app_id}{app.app_key}{now}", algorithm)
    assert findings(developer, app, now, proof) == [("right", IN_TIME), ("right", RIGHT)]
    ((_, _), (verdict, reason)) = findings(developer, app, now, proof.lower())
    assert (verdict, "in lower case" in reason) == ("right", True)
    assert findings(developer, app, f"  {now} ", f" {proof}\n")[1] == ("right", RIGHT), (
        "white space from copying is ignored"
    )


def orders() -> dict[str, Callable[[str, str, int], str]]:
    """Return the wrong orders by name."""
    return {
        "appKey+appId+timeStamp": lambda i, k, t: f"{k}{i}{t}",
        "appId+timeStamp+appKey": lambda i, k, t: f"{i}{t}{k}",
        "timeStamp+appId+appKey": lambda i, k, t: f"{t}{i}{k}",
        "timeStamp+appKey+appId": lambda i, k, t: f"{t}{k}{i}",
        "appKey+timeStamp+appId": lambda i, k, t: f"{k}{t}{i}",
    }


@pytest.mark.parametrize("order", orders())
@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_wrong_order_is_named(developer: Visitor, app: Credentials, now: int, order: str, algorithm: str) -> None:
    proof = signed(app.app_key, orders()[order](app.app_id, app.app_key, now), algorithm)
    reason = f"the order is {order}; it must be appId+appKey+timeStamp"
    assert findings(developer, app, now, proof)[1] == ("wrong", reason)


MISTAKES: dict[str, tuple[Callable[[str, str, int], str], str]] = {
    "separated by &": (lambda i, k, t: signed(k, f"{i}&{k}&{t}"), "do not put separators between"),
    "separated by a comma": (lambda i, k, t: signed(k, f"{i},{k},{t}"), "do not put separators between"),
    "separated by a blank": (lambda i, k, t: signed(k, f"{i} {k} {t}"), "do not put separators between"),
    "without the key": (lambda i, k, t: signed(k, f"{i}{t}"), "appKey is missing"),
    "with a line break": (lambda i, k, t: signed(k, f"{i}{k}{t}\n"), "ends with a line break"),
    "in upper case": (lambda i, k, t: signed(k, f"{i.upper()}{k.upper()}{t}"), "case-sensitive"),
    "seconds signed": (
        lambda i, k, t: signed(k, f"{i}{k}{t // 1_000}"),
        "one is in seconds, the other in milliseconds",
    ),
    "the appId as the key": (lambda i, k, t: signed(i, f"{i}{k}{t}"), "must be the appKey, not the appId"),
    "a plain hash": (lambda i, k, t: hashlib.sha256(f"{i}{k}{t}".encode()).hexdigest(), "must be an HMAC"),
    "the key's bytes": (lambda i, k, t: signed(bytes.fromhex(k), f"{i}{k}{t}"), "use the appKey as text"),
    "Base64": (
        lambda i, k, t: base64.b64encode(bytes.fromhex(signed(k, f"{i}{k}{t}"))).decode(),
        "it must be hex",
    ),
    "another key": (lambda i, k, t: signed("0" * 32, f"{i}{'0' * 32}{t}"), "matches no known mistake"),
    "another time": (lambda i, k, t: signed(k, f"{i}{k}{t + 1}"), "matches no known mistake"),
    "too short": (lambda i, k, t: signed(k, f"{i}{k}{t}")[:-1], "characters received: 63"),
    "not hex": (lambda _i, _k, _t: "Z" * 64, "characters received: 64"),
    "nonsense": (lambda _i, _k, _t: "密钥", "characters received: 2"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_key_info_is_named(developer: Visitor, app: Credentials, now: int, mistake: str) -> None:
    make, part = MISTAKES[mistake]
    verdict, reason = findings(developer, app, now, make(app.app_id, app.app_key, now))[1]
    assert verdict == "wrong"
    assert part in reason


@pytest.mark.parametrize(
    ("off", "difference"),
    [
        (-3_600_000, "60 minutes behind"),
        (7_300_000, "2 hours ahead of"),
        (-601_500, "10 minutes behind"),
        (-400 * 86_400_000, "400 days behind"),
    ],
)
def test_a_wrong_clock_is_reported_with_the_difference(
    developer: Visitor, app: Credentials, now: int, off: int, difference: str
) -> None:
    then = now + off
    proof = signed(app.app_key, f"{app.app_id}{app.app_key}{then}")
    (verdict, text), of_key = findings(developer, app, then, proof)
    assert (verdict, of_key) == ("wrong", ("right", RIGHT))
    assert difference in text
    assert "minutes allowed: 10" in text


def test_timestamps_in_seconds_are_right(developer: Visitor, app: Credentials, now: int) -> None:
    seconds = now // 1_000
    proof = signed(app.app_key, f"{app.app_id}{app.app_key}{seconds}")
    results = findings(developer, app, seconds, proof)
    assert [verdict for verdict, _ in results] == ["right", "right"]


@pytest.mark.parametrize("factor", [1_000, 1_000_000])
def test_microseconds_and_nanoseconds_are_recognised(
    developer: Visitor, app: Credentials, now: int, factor: int
) -> None:
    stamp = now * factor
    results = findings(developer, app, stamp, signed(app.app_key, f"{app.app_id}{app.app_key}{stamp}"))
    assert results[0][0] == "wrong"
    assert ("microseconds" if factor == 1_000 else "nanoseconds") in results[0][1]
    assert results[-1] == ("right", RIGHT)


@pytest.mark.parametrize("time_stamp", ["2026-11-27 12:00:00", "-1", "1.5e12", "١٢٣", "9" * 40])
def test_a_malformed_time_stamp_is_named(developer: Visitor, app: Credentials, time_stamp: str) -> None:
    verdict, reason = findings(developer, app, time_stamp, "0" * 64)[0]
    assert (verdict, "milliseconds since 1970" in reason) == ("wrong", True)


def test_the_previous_key_is_recognised_while_it_is_valid(developer: Visitor, app: Credentials, now: int) -> None:
    rotated = developer.post(f"/apps/{app.app_id}/keys/rotate", page=f"/apps/{app.app_id}/keys", overlap="1d")
    assert rotated.status_code == 200
    proof = signed(app.app_key, f"{app.app_id}{app.app_key}{now}")
    verdict, reason = findings(developer, app, now, proof)[1]
    assert (verdict, "uses the previous key" in reason) == ("right", True)
    developer.post(f"/apps/{app.app_id}/keys/end", page=f"/apps/{app.app_id}/keys")
    assert findings(developer, app, now, proof)[1][0] == "wrong"


def test_keys_of_other_peoples_apps_cannot_be_debugged(stranger: Visitor, app: Credentials, now: int) -> None:
    fields = {"appId": app.app_id, "timeStamp": str(now), "keyInfo": "0" * 64}
    answer = stranger.post("/docs/debugger", page="/account", **fields)
    assert answer.status_code == 422
    assert "<h2>Result" not in answer.text


def test_an_app_of_others_is_refused_at_its_field(developer: Visitor, app: Credentials) -> None:
    fields = {"appId": "never-heard-of", "timeStamp": "1", "keyInfo": "0" * 64}
    answer = developer.post("/docs/debugger", **fields)
    assert (answer.status_code, "must be one of your apps" in answer.text) == (422, True)
    assert 'value="never-heard-of"' in answer.text
