"""Servers in the place of each channel's gateway. Each checks the documented request, and knows who is there.

A stand answers as the gateway does: accepted, nobody has this address, or that it is down. What it has accepted it
keeps, by address.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from msgcenter.domain.channels.codes import Channel
from tests.channels.browser import Browser
from tests.channels.fake_server import Call, FakeServer, Reply, reply, serving
from tests.smtp_sink import SmtpSink, smtp_sink

TOKEN = "tok-1"
PROVIDERS: tuple[tuple[Channel, str], ...] = (
    ("email", "smtp"),
    ("sms", "aliyun"),
    ("sms", "tencent"),
    ("sms", "http"),
    ("wecom", "wecom"),
    ("dingtalk", "dingtalk"),
    ("feishu", "feishu"),
    ("push", "webpush"),
    ("apprise", "apprise"),
)
"""All providers with their channels."""
DOWN: Reply = (503, {}, b"")


@dataclass
class Stand:
    """The server of a provider, with the `fields` of its gateway.

    `unknown` are addresses that nobody has; `why` is in the reason that the gateway then gives. `taken` are the texts
    that it has accepted, by address. `problems` are requests that are not as documented.
    """

    channel: Channel
    provider: str
    fields: Mapping[str, str]
    why: str
    unknown: set[str] = field(default_factory=set)
    is_down: bool = False
    taken: dict[str, list[str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    endpoint: str = ""
    browsers: dict[str, Browser] = field(default_factory=dict)

    def take(self, address: str, text: str) -> bool:
        """Take a text for an address; return whether somebody has it."""
        if address in self.unknown:
            self.refused[address] += 1
            return False
        self.taken.setdefault(address, []).append(text)
        return True

    @property
    def sent(self) -> Counter[str]:
        """The number of accepted texts by address."""
        return Counter({address: len(texts) for address, texts in self.taken.items()})

    def subscription(self, address: str) -> str:
        """Return the subscription of a new browser with the address as the path of its endpoint."""
        self.browsers[address] = Browser()
        return self.browsers[address].subscription(f"{self.endpoint}/{address}")


_Serve = Callable[[Stand, Call], Reply | None]
"""Answers a call; None if it is not as documented."""


def _wecom(stand: Stand, call: Call) -> Reply | None:
    if call.path == "/cgi-bin/gettoken":
        return reply({"errcode": 0, "errmsg": "ok", "access_token": TOKEN, "expires_in": 7200})
    if (call.method, call.path, call.query) != ("POST", "/cgi-bin/message/send", {"access_token": TOKEN}):
        return None
    card = call.json["textcard"]
    assert (call.json["agentid"], call.json["msgtype"], bool(card["url"])) == (7, "textcard", True)
    known = stand.take(call.json["touser"], card["title"])
    return reply({"errcode": 0, "msgid": "m"} if known else {"errcode": 81013, "errmsg": "all invalid"})


def _dingtalk(stand: Stand, call: Call) -> Reply | None:
    if call.path == "/gettoken":
        return reply({"errcode": 0, "errmsg": "ok", "access_token": TOKEN, "expires_in": 7200})
    path = "/topapi/message/corpconversation/asyncsend_v2"
    if (call.method, call.path, call.query) != ("POST", path, {"access_token": TOKEN}):
        return None
    message = call.json["msg"]
    assert (call.json["agent_id"], message["msgtype"], bool(message["oa"]["message_url"])) == (7, "oa", True)
    known = stand.take(call.json["userid_list"], message["oa"]["body"]["title"])
    return reply({"errcode": 0, "task_id": 1} if known else {"errcode": 33012, "errmsg": "invalid USERID"})


def _feishu(stand: Stand, call: Call) -> Reply | None:
    if call.path == "/open-apis/auth/v3/tenant_access_token/internal":
        return reply({"code": 0, "msg": "ok", "tenant_access_token": TOKEN, "expire": 7200})
    if (call.method, call.path, call.query) != ("POST", "/open-apis/im/v1/messages", {"receive_id_type": "user_id"}):
        return None
    card = json.loads(call.json["content"])
    assert (call.headers["authorization"], call.json["msg_type"]) == (f"Bearer {TOKEN}", "interactive")
    known = stand.take(call.json["receive_id"], card["header"]["title"]["content"])
    return reply({"code": 0, "data": {"message_id": "om"}} if known else {"code": 230013, "msg": "no availability"})


def _aliyun(stand: Stand, call: Call) -> Reply | None:
    if (call.method, call.path, call.headers["x-acs-action"]) != ("POST", "/", "SendSms"):
        return None
    query = call.query
    assert (query["SignName"], query["TemplateCode"]) == ("School", "SMS_1")
    assert call.headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=LTAI1,")
    known = stand.take(f"+86{query['PhoneNumbers']}", json.loads(query["TemplateParam"])["title"])
    return reply({"Code": "OK", "BizId": "1"} if known else {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "why"})


def _tencent(stand: Stand, call: Call) -> Reply | None:
    if (call.method, call.path, call.headers["x-tc-action"]) != ("POST", "/", "SendSms"):
        return None
    assert (call.json["SmsSdkAppId"], call.json["TemplateId"]) == ("14", "11")
    assert call.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=AKID1/")
    (number,), (title,) = call.json["PhoneNumberSet"], call.json["TemplateParamSet"]
    code = "Ok" if stand.take(number, title) else "InvalidParameterValue.IncorrectPhoneNumber"
    return reply({"Response": {"SendStatusSet": [{"SerialNo": "1", "Code": code, "Message": "why"}]}})


def _sms_http(stand: Stand, call: Call) -> Reply | None:
    if (call.method, call.path) != ("POST", "/sms") or call.json["id"] != call.headers["webhook-id"]:
        return None
    return reply({}) if stand.take(call.json["mobile"], call.json["title"]) else (410, {}, b"no such number")


def _push(stand: Stand, call: Call) -> Reply | None:
    address = call.path.removeprefix("/")
    if call.method != "POST" or call.headers["content-encoding"] != "aes128gcm" or address not in stand.browsers:
        return None
    assert call.headers["authorization"].startswith("vapid t=")
    content = stand.browsers[address].read(call.body)
    return (201, {}, b"") if stand.take(address, content["title"] or content["body"]) else (410, {}, b"expired")


def _apprise(stand: Stand, call: Call) -> Reply | None:
    return reply({}) if stand.take("", call.json["title"]) else None


_SERVE: dict[str, _Serve] = {
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
    "aliyun": _aliyun,
    "tencent": _tencent,
    "http": _sms_http,
    "webpush": _push,
    "apprise": _apprise,
}


def _fields(provider: str, server: FakeServer) -> tuple[dict[str, str], str]:
    """Return the fields of a provider's gateway, and what its refusal of an address says."""
    base = {"base_url": server.url}
    made: dict[str, tuple[dict[str, str], str]] = {
        "wecom": ({**base, "corp_id": "ww1", "agent_id": "7", "secret": "s"}, "81013 all invalid"),
        "dingtalk": ({**base, "app_key": "d", "app_secret": "s", "agent_id": "7"}, "33012 invalid USERID"),
        "feishu": ({**base, "app_id": "cli_1", "app_secret": "s"}, "230013 no availability"),
        "aliyun": (
            {
                **base,
                "access_key_id": "LTAI1",
                "access_key_secret": "s",
                "sign_name": "School",
                "template_code": "SMS_1",
                "template_params": '{"title": "{title}"}',
            },
            "isv.MOBILE_NUMBER_ILLEGAL why",
        ),
        "tencent": (
            {
                **base,
                "secret_id": "AKID1",
                "secret_key": "s",
                "sdk_app_id": "14",
                "sign_name": "School",
                "template_id": "11",
                "template_params": '["{title}"]',
            },
            "InvalidParameterValue.IncorrectPhoneNumber why",
        ),
        "http": ({"url": f"{server.url}/sms"}, "HTTP 410"),
        "webpush": ({"contact": "mailto:ops@school.example"}, "HTTP 410 expired"),
        "apprise": ({"urls": f"json://{server.host}"}, ""),
    }
    return made[provider]


@contextmanager
def stand_of(channel: Channel, provider: str) -> Iterator[Stand]:
    """Run the stand of a provider until the end of the block."""
    with smtp_stand() if provider == "smtp" else _http_stand(channel, provider) as stand:
        yield stand


@contextmanager
def _http_stand(channel: Channel, provider: str) -> Iterator[Stand]:
    with serving() as server:
        fields, why = _fields(provider, server)
        stand = Stand(channel, provider, fields, why, endpoint=server.url)

        def answer(call: Call) -> Reply:
            if stand.is_down:
                return DOWN
            problem: Any = None
            try:
                answered = _SERVE[provider](stand, call)
            except Exception as error:
                answered, problem = None, error
            if answered is None:
                stand.problems.append(f"{call.method} {call.target}: {problem!r}")
            return answered or (400, {}, b"")

        server.answer = answer
        yield stand


@contextmanager
def smtp_stand() -> Iterator[Stand]:
    """Run a mail server until the end of the block."""
    with smtp_sink() as sink:
        fields = {"host": "127.0.0.1", "port": str(sink.port), "security": "none", "from": "no-reply@school.example"}
        stand = _MailStand("email", "smtp", fields, "550 5.1.1 no such user", sink=sink)
        sink.answer_to = stand.answer_to
        yield stand


@dataclass
class _MailStand(Stand):
    sink: SmtpSink = field(default_factory=SmtpSink)

    def answer_to(self, address: str) -> str:
        """Answer RCPT for an address."""
        if self.is_down:
            return "421 4.3.2 not now"
        if address in self.unknown:
            self.refused[address] += 1
            return self.why
        return "250 accepted"

    @property
    def sent(self) -> Counter[str]:
        """The number of mails by address."""
        return self.sink.by_recipient


@contextmanager
def all_stands(sms: str) -> Iterator[dict[Channel, Stand]]:
    """Run a stand for each channel until the end of the block; `sms` is the provider of that channel."""
    with ExitStack() as stack:
        yield {
            channel: stack.enter_context(stand_of(channel, provider))
            for channel, provider in PROVIDERS
            if channel != "sms" or provider == sms
        }
