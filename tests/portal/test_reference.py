"""The API reference is complete, in both languages, and its samples work."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from markupsafe import escape

from msgcenter.domain.api_reference import CallReference, FieldReference, numbered, spoken
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import SUCCESS_CODE, Reason
from msgcenter.gateway.reference.reference import reference
from msgcenter.gateway.wire.answers import MsgStatus
from msgcenter_client import Client, key_info
from tests.conftest import Credentials, Raw, Server, SharedConnections
from tests.gateway.calls import until
from tests.portal.conftest import Visitor
from tests.portal.scene import Scene
from tests.receiver import Receiver, receiving

CALLS = {call.name: call for call in reference()}
TOKEN_CALL = "getAccessToken"
_CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The receiver of the samples' webhooks."""
    with receiving() as started:
        yield started


@pytest.fixture
def scene(app: Credentials, client: Client, receiver: Receiver, shared_connections: SharedConnections) -> Scene:
    """The objects in the samples."""
    return Scene(app, client, receiver, shared_connections)


# --- Nothing is left out --------------------------------------------------------------------------------------------


def schema_fields(document: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Return the paths of all fields of an OpenAPI schema."""
    if "$ref" in schema:
        yield from schema_fields(document, document["components"]["schemas"][schema["$ref"].split("/")[-1]], prefix)
    for name in ("allOf", "anyOf"):
        for part in schema.get(name, ()):
            yield from schema_fields(document, part, prefix)
    for name, inner in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from schema_fields(document, inner, f"{prefix}{name}.")
    if isinstance(schema.get("items"), dict):
        yield from schema_fields(document, schema["items"], f"{prefix[:-1]}[].")


def names(fields: tuple[FieldReference, ...]) -> set[str]:
    return {field.name for field in fields}


def test_every_field_of_every_call_is_in_the_reference(server: Server) -> None:
    document = httpx.get(f"{server.url}/openapi.json", trust_env=False).json()
    described = {call.path: call for call in CALLS.values()}
    for path, methods in document["paths"].items():
        if path == "/oauth2/token" or methods["post"].get("deprecated"):
            continue  # the call of OAuth 2.0, and the old spelling of getAccessToken
        call = described.pop(path)
        body = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
        request_fields = set(schema_fields(document, body))
        assert request_fields - {"text", "link", "oa"} <= names(call.parameters), path
        assert names(call.parameters) - request_fields <= {"accessToken"}, path
        answer = methods["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer_fields = {name for name in schema_fields(document, answer) if not name.startswith("data.")}
        assert answer_fields == names(call.results), path
    assert not described, "every described call exists"


def test_every_text_is_in_both_languages() -> None:
    phrases: list[tuple[str, Phrase]] = [(f"retCode {reason.ret_code}", reason.phrase) for reason in Reason]
    for call in CALLS.values():
        phrases += [(call.name, text) for text in (call.group, call.summary, call.scenario, *call.preconditions)]
        phrases += [(f"{call.name} {field.name}", field.description) for field in (*call.parameters, *call.results)]
        phrases += [(f"{call.name} {change.version}", change.text) for change in call.changes]
        phrases += [(call.name, sample.title) for sample in call.samples]
    for where, phrase in phrases:
        assert _CHINESE.search(phrase.zh) or phrase.zh == phrase.en, where
        assert phrase.en, where
        assert not _CHINESE.search(phrase.en), where


def test_every_call_is_described() -> None:
    for call in CALLS.values():
        assert call.samples, call.name
        assert call.changes, call.name
        assert all(field.type and field.place for field in call.parameters), call.name
        assert {field.name for field in call.parameters if field.place == "query"} <= {"accessToken"}


def test_every_ret_code_belongs_to_a_call() -> None:
    listed = {code.code for call in CALLS.values() for code in call.codes}
    assert listed == {SUCCESS_CODE, *(reason.ret_code for reason in Reason)}


def test_fields_are_numbered_as_an_outline() -> None:
    rows = {row.field.name: row for row in numbered(CALLS["sendMsg"].parameters)}
    assert [rows[name].number for name in ("accessToken", "text", "text.content")] == ["1", "4", "4.1"]
    deep = rows["oa.body.form[].value"]
    assert (deep.number, deep.depth, deep.label) == ("6.2.6.2", 3, "value")


# --- It is true -----------------------------------------------------------------------------------------------------


def shape(value: object) -> object:
    """Return the shape of a value: its keys and types, and those of a list's first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "call", [call for name, call in CALLS.items() if name != TOKEN_CALL], ids=lambda call: call.name
)
def test_the_samples_get_the_shown_answers(scene: Scene, raw: Raw, call: CallReference, language: Language) -> None:
    requests = scene.requests(call, language)
    for request in requests:
        answer = raw.post(call.path, request).json()
        assert answer["retCode"] == SUCCESS_CODE, answer
        shown = spoken(call.answer, language)
        if call.name == "getMsgStatus":
            _take_channels(shown)
            assert [shape(detail) for detail in answer["details"]] == [shape(shown["details"][0])]
            answer["details"], shown["details"] = [], []
        assert shape(answer) == shape(shown)
    if call.name in {"sendMsg", "sendAppMsg"}:
        until(lambda: scene.client.unread_count(scene.user) == len(requests))


def _take_channels(shown: dict[str, Any]) -> None:
    """Check what a sample shows of channels by its type, and take it out: the scene's message goes by none."""
    fields = {name: value for name, value in shown.items() if name not in {"retCode", "retDesc"}}
    assert msgspec.to_builtins(msgspec.convert(fields, MsgStatus)) == fields
    assert all(detail.pop("channels") for detail in shown["details"])
    assert shown.pop("channels")


def test_the_token_call_gets_the_shown_answer(server: Server, app: Credentials) -> None:
    call = CALLS[TOKEN_CALL]
    now = int(time.time() * 1_000)
    values = {"APP_ID": app.app_id, "TIME_STAMP": now, "KEY_INFO": key_info(app.app_id, app.app_key, now)}
    request = {name: values[value] for name, value in call.samples[0].request.items()}
    answer = httpx.post(server.url + call.path, json=request, trust_env=False).json()
    assert shape(answer) == shape(spoken(call.answer, "zh"))


@pytest.mark.parametrize("call", CALLS.values(), ids=lambda call: call.name)
def test_a_refusal_has_a_code_that_the_page_lists(raw: Raw, server: Server, call: CallReference) -> None:
    listed = {code.code for code in call.codes}
    unknown = {"msgId": "1", "webhookId": "wh_000000000000000000000000", "topic": "never-heard-of"}
    samples = [spoken(sample.request, "zh") for sample in call.samples]
    bodies: list[object] = [b"{", [], {}, {"msgId": 7, "userIds": "x"}, *samples]
    bodies += [{name: unknown.get(name, value) for name, value in sample.items()} for sample in samples]
    bodies += [{name: {} for name in sample} for sample in samples]
    bodies += [{**sample, "platformCode": "999999", "approval": False, "cursor": "?"} for sample in samples]
    seen = {raw.post(call.path, body).json()["retCode"] for body in bodies}
    seen |= {
        httpx.post(f"{server.url}{call.path}", json=sample, params=token, trust_env=False).json()["retCode"]
        for sample in samples
        for token in ({}, {"accessToken": "0" * 32})
    }
    assert seen <= listed


# --- Its pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS.values(), ids=lambda call: call.name)
def test_a_reference_page_describes_everything_of_its_call(visitor: Visitor, call: CallReference) -> None:
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        page = visitor.get(f"/docs/{call.name}?lang={language}").text
        for text in (call.path, "POST", call.summary.in_language(language), call.scenario.in_language(language)):
            assert str(escape(text)) in page
        for field in call.parameters:
            assert f'id="p-{field.name}"' in page
        for field in call.results:
            assert f'id="r-{field.name}"' in page
        for code in call.codes:
            assert f"/portal/docs/codes#{code.code}" in page
        for language_name in ("curl", "Python", "Java", "JavaScript", "PHP"):
            assert f"<summary>{language_name} " in page


def test_every_ret_code_can_be_linked_to(visitor: Visitor) -> None:
    page = visitor.get("/docs/codes").text
    for code in (SUCCESS_CODE, *(reason.ret_code for reason in Reason)):
        assert f'id="{code}"' in page


def found_by(visitor: Visitor, words: str) -> list[str]:
    """Return the names of the calls that a search lists."""
    page = visitor.request("GET", "/docs", params={"q": words}).text.partition('class="docs-main"')[2]
    return re.findall(r'<a href="/portal/docs/(\w+)"><strong>', page)


def test_the_search_finds_calls_fields_and_codes(visitor: Visitor) -> None:
    assert found_by(visitor, "recallMsg") == ["recallMsg"]
    assert "modMsgStatus" in found_by(visitor, "已读")
    assert found_by(visitor, "unread badge") == ["getUnreadCount"]
    page = visitor.request("GET", "/docs", params={"q": "publisherId"}).text
    assert '<a href="/portal/docs/modMsgStatus#p-publisherId">' in page
    page = visitor.request("GET", "/docs", params={"q": "300002"}).text
    assert '<a href="/portal/docs/codes#300002">' in page
    assert "modMsgStatus" in found_by(visitor, "300002")


def test_a_search_that_finds_nothing_says_what_to_try(visitor: Visitor) -> None:
    page = visitor.request("GET", "/docs", params={"q": '<img src=x> "zzz'}).text
    assert "Nothing found. Try a call, a field or a code" in page
    assert "<img src=x>" not in page
    assert found_by(visitor, "zzz") == []
    assert len(found_by(visitor, "  ")) == len(CALLS)


def test_an_unknown_call_has_no_page(visitor: Visitor) -> None:
    for path in ("/docs/nothing", "/nothing", "/nothing/at/all", "/operators"):
        answer = visitor.get(path)
        assert (answer.status_code, "does not exist" in answer.text) == (404, True), path
    assert visitor.get("/").headers["location"] == "/portal"
