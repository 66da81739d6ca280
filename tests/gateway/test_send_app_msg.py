"""`sendAppMsg`: how public senders of the family send (docs/protocol.md, "sendAppMsg")."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from msgcenter.database.database import Database
from msgcenter_client import Client
from tests.conftest import PLATFORM, Credentials, Raw, Server, SharedConnections
from tests.directory_rows import DirectoryRows
from tests.gateway.calls import HEAD, LINK, PLACES, Json, accepted, refused
from tests.gateway.school import School
from tests.gateway.test_family_clients import JACKSON, exchange
from tests.inbox.conftest import Browser, user_token
from tests.scene import find_platform

CALL = "/eduopen/message/sendAppMsg"
ZONE = ZoneInfo("Asia/Shanghai")
TEXT: Json = {"msgType": "text", "text": {"content": "开会"}}


def to(user: str, **more: object) -> Json:
    return {"sendeeId": user, **TEXT, **more}


def link_to(user: str, link: Json, **more: object) -> Json:
    return {"sendeeId": user, "msgType": "link", "link": link, **more}


def sent(raw: Raw, body: object) -> str:
    answer = accepted(raw, CALL, body)
    assert list(answer) == ["retCode", "retDesc", "msgId"]
    message_id: str = answer["msgId"]
    return message_id


def message_of(raw: Raw, message_id: str) -> Any:
    """Return a message as listed by getMsgList."""
    listed = accepted(raw, "getMsgList", {"pageSize": 200})["messages"]
    return next(message for message in listed if message["msgId"] == message_id)


def deadline_in(days: float) -> str:
    return f"{datetime.now(ZONE) + timedelta(days=days):%Y%m%d%H%M%S}"


# --- Public senders -------------------------------------------------------------------------------------------------


def test_a_public_sender(server: Server, wire: Raw, sdk: Client, user: str) -> None:
    """Two public requests of a Java program: one with a title and `busiId` in both places, one with neither title."""
    common = {
        "publisherId": "ce000694102343d1aba1069ab54aeab9",
        "publisherName": "宋文萍",
        "sendeeOrgId": "f9ad7ee991144b6a9ad5cce1cd37060f",
        "busiId": "AQWER1234",
        "sendeeId": user,
        "loginPlatformCode": "640100",
        "platformCode": "",
        "msgType": "link",
        "deadline": deadline_in(1),
    }
    link = {"pcUrl": "", "appUrl": "http://www.baidu.com", "content": "百度一下", "busiId": "AQWER1234"}
    for extra, title in (({"picUrl": "", "title": "百度"}, "百度"), ({}, "百度一下")):
        body = json.dumps({**common, "link": {**link, **extra}}, ensure_ascii=False)
        answer = exchange(server, f"{CALL}?accessToken={wire.token}", JACKSON, body)
        assert (answer["retCode"], list(answer)) == ("000000", ["retCode", "retDesc", "msgId"])
        message = message_of(wire, answer["msgId"])
        assert message["body"] == {
            "appUrl": "http://www.baidu.com",
            "title": title,
            "busiId": "AQWER1234",
            "content": "百度一下",
        }
        assert (message["busiId"], message["senderName"], message["receivers"]) == ("AQWER1234", "宋文萍", 1)
    assert sdk.unread_count(user) == 2


# --- Fields ---------------------------------------------------------------------------------------------------------


def test_a_text_needs_a_receiver_and_a_body_only(wire: Raw, sdk: Client, user: str) -> None:
    message = message_of(wire, sent(wire, to(user)))
    assert message["body"] == {"content": "开会"}
    assert "senderName" not in message
    assert sdk.unread_count(user) == 1


def test_the_message_is_like_any_other(wire: Raw, sdk: Client, user: str) -> None:
    message_id = sent(wire, to(user))
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    assert sdk.message_status(message_id).read == 1
    accepted(wire, "recallMsg", {"msgId": message_id})
    assert sdk.message_status(message_id).state == "recalled"


@pytest.mark.parametrize("name", ["msgtype", "msgType"])
def test_a_card_has_its_fields_inside_or_outside(wire: Raw, user: str, name: str) -> None:
    outside = {"sendeeId": user, name: "oa", "oa": HEAD, **PLACES}
    inside = {"sendeeId": user, name: "oa", "oa": {**HEAD, **PLACES}}
    assert message_of(wire, sent(wire, outside))["body"] == message_of(wire, sent(wire, inside))["body"]


def test_a_link_has_its_business_id_inside_or_outside(wire: Raw, user: str) -> None:
    bare = {name: value for name, value in LINK.items() if name != "busiId"}
    for body in (
        link_to(user, LINK),
        link_to(user, bare, busiId=LINK["busiId"]),
        link_to(user, LINK, busiId=LINK["busiId"]),
    ):
        assert message_of(wire, sent(wire, body))["body"] == LINK
    refused(wire, CALL, link_to(user, bare), "100002", "busiId")
    refused(wire, CALL, link_to(user, LINK, busiId="another"), "100005", "busiId/link.busiId")


@pytest.mark.parametrize(
    ("content", "title"),
    [("\n one \ntwo", "one "), ("x" * 300, "x" * 255), ("一\r\n二", "一"), ("\u200bone", "\u200bone")],
)
def test_a_link_without_a_title_begins_with_its_content(wire: Raw, user: str, content: str, title: str) -> None:
    for given in ({}, {"title": ""}, {"title": None}):
        link = {**{name: value for name, value in LINK.items() if name != "title"}, **given, "content": content}
        assert message_of(wire, sent(wire, link_to(user, link)))["body"]["title"] == title
    refused(wire, CALL, link_to(user, {**LINK, "title": "", "content": " "}), "100003", "link.content")


def test_the_business_id_of_a_text_has_no_effect(wire: Raw, user: str) -> None:
    assert "busiId" not in message_of(wire, sent(wire, to(user, busiId="b")))


def test_what_the_call_does_not_know_is_ignored(wire: Raw, user: str) -> None:
    values: list[object] = ["640100", 640_100, None, {}, ["x"]]
    for value in values:
        sent(wire, to(user, loginPlatformCode=value, receiverIds=value, toAll=value, approval=value))


@pytest.mark.parametrize("field", ["publisherId", "publisherName", "sendeeOrgId", "platformCode", "deadline"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_the_same_as_left_out(wire: Raw, user: str, field: str, nothing: object) -> None:
    if (field, nothing) != ("publisherId", ""):
        assert "senderName" not in message_of(wire, sent(wire, to(user, **{field: nothing})))


MALFORMED: dict[str, list[object]] = {
    "sendeeId": [
        *("", " a", "a\n", "x" * 65, True, 1.5, ["a"], {}),
        *("a,b", "@tea,@stu", ",", "@", "@ tea", "@教师", "@" + "a" * 17),
    ],
    "sendeeOrgId": [" a", "x" * 65, "a\x00", True, ["a"]],
    "publisherId": ["", "x" * 65, "a\n", ["a"], True],
    "publisherName": [" ", "x" * 65, "a\nb", 1, "平台公告"],
    "deadline": [
        *("2030", "2030-01-02 03:04:05", True, 1.5, {}, "20301332000000", "20300230000000", "0" * 14, "00010101000000"),
        *(20_181_102_135_304, "99991231235959", "２０３００１０１００００００"),
    ],
    "busiId": [{}, ""],
}


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        *(({field: value}, "100003", field) for field, values in MALFORMED.items() for value in values),
        ({"sendeeId": None}, "100002", "sendeeId"),
        ({"sendeeId": "@tea"}, "100002", "sendeeOrgId"),
        ({"sendeeId": "@tea", "sendeeOrgId": ""}, "100002", "sendeeOrgId"),
        ({"msgType": None}, "100002", "msgType"),
        ({"msgType": "image"}, "100003", "msgType"),
        ({"msgType": "link"}, "100002", "link"),
        ({"text": {"content": " "}}, "100003", "text.content"),
        ({"platformCode": "nowhere"}, "200007", ""),
    ],
)
def test_what_is_refused(wire: Raw, sdk: Client, user: str, change: Json, code: str, named: str) -> None:
    refused(wire, CALL, {**to(user), **change}, code, named)
    assert sdk.unread_count(user) == 0


@pytest.mark.parametrize("write", [str, int])
def test_a_deadline_is_in_the_servers_time_zone(server: Server, raw: Raw, user: str, write: type) -> None:
    deadline = deadline_in(1)
    message_id = sent(raw, to(user, deadline=write(deadline)))
    at = datetime.strptime(deadline, "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
    with Browser(server, user_token(raw, user)) as browser:
        assert browser.get(f"/messages/{message_id}")["expiresAt"] == int(at.timestamp()) * 1_000


# --- Roles ----------------------------------------------------------------------------------------------------------


def test_a_role_is_of_the_organisation_and_those_below_it(school: School) -> None:
    for role, org, unread in (
        ("tea", school.school, (1, 0)),
        ("par", school.school, (1, 1)),
        ("par", school.a_class, (1, 2)),
        ("tea", school.a_class, (1, 2)),
    ):
        sent(school.raw, to(f"@{role}", sendeeOrgId=org, publisherName="宋文萍"))
        assert (school.unread(school.teacher), school.unread(school.parent)) == unread


def test_a_message_to_a_role_is_the_one_that_send_msg_sends(school: School) -> None:
    same = school.to(school.school, roles=["par"], requestId=school.school)
    message_id = accepted(school.raw, "sendMsg", same)["msgId"]
    assert sent(school.raw, to("@par", sendeeOrgId=school.school, requestId=school.school)) == message_id
    assert school.unread(school.parent) == 1


def test_an_organisation_must_exist_for_a_role_only(school: School) -> None:
    refused(school.raw, CALL, to("@tea", sendeeOrgId="nowhere"), "300007", "nowhere")
    sent(school.raw, to(school.teacher, sendeeOrgId="nowhere"))
    assert school.unread(school.teacher) == 1


def test_a_role_needs_a_grant(school: School, app: Credentials, shared_connections: SharedConnections) -> None:
    async def write(database: Database) -> None:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.withdraw(app.number)
        await directory.grant(app.number, school.school, ["tea"])

    shared_connections.run(write(shared_connections.database))
    sent(school.raw, to("@tea", sendeeOrgId=school.school))
    refused(school.raw, CALL, to("@par", sendeeOrgId=school.school), "200007", school.school, "par")
    refused(school.raw, CALL, to("@tea", sendeeOrgId=school.a_class, platformCode="nowhere"), "200007")
    assert school.unread(school.parent) == 0


# --- As sendMsg -----------------------------------------------------------------------------------------------------


def test_a_repeated_request_is_sent_once(wire: Raw, sdk: Client, user: str) -> None:
    request = to(user, requestId=f"r-{user}", publisherName="宋文萍")
    first = sent(wire, request)
    assert sent(wire, request) == first
    assert accepted(wire, CALL, to(user, publisherName="宋文萍"), idempotency_key=f"r-{user}")["msgId"] == first
    same = {"receiverIds": [user], "requestId": f"r-{user}", "senderName": "宋文萍", **TEXT}
    assert accepted(wire, "sendMsg", same)["msgId"] == first
    refused(wire, CALL, {**request, "publisherName": "another"}, "300003")
    assert sdk.unread_count(user) == 1


def test_the_call_needs_a_token(server: Server, raw: Raw, user: str) -> None:
    for query, code in (("", "200001"), ("?accessToken=guess", "200002")):
        assert exchange(server, CALL + query, JACKSON, json.dumps(to(user)))["retCode"] == code


def test_slashes_at_odd_places_are_ignored(server: Server, wire: Raw, user: str) -> None:
    body = json.dumps(to(user))
    assert exchange(server, f"/{CALL}/?accessToken={wire.token}", JACKSON, body)["retCode"] == "000000"
