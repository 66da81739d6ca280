"""Web push: messages to the browsers of a user, also while no page is open (RFC 8030)."""

from collections.abc import Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct

from msgcenter.channels.base64url import from_base64url, to_base64url
from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import reason
from msgcenter.channels.plain import cut, plain_text, plain_title
from msgcenter.channels.push_encryption import MAX_PLAINTEXT, encrypt
from msgcenter.channels.vapid import Vapid, new_private_key, parse_private_key, public_key_of
from msgcenter.domain.channels.note import Note
from msgcenter.domain.content import check_url
from msgcenter.domain.language import Phrase
from msgcenter.domain.network import ForbiddenAddressError
from msgcenter.domain.refusal import malformed
from msgcenter.outbound.http_client import Answer, Header, HttpClient, NoAnswerError
from msgcenter.outbound.network import Network

_TIMEOUT = 10.0
_ANSWER_BYTES = 1_024
_TITLE_LIMIT = 120
_TEXT_LIMIT = 600
"""Characters. Browsers show far fewer; four bytes each still fit into a message."""
_URL_LIMIT = 1_024
_GONE = frozenset((404, 410))
_NOT_A_SUBSCRIPTION = Outcome("never", "not a push subscription", is_bad_address=True)


class PushConfig(Config, frozen=True, kw_only=True):
    """The key that identifies this sender to push services. `ttl` is how long they keep a message, in seconds."""

    contact: str
    private_key: str
    ttl: int

    @property
    def public_key(self) -> str:
        """The key that browsers need to subscribe: 65 bytes in base64url."""
        key = parse_private_key(self.private_key)
        assert key is not None
        return public_key_of(key)

    def label(self) -> str:
        """Return the contact and the start of the public key."""
        return f"{self.contact} · {self.public_key[:12]}…"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return PushGateway(self, network)


FIELDS = (
    Field(
        "contact",
        Phrase("联系方式", "Contact"),
        Phrase("推送服务联系运营者所用:mailto:或https:网址", "where push services reach you: a mailto: or https: URL"),
    ),
    Field(
        "private_key",
        Phrase("私钥", "Private key"),
        Phrase(
            "留空则自动生成。更换后,浏览器在下次打开消息中心时重新订阅",
            "empty: a new one. After a change, browsers subscribe again when their inbox is opened next",
        ),
        is_secret=True,
        required=False,
    ),
    Field(
        "ttl",
        Phrase("保留时间(秒)", "Time to live (s)"),
        Phrase("设备离线时推送服务保留消息的时间", "how long a message is kept for a device that is offline"),
        default="86400",
    ),
)


def configure(fields: Mapping[str, str]) -> PushConfig:
    """Return the configuration, with a new key if there is none."""
    values = Values(FIELDS, fields)
    contact = values.text("contact")
    if not contact.startswith("mailto:"):
        check_url(contact, "contact")
    elif "@" not in contact or not contact.isascii() or " " in contact:
        raise malformed(
            "contact", "须为mailto:邮件地址或https:网址", "must be mailto: with an address, or an https: URL"
        )
    private_key = values.text("private_key") or new_private_key()
    if parse_private_key(private_key) is None:
        raise malformed("private_key", "须为base64url编码的P-256私钥", "must be a private key of P-256 in base64url")
    return PushConfig(contact=contact, private_key=private_key, ttl=values.number("ttl", 0, 2_419_200))


PROVIDER = Provider("push", "webpush", Phrase("浏览器推送", "Web push"), FIELDS, 50, configure)


class _Keys(Struct, frozen=True):
    p256dh: str
    auth: str


class _Subscription(Struct, frozen=True):
    """The address of a parcel: what a browser's `PushSubscription.toJSON()` says."""

    endpoint: str
    keys: _Keys


class PushGateway:
    """Sends to the push services that browsers have named. One that fails does not pause the others."""

    def __init__(self, config: PushConfig, network: Network) -> None:
        key = parse_private_key(config.private_key)
        assert key is not None
        self._vapid = Vapid(key, config.contact)
        self._ttl = config.ttl
        self._client = HttpClient(network, timeout=_TIMEOUT, answer_bytes=_ANSWER_BYTES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, parcel: Parcel) -> Outcome:
        """Send a message to one browser."""
        try:
            address = msgspec.json.decode(parcel.address, type=_Subscription)
            body = encrypt(
                payload(parcel.note),
                p256dh=from_base64url(address.keys.p256dh),
                auth=from_base64url(address.keys.auth),
            )
            answer = await self._client.post(address.endpoint, self._headers(parcel, address.endpoint), body)
        except NoAnswerError as error:
            return Outcome("later", reason(str(error)))
        except ForbiddenAddressError as error:
            return Outcome("never", reason(str(error)), is_bad_address=True)
        except ValueError:
            return _NOT_A_SUBSCRIPTION
        return classify(answer)

    def _headers(self, parcel: Parcel, endpoint: str) -> tuple[Header, ...]:
        note = parcel.note
        return (
            ("Authorization", self._vapid.authorization(endpoint)),
            ("Content-Encoding", "aes128gcm"),
            ("Content-Type", "application/octet-stream"),
            ("TTL", str(self._ttl)),
            ("Topic", topic(note)),
            ("Urgency", "high" if note.is_urgent else "low" if note.digest else "normal"),
        )


def topic(note: Note) -> str:
    """Return what replaces an older message to the same browser that was not delivered yet (RFC 8030, 5.4)."""
    name = "digest" if note.digest else f"message {note.message_id}"
    return to_base64url(sha256(name.encode()).digest()[:24])


def payload(note: Note) -> bytes:
    """Return what the service worker gets, as JSON: `title`, `body`, `lang`; `msgId` and `url` to open, `badge`.

    The service worker of the inbox page (inbox/worker) shows it.
    """
    content: dict[str, Any] = {
        "title": cut(plain_title(note), _TITLE_LIMIT),
        "body": cut(plain_text(note), _TEXT_LIMIT),
        "lang": "zh-CN" if note.language == "zh" else "en",
    }
    if note.digest:
        content["tag"] = "msg-inbox-digest"
    else:
        content["msgId"] = str(note.message_id)
    if note.link and len(note.link) <= _URL_LIMIT:
        content["url"] = note.link
    if note.unread is not None:
        content["badge"] = note.unread
    encoded = msgspec.json.encode(content)
    if len(encoded) > MAX_PLAINTEXT:
        encoded = msgspec.json.encode({**content, "body": ""})
    return encoded


def classify(answer: Answer) -> Outcome:
    """Return the outcome by an answer (RFC 8030, 5 and 7.3)."""
    if 200 <= answer.status < 300:
        return Outcome("accepted", provider_id=reason(answer.headers.get("location", "")))
    text = reason(f"HTTP {answer.status} {answer.text}")
    if answer.status in _GONE:
        return Outcome("never", text, is_bad_address=True)
    if answer.status >= 500 or answer.status in {408, 429}:
        return Outcome("later", text)
    return Outcome("never", text)
