"""The calls that `msgcenter demo` makes, each printed with its answer."""

import json
import time
from typing import Any, NamedTuple

import httpx
from rich.rule import Rule

from msgcenter.actions.apps.apps import AppCredentials
from msgcenter.cli.console import out
from msgcenter.cli.demo.directory import CLASS, SCHOOL, readers
from msgcenter.cli.demo.json_view import colour_json, format_json
from msgcenter_client import key_info

SEED_USER = "7b551a5f23c242838c04e0fb02196e51"
SEED_CALL = (
    b'{\n\t"publisherId":"7b551a5f23c242838c04e0fb02196e51",\n\t"platformCode":"420100",\n'
    b'\t"isRead":1, \n\t"msgId":["3806","1312"]\n}'
)
"""The sample request of the open platform's documentation, byte for byte."""
USERS = [SEED_USER, "teacher-li", "parent-wang"]

_TIMEOUT = 30.0
"""Seconds that a call may take, as the demo may run on a busy machine."""
_WIDEST = 100
_SEND = "/msgCenter/message/sendMsg"
_TEXT = {"text": {"content": "明天上午九点全校消防演练,请准时参加。"}}
_NEWS = {"text": {"content": "因降雪,周五全市停课一天。"}}
_LINK = {
    "link": {
        "title": "第三单元作业",
        "content": "请在周五前完成并上传。",
        "busiId": "homework-3",
        "pcUrl": "https://homework.example.edu/3",
        "appUrl": "https://homework.example.edu/m/3",
    }
}
_CLASS_NEWS = {"senderName": "李老师", "text": {"content": "本周五下午三点召开三(2)班家长会,请准时参加。"}}
_SCHOOL_NEWS = {"senderName": "示范第一小学教务处", "text": {"content": "下周三举行运动会,请为孩子准备运动服。"}}
_MAILED = {"text": {"content": "今天放学后有雷阵雨,请提醒孩子带伞。"}}
_OA = {
    "approval": True,
    "busiId": "leave-17",
    "pcUrl": "https://oa.example.edu/leave/17",
    "appUrl": "https://oa.example.edu/m/leave/17",
    "oa": {
        "head": {"text": "请假审批", "bgColor": "FF2F6FDE"},
        "body": {
            "title": "李老师的请假申请",
            "form": [{"key": "时间", "value": "11月25日 全天"}, {"key": "事由", "value": "培训"}],
            "author": "李老师",
        },
    },
}


class Story(NamedTuple):
    """What the story leaves: the app's token, and the message whose report can be seen in the portal."""

    token: str
    reported: str


class StoryError(Exception):
    """The token call was refused. It has been printed."""


def tell_story(url: str, credentials: AppCredentials) -> Story:
    """Make the calls and print them. Raises StoryError or httpx.HTTPError."""
    with httpx.Client(base_url=url, trust_env=False, timeout=_TIMEOUT) as http:
        caller = _Caller(http)
        app_id = credentials.app.app_id
        now = int(time.time() * 1_000)
        proof = {"appId": app_id, "timeStamp": now, "keyInfo": key_info(app_id, credentials.app_key, now)}
        answer = caller.call(
            "1. The app proves that it has its appKey, and gets a token", "/apigateway/getAccessToken", proof
        )
        if "tokenInfo" not in answer:
            raise StoryError(str(answer.get("retDesc")))
        caller.token = answer["tokenInfo"]["accessToken"]
        for number, kind, name, body in ((2, "text", "A text", _TEXT), (3, "link", "A link", _LINK)):
            caller.call(f"{number}. {name} to three users", _SEND, _message(kind, body))
        caller.call("4. An oa card", _SEND, _message("oa", _OA))
        everyone = {"toAll": True, "msgtype": "text", **_NEWS, "requestId": "demo-everyone"}
        caller.call("5. A text to everyone: one row for any number of users", _SEND, everyone)
        caller.call(
            "6. The sample call of the open platform: set two messages read",
            "/msgCenter/message/modMsgStatus",
            SEED_CALL,
        )
        caller.call("7. Count the unread messages", "/msgCenter/message/getUnreadCount", {"publisherId": SEED_USER})
        reported = _tell_about_school(caller)
        _tell_about_mail(caller)
        return Story(caller.token, reported)


def _tell_about_school(caller: "_Caller") -> str:
    """Send to the parents of a class and of its school; return the id of the message to the school."""
    message_id = ""
    for number, audience, org_id, body in (
        (8, "a class", CLASS, _CLASS_NEWS),
        (9, "all classes of a school", SCHOOL, _SCHOOL_NEWS),
    ):
        message = {"orgIds": [org_id], "roles": ["par"], "msgtype": "text", **body, "requestId": org_id}
        answer = caller.call(f"{number}. A text to the parents of {audience}", _SEND, message)
        message_id = str(answer.get("msgId", ""))
    for user in readers():
        caller.post("/msgCenter/message/modMsgStatus", {"publisherId": user, "isRead": 1, "msgId": [message_id]})
    caller.call(
        "10. Some parents have read it: count them by class",
        "/msgCenter/message/getMsgStatus",
        {"msgId": message_id, "groupBy": "org", "orgId": SCHOOL, "pageSize": 1},
    )
    return message_id


def _tell_about_mail(caller: "_Caller") -> None:
    """Send a message that is mailed after a minute to those who have not read it; one of the two reads it."""
    answer = caller.call(
        "11. A text that is mailed in a minute to those who have not read it by then: teacher-li has",
        _SEND,
        {
            "receiverIds": ["teacher-li", "parent-wang"],
            "msgtype": "text",
            **_MAILED,
            "category": "notice",
            "channels": ["email", "push"],
            "channelDelay": 1,
        },
    )
    message_ids = [str(answer.get("msgId", ""))]
    caller.post("/msgCenter/message/modMsgStatus", {"publisherId": "teacher-li", "isRead": 1, "msgId": message_ids})


def _message(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    # With a requestId, a second run within a day sends nothing and gets the same msgId.
    return {"receiverIds": USERS, "msgtype": kind, **body, "requestId": f"demo-{kind}"}


class _Caller:
    """Makes calls and prints them with their answers."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._width = min(out.width, _WIDEST)
        self.token = ""

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Make a call without printing it."""
        self._http.post(path, json=body, params={"accessToken": self.token})

    def call(self, heading: str, path: str, body: dict[str, Any] | bytes) -> dict[str, Any]:
        """Make a call, print it, and return the answer."""
        content = body if isinstance(body, bytes) else format_json(body, self._width).encode()
        parameters = {"accessToken": self.token} if self.token else None
        start = time.perf_counter()
        response = self._http.post(
            path, content=content, params=parameters, headers={"Content-Type": "application/json"}
        )
        milliseconds = (time.perf_counter() - start) * 1_000
        answer: dict[str, Any] = response.json()
        out.print()
        out.print(Rule(f"[bold]{heading}[/]", align="left", style="dim"), width=self._width)
        target = f"{path}?accessToken={self.token[:6]}…" if self.token else path
        out.print(f"[bold blue]POST[/] {target}", soft_wrap=True)
        self._print(content.decode())
        colour = "green" if answer.get("retCode") == "000000" else "red"
        out.print(f"[bold {colour}]{response.status_code}[/] in {milliseconds:.1f} ms")
        self._print(response.text)
        return answer

    def _print(self, text: str) -> None:
        """Print a body as it was sent, reformatted only if a line is too long."""
        if max(map(len, text.splitlines())) > self._width:
            text = format_json(json.loads(text), self._width)
        out.print(colour_json(text), soft_wrap=True)
