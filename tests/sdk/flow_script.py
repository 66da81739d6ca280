"""Runs the client without a network: a script answers its requests, on a clock of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgcenter_client import (
    MsgCenterError,
    TransportError,
)
from msgcenter_client.access_token import Credentials
from msgcenter_client.calls import Calls, SendOptions
from msgcenter_client.exchange import Request, Response
from msgcenter_client.flow import Flow, UnderTokenLock, Wait
from msgcenter_client.retry import RetryPolicy
from msgcenter_client.session import Session

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW_MS = 1_795_435_200_000
TWO_HOURS_MS = 7_200_000


def answer(
    ret_code: str = "000000", *, status: int = 200, headers: Mapping[str, str] | None = None, **fields: Any
) -> Response:
    content = json.dumps({"retCode": ret_code, "retDesc": f"text of {ret_code}", **fields}).encode()
    return Response(status, dict(headers or {}), content)


def token_answer(value: str, *, lifetime_ms: int = TWO_HOURS_MS) -> Response:
    return answer(tokenInfo={"accessToken": value, "validTime": str(NOW_MS + lifetime_ms)})


def timed_out() -> TransportError:
    error = TransportError("time-out")
    error.temporary = True
    return error


class Script:
    """Runs flows with prepared answers; records the requests and waits."""

    def __init__(self, *answers: Response | MsgCenterError, tokens: int = 9) -> None:
        self.answers = list(answers)
        self.token_answers: list[Response | MsgCenterError] = [token_answer(f"t{n}") for n in range(tokens)]
        self.bodies: list[dict[str, Any]] = []
        self.used_tokens: list[str] = []
        self.token_bodies: list[dict[str, Any]] = []
        self.request_ids: list[str] = []
        self.waits: list[float] = []

    def run(self, flow: Flow[Any]) -> Any:
        try:
            effect = next(flow)
            while True:
                outcome: Any = None
                match effect:
                    case Wait():
                        self.waits.append(effect.seconds)
                    case UnderTokenLock():
                        try:
                            outcome = self.run(effect.flow)
                        except MsgCenterError as error:
                            outcome = error
                    case Request():
                        outcome = self.reply(effect)
                effect = flow.throw(outcome) if isinstance(outcome, MsgCenterError) else flow.send(outcome)
        except StopIteration as end:
            return end.value

    def reply(self, request: Request) -> Response | MsgCenterError:
        body = json.loads(request.content)
        if request.path == "/apigateway/getAccessToken":
            self.token_bodies.append(body)
            return self.token_answers.pop(0)
        self.bodies.append(body)
        self.used_tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        self.request_ids.append(request.headers["X-Request-Id"])
        return self.answers.pop(0)


def calls(*, retries: int = 3, platform_code: str | None = None, clock: Callable[[], float] = NOW.timestamp) -> Calls:
    policy = RetryPolicy(retries, chance=lambda: 1.0)
    return Calls(Session(Credentials("app", "key"), policy, clock), platform_code)


def options(**values: Any) -> SendOptions:
    defaults: dict[str, Any] = dict.fromkeys(SendOptions.__struct_fields__)
    return SendOptions(**{**defaults, "approval": False, **values})


def set_status(ids: Any, *, recipient: str | None = "u1", using: Calls | None = None) -> Flow[Any]:
    return (using or calls()).set_status(recipient, ids, read=True, approver=None, platform_code=None)
