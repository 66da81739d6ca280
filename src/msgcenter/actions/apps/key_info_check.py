"""Explains what is wrong with a keyInfo, without revealing the key."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.time_stamp import milliseconds_of

_MICROSECONDS_FROM = 100_000_000_000_000
_NANOSECONDS_FROM = _MICROSECONDS_FROM * 1_000
_DIGITS = 20


class KeyInfoCheck(NamedTuple):
    """One part of a token request: whether it is right, and if not, what to change."""

    is_right: bool
    text: Phrase


class _Signed(NamedTuple):
    digest: bytes
    wrong: Phrase | None


def check_key_info(
    app_id: str, app_key: str, previous_key: str | None, timestamp: str, key_info: str, *, window_ms: int
) -> list[KeyInfoCheck]:
    """Return the checks of a token request, part by part. No text contains any part of a key.

    `previous_key` is the key before the last rotation while both are valid, else None.
    """
    timestamp, key_info = timestamp.strip(), key_info.strip()
    return [*_of_timestamp(timestamp, window_ms), _of_key_info(app_id, app_key, previous_key, timestamp, key_info)]


def _of_timestamp(timestamp: str, window_ms: int) -> Iterator[KeyInfoCheck]:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
        yield KeyInfoCheck(
            False,
            Phrase(
                "timeStamp须为数字：1970年以来的毫秒数（或秒数）",
                "timeStamp must be digits: milliseconds since 1970 (or seconds)",
            ),
        )
        return
    at = milliseconds_of(timestamp)
    if at >= _MICROSECONDS_FROM:
        factor, zh, en = (
            (1_000_000, "纳秒", "nanoseconds") if at >= _NANOSECONDS_FROM else (1_000, "微秒", "microseconds")
        )
        yield KeyInfoCheck(
            False,
            Phrase(
                f"timeStamp的单位是{zh}，须为毫秒（除以{factor}）",
                f"timeStamp is in {en}; it must be milliseconds (divided by {factor:,})",
            ),
        )
        at //= factor
    off = at - now_ms()
    if abs(off) <= window_ms:
        yield KeyInfoCheck(True, Phrase("时间在允许范围内", "the time is within the window"))
    else:
        zh, en = _spoken(abs(off) // 1_000)
        ahead = off > 0
        yield KeyInfoCheck(
            False,
            Phrase(
                f"时间比服务器{'快' if ahead else '慢'}{zh}，最多相差{window_ms // 60_000}分钟："
                "请校准时钟，或在每次请求时重新取时间",
                f"the time is {en} {'ahead of' if ahead else 'behind'} the server's; "
                f"minutes allowed: {window_ms // 60_000}. Correct the clock, or read the time for each request",
            ),
        )


def _spoken(seconds: int) -> tuple[str, str]:
    for size, zh, en in ((86_400, "天", "days"), (3_600, "小时", "hours"), (60, "分钟", "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size}{zh}", f"{seconds // size} {en}"
    return f"{seconds}秒", f"{seconds} seconds"


def _of_key_info(app_id: str, app_key: str, previous_key: str | None, timestamp: str, key_info: str) -> KeyInfoCheck:
    digest = _digest_of(key_info)
    if digest is None:
        return KeyInfoCheck(
            False,
            Phrase(
                f"keyInfo须为64位（SHA256）或40位（SHA1）十六进制，收到{len(key_info)}个字符",
                f"keyInfo must be 64 (SHA-256) or 40 (SHA-1) hex digits; characters received: {len(key_info)}",
            ),
        )
    if key_info and not _is_hex(key_info):
        return KeyInfoCheck(False, Phrase("keyInfo是Base64，须为十六进制", "keyInfo is Base64; it must be hex"))
    for key, whose in ((app_key, None), (previous_key, _PREVIOUS)):
        if key is None:
            continue
        for signed in _attempts(app_id, key, timestamp):
            if hmac.compare_digest(signed.digest, digest):
                wrong = signed.wrong or whose
                return KeyInfoCheck(signed.wrong is None, wrong or (_RIGHT if key_info == key_info.upper() else _LOWER))
    return KeyInfoCheck(
        False,
        Phrase(
            "keyInfo与任何已知的错误都不相符：请检查appKey是否为此应用的当前密钥，前后有没有空格或换行",
            "keyInfo matches no known mistake: is appKey the app's current key, without spaces or line breaks?",
        ),
    )


_RIGHT = Phrase("keyInfo正确", "keyInfo is right")
_LOWER = Phrase(
    "keyInfo正确，但写成了小写：本平台接受，规范要求大写",
    "keyInfo is right, but in lower case: this server accepts it, the specification requires upper case",
)
_PREVIOUS = Phrase(
    "keyInfo正确，但用的是旧密钥，请尽快更换", "keyInfo is right, but uses the previous key: switch to the new one soon"
)


def _attempts(app_id: str, key: str, timestamp: str) -> Iterator[_Signed]:
    """Yield the ways in which a request could have been signed, the right one first."""
    for name in ("sha256", "sha1"):
        for text, wrong in _texts(app_id, key, timestamp):
            yield _Signed(hmac.new(key.encode(), text.encode(), name).digest(), wrong)
        right = f"{app_id}{key}{timestamp}"
        yield _Signed(
            hmac.new(app_id.encode(), right.encode(), name).digest(),
            Phrase("HMAC的密钥须为appKey，而不是appId", "the HMAC's key must be the appKey, not the appId"),
        )
        yield _Signed(
            hashlib.new(name, right.encode()).digest(),
            Phrase("须用HMAC，而不是普通的哈希", "it must be an HMAC, not a plain hash"),
        )
        for decoded in _decoded(key):
            yield _Signed(
                hmac.new(decoded, right.encode(), name).digest(),
                Phrase(
                    "appKey须按文本使用，不要先解码十六进制", "use the appKey as text; do not decode its hex digits"
                ),
            )


def _texts(app_id: str, key: str, timestamp: str) -> Iterator[tuple[str, Phrase | None]]:
    yield f"{app_id}{key}{timestamp}", None
    names = {"appId": app_id, "appKey": key, "timeStamp": timestamp}
    for order in permutations(names):
        names_in_order = "+".join(order)
        if names_in_order != "appId+appKey+timeStamp":
            yield (
                "".join(names[name] for name in order),
                Phrase(
                    f"顺序是{names_in_order}，须为appId+appKey+timeStamp",
                    f"the order is {names_in_order}; it must be appId+appKey+timeStamp",
                ),
            )
    for separator in ("&", "+", ",", "|", " ", "-", "_", "\n"):
        yield (
            separator.join(names.values()),
            Phrase("各部分之间不要加分隔符", "do not put separators between the three parts"),
        )
    yield f"{app_id}{timestamp}", Phrase("缺少appKey", "appKey is missing from the signed text")
    yield f"{app_id}{key}{timestamp}\n", Phrase("末尾多了换行符", "the signed text ends with a line break")
    yield (
        f"{app_id.upper()}{key.upper()}{timestamp}",
        Phrase("appId和appKey区分大小写，不要转换", "appId and appKey are case-sensitive; do not change their case"),
    )
    if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS:
        for other in {str(int(timestamp) // 1_000), str(int(timestamp) * 1_000)}:
            yield (
                f"{app_id}{key}{other}",
                Phrase(
                    "签名用的时间与timeStamp不同：一个是秒，一个是毫秒",
                    "the signed time differs from timeStamp: one is in seconds, the other in milliseconds",
                ),
            )


def _digest_of(key_info: str) -> bytes | None:
    if _is_hex(key_info):
        return bytes.fromhex(key_info) if len(key_info) in {40, 64} else None
    try:
        decoded = base64.b64decode(key_info, validate=True)
    except ValueError:
        return None
    return decoded if len(decoded) in {20, 32} else None


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdefABCDEF" for letter in text)


def _decoded(key: str) -> Iterator[bytes]:
    if key and len(key) % 2 == 0 and _is_hex(key):
        yield bytes.fromhex(key)
