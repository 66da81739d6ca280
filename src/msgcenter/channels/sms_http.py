"""SMS through a gateway of the operator's own: a signed POST (docs/channels.md, "SMS: your own gateway")."""

import base64
import binascii
import time
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import JSON_TYPE, HttpGateway, Request, json_object, reason, wrong
from msgcenter.channels.plain import cut, one_line, plain_text, plain_title
from msgcenter.channels.sms import e164
from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import malformed
from msgcenter.domain.webhook import new_secret, signature_header, without_query
from msgcenter.outbound.http_client import Answer
from msgcenter.outbound.network import Network

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of Standard Webhooks, not a secret
_SETUP = frozenset((401, 403, 404, 405))
_GONE = 410


class SmsHttpConfig(Config, frozen=True, kw_only=True):
    """A URL and the secret that signs posts to it; `text_limit` is the longest text in characters."""

    url: str
    secret: str
    text_limit: int

    def label(self) -> str:
        """Return the URL without its parameters."""
        return without_query(self.url)

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return HttpGateway(SmsHttp(self), network)


FIELDS = (
    Field("url", Phrase("网址", "URL"), Phrase("接收POST请求的地址", "which takes the POSTs"), is_secret=True),
    Field(
        "secret",
        Phrase("签名密钥", "Signing secret"),
        Phrase("whsec_开头,留空则自动生成", "starts with whsec_; empty: a new one"),
        is_secret=True,
        required=False,
    ),
    Field("text_limit", Phrase("短信最大长度", "Longest text"), Phrase("字符数", "in characters"), default="300"),
)


def configure(fields: Mapping[str, str]) -> SmsHttpConfig:
    """Return the configuration, with a new secret if there is none."""
    values = Values(FIELDS, fields)
    secret = values.text("secret") or new_secret()
    if not _is_secret(secret):
        raise malformed("secret", "须为whsec_加Base64的密钥", "must be whsec_ and a key in Base64")
    return SmsHttpConfig(url=values.url("url"), secret=secret, text_limit=values.number("text_limit", 10, 2_000))


PROVIDER = Provider("sms", "http", Phrase("自有短信网关", "Your own SMS gateway"), FIELDS, 10, configure)


class SmsHttp:
    """How short messages are posted: as JSON, with the headers of Standard Webhooks."""

    def __init__(self, config: SmsHttpConfig) -> None:
        self._config = config

    def render(self, parcel: Parcel) -> Request | Outcome:
        """Return the signed request; each attempt of a parcel has the same `id`."""
        number = e164(parcel.address)
        if number is None:
            return Outcome("never", "not a mobile number", is_bad_address=True)
        note = parcel.note
        key = f"sms_{sha256(parcel.key.encode()).hexdigest()[:32]}"
        content = {
            "id": key,
            "mobile": number,
            "text": _text(note, self._config.text_limit),
            "title": plain_title(note),
            "link": note.link,
            "app": note.app_name,
            "sender": note.sender,
            "language": note.language,
        }
        body = msgspec.json.encode(content)
        timestamp = int(time.time())
        headers = (
            JSON_TYPE,
            ("webhook-id", key),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signature_header([self._config.secret], key, timestamp, body)),
        )
        return Request(self._config.url, body, headers)

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome by the HTTP status; an accepted message may name its own `id`."""
        if 200 <= answer.status < 300:
            return Outcome("accepted", provider_id=reason(str(json_object(answer).get("id", ""))))
        text = reason(f"HTTP {answer.status} {answer.text}")
        if answer.status in _SETUP or 300 <= answer.status < 400:
            return wrong(text)
        return Outcome("never", text, is_bad_address=answer.status == _GONE)


def _text(note: Note, limit: int) -> str:
    """Return one line with the link at its end, which is never cut."""
    text = one_line(f"{plain_title(note)} {plain_text(note)}")
    room = limit - len(note.link) - 1
    return f"{cut(text, room)} {note.link}" if note.link and room > 0 else cut(text, limit)


def _is_secret(secret: str) -> bool:
    try:
        return secret.startswith(_SECRET_PREFIX) and bool(
            base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        )
    except (binascii.Error, ValueError):
        return False
