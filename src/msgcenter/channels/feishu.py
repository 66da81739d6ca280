"""Feishu and Lark: messages of an application's bot as cards (open.feishu.cn, im/v1/messages)."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, cast
from urllib.parse import urlencode

import msgspec

from msgcenter.channels.answer_codes import AnswerCodes
from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import DOWN_MS, JSON_TYPE, Request, json_object, scalar
from msgcenter.channels.plain import OPEN, body_text, cut, one_line, plain_title, rows_of, sender_line
from msgcenter.channels.token_gateway import TOKEN_REFUSED, Token, TokenGateway, token_of
from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Phrase
from msgcenter.outbound.http_client import Answer
from msgcenter.outbound.network import Network

IdType = Literal["user_id", "open_id", "union_id", "email"]
_TITLE, _TEXT, _ROW = 200, 2_000, 300
"""Limits in characters: a card has at most 30 KB."""
_MAX_ROWS = 10
_ID = re.compile(r"[\x21-\x7e]{1,254}")
_CODES = AnswerCodes(
    token=frozenset((99991661, 99991663, 99991664, 99991668, 99991677)),
    busy=frozenset((99991400,)),
    later=frozenset((230020, 230101)),
    address=frozenset((230013, 230034, 230053, 99992351, 99992360, 99992361, 99992364, 99992381)),
    setup=frozenset((10003, 10014, 10015, 230006, 230027, 99991401, 99991662, 99991672)),
)
_BAD_PARAMETER = 230001
_BAD_RECEIVER = "receive_id"
"""What the text of a bad parameter names if it is the receiver."""


class FeishuConfig(Config, frozen=True, kw_only=True):
    """An application with a bot; `id_type` is what the contacts are."""

    app_id: str
    app_secret: str
    id_type: IdType
    base_url: str

    def label(self) -> str:
        """Return the application."""
        return f"{self.app_id} · {self.id_type}"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return TokenGateway(Feishu(self), network)


FIELDS = (
    Field("app_id", Phrase("App ID", "App ID"), Phrase("须启用机器人能力", "the app must have the bot ability")),
    Field("app_secret", Phrase("App Secret", "App secret"), is_secret=True),
    Field(
        "id_type",
        Phrase("账号类型", "Kind of account"),
        Phrase("联系方式里存的是哪种ID", "which id the contacts are"),
        default="user_id",
        choices=("user_id", "open_id", "union_id", "email"),
    ),
    Field(
        "base_url",
        Phrase("接口地址", "API address"),
        Phrase("Lark为 https://open.larksuite.com", "of Lark: https://open.larksuite.com"),
        default="https://open.feishu.cn",
    ),
)


def configure(fields: Mapping[str, str]) -> FeishuConfig:
    """Return the configuration."""
    values = Values(FIELDS, fields)
    return FeishuConfig(
        app_id=values.text("app_id"),
        app_secret=values.text("app_secret"),
        id_type=cast(IdType, values.text("id_type")),
        base_url=values.base_url("base_url"),
    )


PROVIDER = Provider("feishu", "feishu", Phrase("飞书", "Feishu"), FIELDS, 15, configure)


class Feishu:
    """How messages are sent by a bot."""

    def __init__(self, config: FeishuConfig) -> None:
        self._config = config

    def token_request(self) -> Request:
        """Return the request for a token."""
        body = {"app_id": self._config.app_id, "app_secret": self._config.app_secret}
        return Request(
            f"{self._config.base_url}/open-apis/auth/v3/tenant_access_token/internal", msgspec.json.encode(body)
        )

    def read_token(self, answer: Answer) -> Token | Outcome:
        """Return the token, or why there is none."""
        return token_of(answer, _CODES, code="code", text="msg", value="tenant_access_token", lifetime="expire")

    def render(self, parcel: Parcel, token: str) -> Request | Outcome:
        """Return the request for a card. Feishu ignores a repeated `uuid` for an hour."""
        if not _ID.fullmatch(parcel.address):
            return Outcome("never", "not an account", is_bad_address=True)
        body = {
            "receive_id": parcel.address,
            "msg_type": "interactive",
            "content": msgspec.json.encode(_card(parcel.note)).decode(),
            "uuid": sha256(parcel.key.encode()).hexdigest()[:32],
        }
        query = urlencode({"receive_id_type": self._config.id_type})
        return Request(
            f"{self._config.base_url}/open-apis/im/v1/messages?{query}",
            msgspec.json.encode(body),
            (JSON_TYPE, ("Authorization", f"Bearer {token}")),
        )

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome."""
        content = json_object(answer)
        code, text = scalar(content, "code"), str(content.get("msg", f"HTTP {answer.status}"))
        if code == 0:
            return Outcome("accepted", provider_id=_message_id(content))
        if code in _CODES.token:
            return TOKEN_REFUSED
        outcome = _CODES.outcome(code, text)
        if code == _BAD_PARAMETER and _BAD_RECEIVER in text:
            return outcome._replace(is_bad_address=True)
        if code in _CODES.busy:
            return outcome._replace(pause_ms=_asked_pause(answer))
        return outcome


def _message_id(content: Mapping[str, Any]) -> str:
    data = content.get("data")
    return str(data.get("message_id", "")) if isinstance(data, dict) else ""


def _asked_pause(answer: Answer) -> int:
    seconds = answer.headers.get("x-ogw-ratelimit-reset", "")
    return int(seconds) * 1_000 if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else DOWN_MS


def _card(note: Note) -> dict[str, Any]:
    rows = rows_of(note)[:_MAX_ROWS]
    elements: list[dict[str, Any]] = []
    if text := body_text(note):
        elements.append({"tag": "div", "text": _plain(cut(text, _TEXT))})
    if rows:
        texts = [cut(f"{one_line(label)}: {one_line(value)}", _ROW) for label, value in rows]
        elements.append({"tag": "div", "fields": [{"is_short": False, "text": _plain(text)} for text in texts]})
    if note.link:
        button = {"tag": "button", "type": "primary", "text": _plain(OPEN.in_language(note.language)), "url": note.link}
        elements.append({"tag": "action", "actions": [button]})
    if sender := sender_line(note):
        elements.append({"tag": "note", "elements": [_plain(sender)]})
    return {
        "config": {"wide_screen_mode": True},
        "header": {"template": "red" if note.is_urgent else "blue", "title": _plain(cut(plain_title(note), _TITLE))},
        "elements": elements,
    }


def _plain(text: str) -> dict[str, str]:
    """Return a text in which nothing is mark-up."""
    return {"tag": "plain_text", "content": text}
