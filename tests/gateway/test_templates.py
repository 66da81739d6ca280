"""Messages that templates make (docs/protocol.md, "Templates")."""

import secrets

import httpx
import pytest

from msgcenter.actions.channels.templates import Templates
from msgcenter.domain.channels.template import content_of
from msgcenter.domain.person import COMMAND
from msgcenter_client import Client, InvalidRequestError
from tests.conftest import PLATFORM, Raw, SharedConnections
from tests.gateway.calls import TEXT, Json, accepted, refused

_PARTS: Json = {
    "zh": {
        "inbox": {
            "kind": "oa",
            "head": {"text": "{{ title }}"},
            "body": {"form": [{"key": "时间", "value": "{{ due }}"}, {"key": "备注", "value": "{{ note }}"}]},
            "pcUrl": "{{ page }}",
        }
    },
    "en": {
        "inbox": {
            "kind": "text",
            "content": "{{ title }}: {{ due|date }}{% for item in things %} {{ item }}{% endfor %}",
        }
    },
}
_VARIABLES = [
    {"name": "title"},
    {"name": "due", "kind": "date"},
    {"name": "page", "kind": "url", "required": False, "sample": "https://school.example/1"},
    {"name": "note", "required": False, "sample": "x"},
    {"name": "things", "kind": "list", "required": False, "sample": "x"},
]
PARAMS: Json = {"title": "<b>家长会</b>", "due": "2026-12-01T15:00", "page": "https://school.example/7"}


@pytest.fixture
def code(shared_connections: SharedConnections) -> str:
    """The code of a template of the platform."""
    name = f"t-{secrets.token_hex(4)}"
    parts = {
        **_PARTS,
        "zh": {"inbox": {**_PARTS["zh"]["inbox"], "pcUrl": "{{ page|default('https://school.example/') }}"}},
    }
    save = Templates(shared_connections.database).save(
        PLATFORM, name, "Test", content_of({"variables": _VARIABLES, "parts": parts}), by=COMMAND
    )
    shared_connections.run(save)
    return name


def _to(user: str, code: str, **more: object) -> Json:
    return {"receiverIds": [user], "template": code, "params": PARAMS, "busiId": "b-1", **more}


def _body(wire: Raw, request: Json) -> Json:
    """Return the listed message that a request has sent."""
    message_id = accepted(wire, "sendMsg", request)["msgId"]
    listed = accepted(wire, "getMsgList", {"pageSize": 200})["messages"]
    found: Json = next(message for message in listed if message["msgId"] == message_id)
    return found


def test_a_template_makes_the_body(wire: Raw, user: str, code: str) -> None:
    message = _body(wire, _to(user, code))
    assert (message["msgtype"], message["busiId"]) == ("oa", "b-1")
    body = message["body"]
    assert body["head"]["text"] == "<b>家长会</b>"
    assert body["body"]["form"] == [{"key": "时间", "value": "2026年12月1日 15:00"}]
    assert (body["pcUrl"], body["appUrl"]) == ("https://school.example/7", "https://school.example/7")


def test_the_language_is_that_of_the_call(wire: Raw, user: str, code: str) -> None:
    message = _body(wire, _to(user, code, language="en", params={**PARAMS, "things": ["a", "b"]}))
    assert message["body"] == {"content": "<b>家长会</b>: 1 December 2026 a b"}


def test_wrong_requests_name_their_field(wire: Raw, user: str, code: str) -> None:
    refused(wire, "sendMsg", _to(user, "unknown"), "100003", "template")
    refused(wire, "sendMsg", _to(user, f"{code}@9"), "100003", "template")
    refused(wire, "sendMsg", _to(user, "not a code"), "100003", "template")
    refused(wire, "sendMsg", _to(user, code, params={"due": 1}), "100002", "params.title")
    refused(wire, "sendMsg", _to(user, code, params={**PARAMS, "due": "soon"}), "100003", "params.due")
    refused(wire, "sendMsg", _to(user, code, params={**PARAMS, "page": "javascript:x"}), "100003", "params.page")
    refused(wire, "sendMsg", _to(user, code, params={**PARAMS, "things": ["x"] * 51}), "100004", "params.things")
    refused(wire, "sendMsg", _to(user, code, params={**PARAMS, "more": 1}), "100003", "params.more")
    refused(wire, "sendMsg", _to(user, code, params={**PARAMS, "title": "x" * 256}), "100003", "params")
    refused(wire, "sendMsg", _to(user, code, params=[1]), "100003", "params")
    refused(wire, "sendMsg", _to(user, code, language="fr"), "100003", "language")
    refused(wire, "sendMsg", {**_to(user, code), "busiId": None}, "100002", "busiId")
    refused(wire, "sendMsg", {**_to(user, code), **TEXT}, "100005", "template/msgtype")
    refused(wire, "sendMsg", {"receiverIds": [user], **TEXT, "params": {}}, "100005", "params/template")
    refused(wire, "sendMsg", {"receiverIds": [user], **TEXT, "language": "zh"}, "100005", "language/template")


def test_a_field_that_is_null_counts_as_left_out(wire: Raw, user: str, code: str) -> None:
    nothing = {"msgtype": None, "text": None, "language": None}
    assert _body(wire, {**_to(user, code, params={**PARAMS, "note": None}), **nothing})["msgtype"] == "oa"
    accepted(wire, "sendMsg", {"receiverIds": [user], **TEXT, "template": None, "params": None})


def test_a_long_request_is_checked_as_a_short_one(wire: Raw, user: str, code: str) -> None:
    users = [f"{user}-{number}" for number in range(100)]
    accepted(wire, "sendMsg", {**_to(user, code), "receiverIds": users})
    refused(wire, "sendMsg", {**_to(user, code, params={}), "receiverIds": users}, "100002", "params.title")
    refused(
        wire,
        "sendMsg",
        {**_to(user, code, params={**PARAMS, "title": "a\0b"}), "receiverIds": users},
        "100003",
        "params.title",
    )


def test_the_sdk_sends_and_updates_with_templates(sdk: Client, user: str, code: str) -> None:
    message_id = sdk.send_template(user, code, PARAMS, business_id="b-2")
    sdk.update_template(message_id, code, {**PARAMS, "title": "Second"}, language="en", reset_read=True)
    assert [version.kind for version in sdk.versions(message_id)] == ["oa", "text"]
    with pytest.raises(InvalidRequestError, match=r"params\.title"):
        sdk.send_template(user, code, {}, business_id="b-2")


def test_the_reference_documents_the_fields(http: httpx.Client) -> None:
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    for request in ("SendMsg", "UpdateMsg"):
        assert {"template", "params", "language"} <= set(schemas[request]["properties"])
