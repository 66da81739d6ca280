"""DingTalk: work notifications as OA messages (open.dingtalk.com, asyncsend_v2)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from msgcenter.channels.answer_codes import AnswerCodes
from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import Request, json_object, scalar
from msgcenter.channels.plain import body_text, cut, one_line, plain_text, plain_title, rows_of
from msgcenter.channels.token_gateway import TOKEN_REFUSED, Token, TokenGateway, token_of
from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Phrase
from msgcenter.outbound.http_client import Answer
from msgcenter.outbound.network import Network

_HEAD, _TITLE, _CONTENT, _KEY, _VALUE, _AUTHOR, _TEXT = 30, 64, 500, 32, 100, 32, 1_000
"""Limits in characters."""
_MAX_ROWS = 6
_MAX_URL = 2_048
_COLOUR = re.compile(r"#?([0-9A-Fa-f]{2})?([0-9A-Fa-f]{6})")
_DEFAULT_COLOUR = "FF1677FF"
_USER_ID = re.compile(r"[^,\s]{1,64}")
"""One user: a comma would separate several."""
_CODES = AnswerCodes(
    token=frozenset((40014, 42001)),
    busy=frozenset((-1, *range(90001, 90031))),
    address=frozenset((33012, 40003, 60121)),
    setup=frozenset((33001, 40001, 40013, 40056, 40089, 40096, 60011, 60020)),
)
_AUTHORISATION = 88
"""The code of a refused call, whose `sub_code` says why."""


class DingtalkConfig(Config, frozen=True, kw_only=True):
    """An application of a company at DingTalk."""

    app_key: str
    app_secret: str
    agent_id: int
    base_url: str

    def label(self) -> str:
        """Return the application."""
        return f"{self.app_key} · {self.agent_id}"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return TokenGateway(Dingtalk(self), network)


FIELDS = (
    Field("app_key", Phrase("AppKey(Client ID)", "AppKey (Client ID)")),
    Field("app_secret", Phrase("AppSecret(Client Secret)", "AppSecret (Client Secret)"), is_secret=True),
    Field("agent_id", Phrase("应用AgentId", "AgentId"), Phrase("企业内部应用详情页", "page of the internal app")),
    Field("base_url", Phrase("接口地址", "API address"), default="https://oapi.dingtalk.com"),
)


def configure(fields: Mapping[str, str]) -> DingtalkConfig:
    """Return the configuration."""
    values = Values(FIELDS, fields)
    return DingtalkConfig(
        app_key=values.text("app_key"),
        app_secret=values.text("app_secret"),
        agent_id=values.number("agent_id", 1, 2**53),
        base_url=values.base_url("base_url"),
    )


PROVIDER = Provider("dingtalk", "dingtalk", Phrase("钉钉", "DingTalk"), FIELDS, 20, configure)


class Dingtalk:
    """How messages are sent by an application."""

    def __init__(self, config: DingtalkConfig) -> None:
        self._config = config

    def token_request(self) -> Request:
        """Return the request for a token."""
        query = urlencode({"appkey": self._config.app_key, "appsecret": self._config.app_secret})
        return Request(f"{self._config.base_url}/gettoken?{query}", headers=(), method="GET")

    def read_token(self, answer: Answer) -> Token | Outcome:
        """Return the token, or why there is none."""
        return token_of(answer, _CODES, code="errcode", text="errmsg", value="access_token", lifetime="expires_in")

    def render(self, parcel: Parcel, token: str) -> Request | Outcome:
        """Return the request for an OA message, or a text if there is nothing to open."""
        if not _USER_ID.fullmatch(parcel.address):
            return Outcome("never", "not a user id", is_bad_address=True)
        body = {
            "agent_id": self._config.agent_id,
            "userid_list": parcel.address,
            "msg": _message(parcel.note),
        }
        query = urlencode({"access_token": token})
        url = f"{self._config.base_url}/topapi/message/corpconversation/asyncsend_v2?{query}"
        return Request(url, msgspec.json.encode(body))

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome. DingTalk delivers later, so `accepted` means that it has taken the message."""
        content = json_object(answer)
        code = _code_of(content)
        if code == 0:
            return Outcome("accepted", provider_id=str(content.get("task_id", "")))
        if code in _CODES.token:
            return TOKEN_REFUSED
        text = content.get("sub_msg") or content.get("errmsg") or f"HTTP {answer.status}"
        return _CODES.outcome(code, str(text))


def _code_of(content: Mapping[str, Any]) -> object:
    sub_code = str(content.get("sub_code", ""))
    if scalar(content, "errcode") == _AUTHORISATION and sub_code.isascii() and sub_code.isdigit():
        return int(sub_code)
    return scalar(content, "errcode")


def _message(note: Note) -> dict[str, object]:
    title = plain_title(note)
    if not note.link or len(note.link) > _MAX_URL:
        return {"msgtype": "text", "text": {"content": cut(f"{title}\n{plain_text(note)}".strip(), _TEXT)}}
    rows = [
        {"key": cut(f"{one_line(label)}:", _KEY), "value": cut(one_line(value), _VALUE)}
        for label, value in rows_of(note)[:_MAX_ROWS]
    ]
    card: dict[str, object] = {
        "message_url": note.link,
        "pc_message_url": note.link,
        "head": {"bgcolor": _colour(note.colour), "text": cut(one_line(note.app_name) or title, _HEAD)},
        "body": {
            "title": cut(title, _TITLE),
            "form": rows,
            "content": cut(body_text(note), _CONTENT),
            "author": cut(one_line(note.sender), _AUTHOR),
        },
    }
    return {"msgtype": "oa", "oa": card}


def _colour(colour: str) -> str:
    """Return a colour as AARRGGBB."""
    found = _COLOUR.fullmatch(colour)
    return f"{found[1] or 'FF'}{found[2]}".upper() if found else _DEFAULT_COLOUR
