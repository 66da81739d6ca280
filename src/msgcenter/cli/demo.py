"""`msgcenter demo`: a demo app plays the main calls for all to see, then the server keeps serving."""

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax

from msgcenter.actions.apps import AppCredentials, Apps
from msgcenter.actions.sending import Sending
from msgcenter.application import database_of, database_url, key_ring, prepare
from msgcenter.cli.console import out
from msgcenter.cli.serving import ended_by_signals, listen, run_server
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.settings import Settings
from msgcenter.store.database import Database
from msgcenter.store.node_lease import NodeLease
from msgcenter_client import key_info

PLATFORM = "420100"
APP_ID = "msgcenter-demo"
SEED_USER = "7b551a5f23c242838c04e0fb02196e51"
SEED_CALL = (
    b'{\n\t"publisherId":"7b551a5f23c242838c04e0fb02196e51",\n\t"platformCode":"420100",\n'
    b'\t"isRead":1, \n\t"msgId":["3806","1312"]\n}'
)
"""The sample request of the open platform's documentation, byte for byte."""
_EARLIER = {3806: "家长会改到周五下午三点", 1312: "本周食谱已更新"}
_USERS = [SEED_USER, "teacher-li", "parent-wang"]


def run_demo(settings: Settings) -> None:
    """Prepare the demo app, run the server, play the calls once it answers, and serve until Ctrl-C."""
    with ended_by_signals(), listen(settings) as listener:
        with out.status("Starting the database…"):
            running = database_of(settings)
            complete = running.__enter__()
        try:
            credentials, is_new = asyncio.run(_prepare_demo(complete))
            where = complete.data_dir if settings.database_url is None else "the given database"
            out.print(f"[green]✓[/] PostgreSQL is running, the data is in [bold]{where}[/]")
            out.print(f"[green]✓[/] Demo app [bold]{APP_ID}[/] {'registered' if is_new else 'found again'}")
            run_server(complete, listener, workers=1, on_ready=lambda url: _play(url, credentials))
            out.print("\nStopping the server and its database…")
        finally:
            running.__exit__(None, None, None)
        out.print("[green]✓[/] Stopped. Nothing is lost: run it again and it goes on.")


async def _prepare_demo(settings: Settings) -> tuple[AppCredentials, bool]:
    """Return the demo app's credentials and whether it is new."""
    await prepare(settings)
    url = database_url(settings)
    async with Database(url, connections=3) as database, NodeLease(url) as lease:
        register = Apps(database, key_ring(settings))
        try:
            return await register.credentials(APP_ID), False
        except Refusal as refusal:
            if refusal.reason is not Reason.APP_UNKNOWN:
                raise
        credentials = await register.create("智慧校园 Demo", PLATFORM, app_id=APP_ID)
        sending = Sending(database, lease, waiting_limit=10)
        for message_id, content in _EARLIER.items():
            # The sample request names messages of the old platform, so they are taken over under their old ids.
            await sending.take_over(
                Draft(credentials.app.number, PLATFORM, Text(content), (SEED_USER,), message_id=message_id)
            )
        return credentials, True


class _Story:
    """Shows calls and their answers as they happen."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False)
        self.token = ""

    def tell(self, heading: str, path: str, body: dict[str, Any] | bytes) -> dict[str, Any]:
        """Make a call, show it, and return the answer."""
        content = body if isinstance(body, bytes) else _readable(body).encode()
        parameters = {"accessToken": self.token} if self.token else None
        began = time.perf_counter()
        response = self._http.post(path, content=content, params=parameters, headers=_JSON)
        took = (time.perf_counter() - began) * 1_000
        out.print()
        out.print(Rule(f"[bold]{heading}[/]", align="left"))
        shown = f"{path}?accessToken={self.token[:6]}…" if self.token else path
        out.print(f"[bold blue]POST[/] {shown}")
        out.print(Syntax(content.decode().expandtabs(2), "json", background_color="default", word_wrap=True))
        out.print(f"[bold green]{response.status_code}[/] in {took:.1f} ms")
        out.print(Syntax(response.text, "json", background_color="default", word_wrap=True))
        answer: dict[str, Any] = response.json()
        return answer


_JSON = {"Content-Type": "application/json"}


def _readable(body: dict[str, Any]) -> str:
    import json

    return json.dumps(body, ensure_ascii=False, indent=2)


def _play(url: str, credentials: AppCredentials) -> None:
    story = _Story(url)
    timestamp = int(time.time() * 1_000)
    answer = story.tell(
        "1. The app proves that it has its appKey and gets a token",
        "/apigateway/getAccessToken",
        {
            "appId": APP_ID,
            "timeStamp": timestamp,
            "keyInfo": key_info(APP_ID, credentials.app_key, timestamp),
        },
    )
    story.token = answer["tokenInfo"]["accessToken"]
    _send(story, "2. A text to three users", "text", {"text": {"content": "明天上午九点全校消防演练,请准时参加。"}})
    _send(
        story,
        "3. A link",
        "link",
        {
            "link": {
                "title": "第三单元作业",
                "content": "请在周五前完成并上传。",
                "busiId": "homework-3",
                "pcUrl": "https://homework.example.edu/3",
                "appUrl": "https://homework.example.edu/m/3",
            }
        },
    )
    _send(
        story,
        "4. An oa card",
        "oa",
        {
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
        },
    )
    story.tell(
        "5. The call that everything started from: two messages set read",
        "/msgCenter/message/modMsgStatus",
        SEED_CALL,
    )
    story.tell(
        "6. What is left unread",
        "/msgCenter/message/getUnreadCount",
        {"publisherId": SEED_USER},
    )
    _say_what_is_next(url, story.token, credentials)


def _send(story: _Story, heading: str, kind: str, body: dict[str, Any]) -> None:
    story.tell(
        heading,
        "/msgCenter/message/sendMsg",
        # With a requestId a second run within a day sends nothing twice: it gets the same msgId again.
        {"receiverIds": _USERS, "msgtype": kind, **body, "requestId": f"demo-{kind}"},
    )


def _say_what_is_next(url: str, token: str, credentials: AppCredentials) -> None:
    call = f"{url}/msgCenter/message"
    port = urlsplit(url).port
    out.print()
    out.print(
        Panel(f"[bold green]MsgCenter is serving on {url}[/]   (Ctrl-C stops it, and its database)", expand=False)
    )
    out.print("\n[bold]Try it[/] in another terminal (the token is good for two hours):\n")
    for line in (
        f"curl '{call}/sendMsg?accessToken={token}' -d '"
        '{"receiverIds":["parent-wang"],"msgtype":"text","text":{"content":"hello"}}\'',
        f"curl '{call}/getUnreadCount?accessToken={token}' -d '{{\"publisherId\":\"parent-wang\"}}'",
        f"curl '{call}/getMsgList?accessToken={token}' -H 'Accept-Language: en' -d '{{\"pageSize\":2}}'",
    ):
        out.print(line, soft_wrap=True, markup=False)
        out.print()
    out.print("[bold]As an app[/], with the SDK behind it:\n")
    server = "" if port == 8080 else f" --server {url}"
    out.print(
        f"MSGCENTER_APP_ID={APP_ID} MSGCENTER_APP_KEY={credentials.app_key} \\\n"
        f"  .venv/bin/msgcenter send --to parent-wang{server} 'hello from the command line'",
        soft_wrap=True,
        markup=False,
    )
    out.print("\n[bold]Next[/]")
    out.print("  your own app     .venv/bin/msgcenter app create --name NAME --platform CODE")
    out.print("  every call       docs/protocol.md, or the OpenAPI document at " + url + "/openapi.json")
    out.print("  the Python SDK   sdk/python/README.md")
    out.print("  for operators    docs/operating.md, and .venv/bin/msgcenter doctor\n")
