"""The OpenAPI document, and a server that conforms to it."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from starlette.routing import Route

from msgcenter.domain.refusal import Reason
from msgcenter.gateway.endpoint import Gateway
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.gateway.routes import routes
from msgcenter.web.limits import RequestLimits
from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server, examples
from tests.gateway.calls import HEAD, NO_ACTIONS, Json, link_to, oa_to, text_to, token_request
from tests.receiver import receiving

MESSAGE = "/msgCenter/message/"
WEBHOOK = "/msgCenter/webhook/"
TOKEN = "/apigateway/getAccessToken"
PLAIN = {"/healthz", "/readyz", "/openapi.json"}


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> Json:
    """The document as the server returns it."""
    answer = http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    body: Json = answer.json()
    return body


def validator(document: Json, schema: Json) -> jsonschema_rs.Validator:
    """Return a validator for a schema of the document."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def request_schema(document: Json, path: str) -> Json:
    schema: Json = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def answer_schema(document: Json, path: str, status: str = "200") -> Json:
    schema: Json = document["paths"][path]["post"]["responses"][status]["content"]["application/json"]["schema"]
    return schema


# --- The document ---------------------------------------------------------------------------------------------------


def test_the_document_is_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1.")
    problems = [
        f"{list(problem.instance_path)}: {problem.message}" for problem in OPENAPI_31_VALIDATOR.iter_errors(document)
    ]
    assert problems == []


def test_every_schema_is_a_json_schema(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}), name


def test_every_reference_leads_somewhere(document: Json) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [reference for item in value for reference in references(item)]
        if not isinstance(value, dict):
            return []
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [reference for item in value.values() for reference in references(item)]

    assert references(document)
    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_operation_ids_are_unique(document: Json) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)


def test_the_document_has_every_call_and_no_other(document: Json) -> None:
    gateway = Gateway(None, RateLimit(0))  # type: ignore[arg-type]  # no action is reached

    async def ready() -> str | None:
        return None

    served = {route.path for route in routes(gateway, NO_ACTIONS, ready, RequestLimits()) if isinstance(route, Route)}
    assert set(document["paths"]) == served - PLAIN
    assert all(set(path) == {"post"} for path in document["paths"].values())


def test_the_document_lists_every_code(document: Json) -> None:
    codes = document["components"]["schemas"]["Refusal"]["properties"]["retCode"]["enum"]
    assert sorted(codes) == sorted(reason.ret_code for reason in Reason)


def test_calls_need_a_token_and_token_calls_none(http: httpx.Client, document: Json) -> None:
    schemes = set(document["components"]["securitySchemes"])
    for path, operations in document["paths"].items():
        operation = operations["post"]
        if path.startswith(("/msgCenter/", "/eduopen/")):
            assert {name for scheme in operation["security"] for name in scheme} == schemes
            assert http.post(path, json={}).json()["retCode"] == "200001"
        else:
            assert operation["security"] == []


# --- Requests and answers -------------------------------------------------------------------------------------------

GOOD: list[tuple[str, Json]] = [
    ("sendMsg", text_to("documented", 42)),
    ("sendMsg", text_to("documented", msgType="text", approval=True, requestId=1, expireTime="4000000000000")),
    ("sendMsg", link_to("documented")),
    ("sendMsg", link_to("documented", picUrl="")),
    ("sendMsg", oa_to("documented")),
    ("sendMsg", oa_to("documented", {**HEAD, "body": {"fileCount": 3, "form": [{"key": "k", "value": "v"}]}})),
    ("modMsgStatus", {"publisherId": "documented", "msgId": ["7", 8], "isRead": "0", "platformCode": 420100}),
    ("getMsgStatus", {"msgId": 7, "isRead": 1, "pageSize": 200}),
    ("getMsgList", {"startTime": "1", "endTime": 2, "msgtype": "oa", "busiId": "b"}),
    ("getMsgList", {}),
    ("getMsgList", {"startTime": None, "msgtype": None, "busiId": None, "cursor": None, "pageSize": None}),
    ("getUnreadCount", {"publisherId": "documented"}),
    ("getUnreadCount", {"publisherId": "documented", "platformCode": ""}),
    ("sendMsg", text_to("documented", platformCode=None, approval=None, sendTime=None, link=None, pcUrl=None)),
    ("sendMsg", link_to("documented", pcUrl="", picUrl=None)),
    ("sendMsg", oa_to("documented", {**HEAD, "body": {"author": None, "form": [{"key": "k", "value": None}]}})),
]
BAD: list[tuple[str, Json]] = [
    ("sendMsg", text_to()),
    ("sendMsg", text_to("x" * 65)),
    ("sendMsg", text_to("x", text={"content": ""})),
    ("sendMsg", link_to("x", title="x" * 256)),
    ("sendMsg", oa_to("x", {"head": {"text": "x", "bgColor": "red"}})),
    ("sendMsg", oa_to("x", {**HEAD, "body": {"form": [{}] * 7}})),
    ("modMsgStatus", {"publisherId": "x", "msgId": "7"}),
    ("modMsgStatus", {"publisherId": "x", "msgId": ["7"] * 51}),
    ("modMsgStatus", {"publisherId": "x", "msgId": ["7"], "isRead": True}),
    ("modMsgStatus", {"publisherId": "x\n", "msgId": ["7"]}),
    ("getMsgStatus", {}),
    ("getMsgStatus", {"msgId": "7", "pageSize": 201}),
    ("getMsgList", {"startTime": -1}),
    ("getUnreadCount", {"publisherId": None}),
]


@pytest.mark.parametrize(("call", "body"), GOOD)
def test_the_document_allows_requests_that_the_server_accepts(wire: Raw, document: Json, call: str, body: Json) -> None:
    assert wire.post(call, body).json()["retCode"] in {"000000", "300001"}
    validator(document, request_schema(document, MESSAGE + call)).validate(body)


@pytest.mark.parametrize(("call", "body"), BAD)
def test_the_server_refuses_requests_that_the_document_forbids(
    wire: Raw, document: Json, call: str, body: Json
) -> None:
    assert wire.post(call, body).json()["retCode"].startswith("1000")
    assert not validator(document, request_schema(document, MESSAGE + call)).is_valid(body)


def test_answers_are_as_documented(wire: Raw, document: Json, sdk: Client, user: str) -> None:
    ids = [sdk.send_text([user, f"{user}-2"], "x"), wire.post("sendMsg", link_to(user)).json()["msgId"]]
    sdk.set_status(user, ids[0])
    for call, body in (
        ("sendMsg", oa_to(user)),
        ("modMsgStatus", {"publisherId": user, "msgId": ids}),
        ("modMsgStatus", {"publisherId": user, "msgId": [*ids, "7"]}),
        ("modMsgStatus", {"publisherId": user, "msgId": ["7"]}),
        ("getMsgStatus", {"msgId": ids[0], "pageSize": 1}),
        ("getMsgList", {"pageSize": 2}),
        ("getUnreadCount", {"publisherId": user}),
        ("/msgCenter/user/getUserToken", {"publisherId": user}),
        ("getUnreadCount", {}),
    ):
        path = call if call.startswith("/") else MESSAGE + call
        answer = wire.post(call, body).json()
        validator(document, answer_schema(document, path)).validate(answer)
        name = "Success" if answer["retCode"] == "000000" else "Refusal"
        validator(document, document["components"]["schemas"][name]).validate(answer)


def test_answers_about_webhooks_are_as_documented(raw: Raw, document: Json) -> None:
    with receiving() as receiver:
        made = raw.post(WEBHOOK + "createWebhook", {"url": receiver.url, "events": ["message.read"]}).json()
        webhook = {"webhookId": made["webhookId"]}
        raw.post(WEBHOOK + "testWebhook", webhook)
        receiver.until(bool)
        for call, body in (
            ("createWebhook", {"url": receiver.url, "events": ["message.read", "approval.closed"]}),
            ("updateWebhook", {**webhook, "paused": True}),
            ("getWebhooks", {}),
            ("rotateWebhookSecret", webhook),
            ("testWebhook", webhook),
            ("getWebhookDeliveries", {**webhook, "pageSize": 1}),
            ("replayWebhook", {**webhook, "startTime": 0}),
            ("getWebhookDeliveries", webhook),
            ("deleteWebhook", webhook),
            ("deleteWebhook", webhook),
        ):
            validator(document, request_schema(document, WEBHOOK + call)).validate(body)
            answer = raw.post(WEBHOOK + call, body).json()
            validator(document, answer_schema(document, WEBHOOK + call)).validate(answer)
            name = "Success" if answer["retCode"] == "000000" else "Refusal"
            validator(document, document["components"]["schemas"][name]).validate(answer)


def test_a_partial_success_differs_from_a_refusal(document: Json) -> None:
    schema = validator(document, answer_schema(document, MESSAGE + "getUnreadCount"))
    assert schema.is_valid({"retCode": "000000", "retDesc": "x", "unread": 1})
    assert schema.is_valid({"retCode": "100002", "retDesc": "x"})
    for wrong in ({"unread": "1"}, {}, {"unread": 1, "retCode": "123456"}):
        assert not schema.is_valid({"retCode": "000000", "retDesc": "x", **wrong})


def test_a_bare_success_of_mod_msg_status_is_documented(document: Json) -> None:
    schema = validator(document, answer_schema(document, MESSAGE + "modMsgStatus"))
    assert schema.is_valid({"retCode": "000000", "retDesc": "操作成功"})
    assert schema.is_valid({"retCode": "000000", "retDesc": "操作成功", "invalidMsgId": ["7"]})
    assert not schema.is_valid({"retCode": "000000", "retDesc": "操作成功", "invalidMsgId": [7]})


def test_token_answers_are_as_documented(http: httpx.Client, document: Json, shared_app: Credentials) -> None:
    request = token_request(shared_app)
    for path, body in (
        (TOKEN, request),
        ("/apigateway/getaccesstoken", {name.lower(): value for name, value in request.items()}),
    ):
        validator(document, request_schema(document, path)).validate(body)
        answer = http.post(path, json=body).json()
        assert answer["retCode"] == "000000"
        validator(document, answer_schema(document, path)).validate(answer)
    secret = {"client_id": shared_app.app_id, "client_secret": shared_app.app_key}
    form = {"grant_type": "client_credentials", **secret}
    schema = document["paths"]["/oauth2/token"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    validator(document, schema["schema"]).validate(form)
    for data, status in ((form, "200"), ({**form, "client_secret": "x"}, "401"), ({}, "400")):
        oauth = http.post("/oauth2/token", data=data)
        assert str(oauth.status_code) == status
        validator(document, answer_schema(document, "/oauth2/token", status)).validate(oauth.json())


def test_other_statuses_are_documented(wire: Raw, document: Json) -> None:
    for status, answer in (
        ("405", wire.http.get(MESSAGE + "sendMsg")),
        ("413", wire.post("sendMsg", b" " * (1 << 20) + b"{}")),
    ):
        assert str(answer.status_code) == status
        validator(document, answer_schema(document, MESSAGE + "sendMsg", status)).validate(answer.json())


# --- Schemathesis ---------------------------------------------------------------------------------------------------

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = settings(
    max_examples=examples(20),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.mark.slow
def test_generated_requests_get_conforming_answers(server: Server, wire: Raw, document: Json) -> None:
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
    session = requests.Session()
    session.trust_env = False
    tested = []
    result: Any
    for result in schema.get_all_operations():
        operation = result.ok()
        tested.append(operation.path)
        _try(operation.as_strategy(), server, session, wire.token)
    assert set(tested) == set(document["paths"])
    session.close()


def _try(strategy: Any, server: Server, session: requests.Session, token: str) -> None:
    @EXAMPLES
    @given(case=strategy)
    def run(case: Any) -> None:
        query = {"accessToken": token} if case.path.startswith("/msgCenter/") else {}
        answer = case.call(base_url=server.url, session=session, params=query)
        case.validate_response(answer, checks=CHECKS)
        assert b"500001" not in answer.content

    execute: Callable[[], None] = run
    execute()
