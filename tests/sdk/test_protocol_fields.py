"""The SDK repeats the server's field names: both must have the same calls, fields and constants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from msgspec import Struct, UnsetType, inspect
from msgspec.structs import fields

from msgcenter.domain import content, webhook, webhook_schedule
from msgcenter.gateway.api_calls import ENDPOINTS
from msgcenter.gateway.wire.answers import TokenAnswer
from msgcenter_client import results, webhook_results
from msgcenter_client.access_token import Credentials
from msgcenter_client.audience import EVERYONE, Organisations, Topic
from msgcenter_client.calls import Calls, MessageFilter, SendOptions
from msgcenter_client.content import link_fields, oa_fields, template_fields, text_fields
from msgcenter_client.directory_calls import DirectoryCalls
from msgcenter_client.flow import Flow
from msgcenter_client.retry import RetryPolicy
from msgcenter_client.sent_calls import SentCalls
from msgcenter_client.session import Session, _TokenAnswer
from msgcenter_client.topic_calls import TopicCalls
from msgcenter_client.webhook_calls import WebhookCalls

SECOND_NAMES = {"msgType"}
"""Fields that the server accepts under two names; the SDK uses the other one."""
OF_THE_FAMILY = {"/eduopen/message/sendAppMsg"}
"""Calls of existing systems that have no SDK: `sendMsg` does the same."""
SERVER = {endpoint.path: endpoint for endpoint in ENDPOINTS if endpoint.path not in OF_THE_FAMILY}
TEXT = text_fields("text")
LINK = link_fields(title="t", content="c", business_id="b", pc_url="p", app_url="a", image_url="i")
TEMPLATE = template_fields("t", {"name": "value"}, language="en", business_id="b")
CARD = oa_fields(
    head="h",
    business_id="b",
    pc_url="p",
    app_url="a",
    bg_color="FFCC0000",
    title="t",
    content="c",
    image_url="i",
    file_count=1,
    author="a",
    form=[("key", "value")],
)


class Recorded(Exception):  # noqa: N818 - not an error: it ends a flow once the call is known
    """Carries a call's path, body and answer struct."""

    def __init__(self, path: str, body: Mapping[str, Any], answer: type[Struct]) -> None:
        super().__init__(path)
        self.path, self.body, self.answer = path, body, answer


class RecordingSession(Session):
    """Ends every flow at its first call."""

    def call(self, path: str, body: Mapping[str, Any], result: type[Any]) -> Flow[Any]:
        raise Recorded(path, body, result)


def flows() -> Iterator[Flow[Any]]:
    """Every call of the SDK, with all arguments set."""
    session = RecordingSession(Credentials("app", "key"), RetryPolicy(0))
    options = SendOptions(
        platform_code="1",
        approval=True,
        idempotency_key="k",
        send_at=1,
        expire_at=2,
        sender_name="n",
        category="c",
        channels=("email",),
        channel_delay=3,
    )
    calls = Calls(session, None)
    yield calls.send("user", TEXT, options)
    yield calls.send("user", TEMPLATE, options)
    yield calls.send(Topic("t"), LINK, options)
    yield calls.send(EVERYONE, CARD, options)
    yield calls.send(Organisations("o", ["tea"], include_sub=False), CARD, options)
    yield calls.set_status("user", "1", read=True, approver="approver", platform_code="1")
    yield calls.message_status("1", read=True, cursor="c", page_size=1, org_id="o", by_org=True)
    message_filter = MessageFilter.of(business_id="b", kind="text", start=1, end=2, page_size=1)
    yield calls.messages(message_filter, "c")
    yield calls.unread_count("user", platform_code="1")
    yield calls.user_token("user", ttl=60, platform_code="1")
    sent = SentCalls(session)
    yield sent.recall("1")
    for fields_of_content in (TEXT, LINK, CARD, TEMPLATE):
        yield sent.update("1", fields_of_content, reset_read=True)
    yield sent.remind_unread("1")
    yield sent.versions("1")
    topics = TopicCalls(session, None)
    yield topics.change("subscribe", "t", ["user"], "1")
    yield topics.change("unsubscribe", "t", ["user"], "1")
    yield topics.subscribers("t", platform_code="1", cursor="c", page_size=1)
    webhooks = WebhookCalls(session)
    yield webhooks.create("https://example.edu", ["message.read"])
    yield webhooks.registered()
    yield webhooks.update("wh", url="https://example.edu", events=["message.read"], paused=True)
    yield webhooks.delete("wh")
    yield webhooks.rotate_secret("wh")
    yield webhooks.test("wh")
    yield webhooks.deliveries("wh", state="pending", message_id="1", cursor="c", page_size=1)
    yield webhooks.replay("wh", delivery_id="d", start=1)
    directory = DirectoryCalls(session, None)
    yield directory.set_orgs([{"orgId": "o"}], platform_code="1")
    yield directory.set_users([{"userId": "u"}], platform_code="1")
    yield directory.set_members([("o", "u", "r")], platform_code="1")
    yield directory.remove_members([("o", "u", None)], platform_code="1")
    yield directory.org("o", platform_code="1")
    yield directory.children("o", platform_code="1", cursor="c", page_size=1)
    yield directory.members("o", roles=["r"], include_sub=False, platform_code="1", cursor="c", page_size=1)


def recorded_calls() -> dict[str, tuple[set[str], type[Struct]]]:
    """The request fields and the answer struct of each path that the SDK calls."""
    names: dict[str, set[str]] = defaultdict(set)
    answers: dict[str, type[Struct]] = {}
    for flow in flows():
        with pytest.raises(Recorded) as call:
            next(flow)
        names[call.value.path] |= set(call.value.body)
        answers[call.value.path] = call.value.answer
    return {path: (names[path], answers[path]) for path in names}


CALLS = recorded_calls()


def wire_names(struct: type[Struct]) -> set[str]:
    return {field.encode_name for field in fields(struct)}


def struct_in(annotation: Any) -> type[Struct] | None:
    """The struct in a field's type, such as `list[Detail]`."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return annotation
    return next(filter(None, map(struct_in, get_args(annotation))), None)


def assert_same_fields(ours: type[Struct], theirs: type[Struct], *, all_of_them: bool = True) -> None:
    """Compare an answer struct of the SDK with the server's, and the structs in them."""
    server = {field.encode_name: field for field in fields(theirs)}
    if all_of_them:
        assert wire_names(ours) == server.keys(), ours
    for field in fields(ours):
        server_type = server[field.encode_name].type
        if UnsetType in get_args(server_type):
            assert not field.required, f"{ours.__name__}.{field.name} can be absent"
        inner, server_inner = struct_in(field.type), struct_in(server_type)
        assert (inner is None) == (server_inner is None), field.name
        if inner is not None and server_inner is not None:
            assert_same_fields(inner, server_inner, all_of_them=all_of_them)


def test_the_sdk_has_every_call_of_the_app_api() -> None:
    assert CALLS.keys() == SERVER.keys()


@pytest.mark.parametrize("path", SERVER)
def test_the_sdk_can_send_every_request_field(path: str) -> None:
    assert CALLS[path][0] == wire_names(SERVER[path].request) - SECOND_NAMES


@pytest.mark.parametrize("path", SERVER)
def test_the_sdk_reads_every_answer_field(path: str) -> None:
    answer = SERVER[path].answer
    if answer is None:
        assert not fields(CALLS[path][1])
    else:
        assert_same_fields(CALLS[path][1], answer)


def test_the_sdk_reads_the_token_as_the_server_names_it() -> None:
    assert_same_fields(_TokenAnswer, TokenAnswer, all_of_them=False)


@pytest.mark.parametrize(
    ("sent", "struct"),
    [
        (TEXT["text"], content.Text),
        (LINK["link"], content.Link),
        (CARD["oa"]["head"], content.OaHead),
        (CARD["oa"]["body"], content.OaBody),
        (CARD["oa"]["body"]["form"][0], content.FormRow),
    ],
)
def test_the_sdk_can_send_every_field_of_a_content(sent: dict[str, Any], struct: type[Struct]) -> None:
    assert sent.keys() == wire_names(struct)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (results.Kind, content.Kind),
        (webhook_results.WebhookKind, webhook.WebhookKind),
        (webhook_results.DeliveryState, webhook_schedule.DeliveryState),
    ],
)
def test_the_sdk_has_the_same_constants(ours: Any, theirs: Any) -> None:
    def values(literal: Any) -> tuple[Any, ...]:
        described = inspect.type_info(literal)
        assert isinstance(described, inspect.LiteralType)
        return tuple(described.values)

    assert values(ours) == values(theirs)
