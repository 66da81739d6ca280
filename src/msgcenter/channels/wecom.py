"""WeCom: application messages as text cards (developer.work.weixin.qq.com, document/path/90236)."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from msgcenter.channels.answer_codes import AnswerCodes
from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import Request, json_object, scalar
from msgcenter.channels.plain import OPEN, cut_bytes, plain_text, plain_title, sender_line
from msgcenter.channels.token_gateway import TOKEN_REFUSED, Token, TokenGateway, token_of
from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Phrase
from msgcenter.outbound.http_client import Answer
from msgcenter.outbound.network import Network

_TITLE_BYTES, _DESCRIPTION_BYTES, _URL_BYTES, _TEXT_BYTES = 128, 512, 2_048, 2_048
_REPEATED_SECONDS = 600
"""WeCom delivers an equal message to a user only once in this time: so a repeated attempt is no second message."""
_USER_ID = re.compile(r"(?!@all$)[^|\s]{1,64}", re.IGNORECASE)
"""One user: `|` would separate several, and @all would be everyone."""
_CODES = AnswerCodes(
    token=frozenset((40014, 41001, 42001)),
    busy=frozenset((-1, 45009, 45033)),
    address=frozenset((40003, 60111, 81013)),
    setup=frozenset((40001, 40013, 40056, 41002, 41004, 48002, 50001, 60011, 60020, 301002)),
)


class WecomConfig(Config, frozen=True, kw_only=True):
    """An application of a company at WeCom."""

    corp_id: str
    agent_id: int
    secret: str
    base_url: str

    def label(self) -> str:
        """Return the company and the application."""
        return f"{self.corp_id} · {self.agent_id}"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return TokenGateway(Wecom(self), network)


FIELDS = (
    Field("corp_id", Phrase("企业ID", "Corp ID"), Phrase("管理后台“我的企业”页底部", "console, page My Company")),
    Field("agent_id", Phrase("应用AgentId", "AgentId"), Phrase("自建应用详情页", "page of the self-built app")),
    Field("secret", Phrase("应用Secret", "App secret"), is_secret=True),
    Field("base_url", Phrase("接口地址", "API address"), default="https://qyapi.weixin.qq.com"),
)


def configure(fields: Mapping[str, str]) -> WecomConfig:
    """Return the configuration."""
    values = Values(FIELDS, fields)
    return WecomConfig(
        corp_id=values.text("corp_id"),
        agent_id=values.number("agent_id", 1, 2**31),
        secret=values.text("secret"),
        base_url=values.base_url("base_url"),
    )


PROVIDER = Provider("wecom", "wecom", Phrase("企业微信", "WeCom"), FIELDS, 20, configure)


class Wecom:
    """How messages are sent by an application."""

    def __init__(self, config: WecomConfig) -> None:
        self._config = config

    def token_request(self) -> Request:
        """Return the request for a token."""
        query = urlencode({"corpid": self._config.corp_id, "corpsecret": self._config.secret})
        return Request(f"{self._config.base_url}/cgi-bin/gettoken?{query}", headers=(), method="GET")

    def read_token(self, answer: Answer) -> Token | Outcome:
        """Return the token, or why there is none."""
        return token_of(answer, _CODES, code="errcode", text="errmsg", value="access_token", lifetime="expires_in")

    def render(self, parcel: Parcel, token: str) -> Request | Outcome:
        """Return the request for a text card, or a text if there is nothing to open."""
        if not _USER_ID.fullmatch(parcel.address):
            return Outcome("never", "not a user id", is_bad_address=True)
        body = {
            "touser": parcel.address,
            "agentid": self._config.agent_id,
            "enable_duplicate_check": 1,
            "duplicate_check_interval": _REPEATED_SECONDS,
            **_message(parcel.note),
        }
        url = f"{self._config.base_url}/cgi-bin/message/send?{urlencode({'access_token': token})}"
        return Request(url, msgspec.json.encode(body))

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome; a user whom the application cannot see is in the answer to an accepted message."""
        content = json_object(answer)
        code = scalar(content, "errcode")
        if code == 0 and content.get("invaliduser"):
            return Outcome("never", "the user is unknown or cannot see the application", is_bad_address=True)
        if code == 0 and content.get("unlicenseduser"):
            return Outcome("never", "the user has no licence")
        if code == 0:
            return Outcome("accepted", provider_id=str(content.get("msgid", "")))
        if code in _CODES.token:
            return TOKEN_REFUSED
        return _CODES.outcome(code, str(content.get("errmsg", f"HTTP {answer.status}")))


def _message(note: Note) -> dict[str, object]:
    title, text = plain_title(note), plain_text(note)
    if not note.link or len(note.link) > _URL_BYTES:
        return {"msgtype": "text", "text": {"content": cut_bytes(f"{title}\n{text}".strip(), _TEXT_BYTES)}}
    card = {
        "title": cut_bytes(title, _TITLE_BYTES),
        "description": _description(f"{text}\n{sender_line(note)}".strip()) or title,
        "url": note.link,
        "btntxt": OPEN.in_language(note.language),
    }
    return {"msgtype": "textcard", "textcard": card}


def _description(text: str) -> str:
    """Return lines as WeCom shows them. The text has no tags of its own: its angle brackets become wide ones."""
    lines = text.replace("<", "\uff1c").replace(">", "\uff1e")
    room = _DESCRIPTION_BYTES - 3 * lines.count("\n")  # a break has three bytes more than a line feed
    return cut_bytes(lines, max(room, 3)).replace("\n", "<br>")
