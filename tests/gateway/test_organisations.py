"""Addressing organisations over HTTP (docs/protocol.md, sendMsg)."""

import pytest

from msgcenter.database.database import Database
from tests.conftest import PLATFORM, Credentials, Raw, SharedConnections
from tests.directory_rows import DirectoryRows
from tests.gateway.calls import TEXT, Json, accepted, refused
from tests.gateway.school import School
from tests.scene import find_platform


def test_a_message_to_organisations_reaches_their_members(school: School) -> None:
    accepted(school.raw, "sendMsg", school.to(school.school, school.a_class))
    accepted(school.raw, "sendMsg", school.to(school.school, roles=["tea"]))
    accepted(school.raw, "sendMsg", school.to(school.school, includeSub=False))
    accepted(school.raw, "sendMsg", school.to(school.school, roles=["par", "stu"], includeSub=True))
    assert school.unread(school.teacher) == 3
    assert school.unread(school.parent) == 2


def test_members_set_a_message_to_organisations_read(school: School) -> None:
    message_id = accepted(school.raw, "sendMsg", school.to(school.school))["msgId"]
    accepted(school.raw, "modMsgStatus", {"msgId": [message_id], "publisherId": school.parent})
    assert school.unread(school.parent) == 0


@pytest.mark.parametrize(
    ("fields", "ret_code", "named"),
    [
        ({"receiverIds": ["u"], "orgIds": ["o"]}, "100005", ["receiverIds/orgIds"]),
        ({"toAll": True, "orgIds": ["o"]}, "100005", ["toAll/orgIds"]),
        ({"receiverIds": ["u"], "roles": ["tea"]}, "100005", ["roles/receiverIds", "orgIds"]),
        ({"toAll": True, "includeSub": True}, "100005", ["includeSub/toAll", "orgIds"]),
        ({"roles": ["tea"]}, "100002", ["receiverIds"]),
        ({"orgIds": []}, "100003", ["orgIds"]),
        ({"orgIds": [str(n) for n in range(101)]}, "100004", ["orgIds", "100"]),
        ({"orgIds": ["o", " o"]}, "100003", ["orgIds[1]"]),
        ({"orgIds": ["o"], "roles": []}, "100003", ["roles"]),
        ({"orgIds": ["o"], "roles": [f"r{n}" for n in range(21)]}, "100004", ["roles", "20"]),
        ({"orgIds": ["o"], "roles": ["te a"]}, "100003", ["roles[0]", "16"]),
        ({"orgIds": ["o"], "roles": ["r" * 17]}, "100003", ["roles[0]", "16"]),
        ({"orgIds": ["o"], "includeSub": "yes"}, "100003", ["includeSub"]),
        ({"orgIds": ["o"], "approval": True}, "100005", ["approval/orgIds", "receiverIds"]),
    ],
)
def test_wrong_fields_are_named(raw: Raw, fields: Json, ret_code: str, named: list[str]) -> None:
    refused(raw, "sendMsg", {**fields, **TEXT}, ret_code, *named)


def test_unknown_organisations_are_listed(school: School) -> None:
    answer = refused(school.raw, "sendMsg", school.to(school.school, "none", 17), "300007", "17", "none")
    assert answer["invalidOrgId"] == ["17", "none"]


def test_what_is_not_granted_is_named(school: School, app: Credentials, shared_connections: SharedConnections) -> None:
    async def write(database: Database) -> None:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.withdraw(app.number)
        await directory.grant(app.number, school.a_class, ["par"])

    shared_connections.run(write(shared_connections.database))
    accepted(school.raw, "sendMsg", school.to(school.a_class, roles=["par"]))
    refused(school.raw, "sendMsg", school.to(school.school, roles=["par"]), "200007", school.school)
    refused(school.raw, "sendMsg", school.to(school.a_class, roles=["stu"]), "200007", school.a_class, "stu")
    refused(school.raw, "sendMsg", school.to(school.a_class), "200007", school.a_class, "par", "roles")


# --- What was addressed, and reports --------------------------------------------------------------------------------


def test_statuses_and_lists_show_what_was_addressed(school: School) -> None:
    sent = accepted(school.raw, "sendMsg", school.to(school.school, school.a_class, includeSub=False))["msgId"]
    addressed = {"orgIds": sorted([school.school, school.a_class]), "includeSub": False}
    status = accepted(school.raw, "getMsgStatus", {"msgId": sent})
    assert {name: status[name] for name in addressed} == addressed
    assert not {"roles", "orgs"} & status.keys()
    accepted(school.raw, "sendMsg", school.to(school.school, roles=["tea", "par"]))
    newest, older = accepted(school.raw, "getMsgList", {})["messages"]
    assert {name: older[name] for name in addressed} == addressed
    assert (newest["roles"], newest["includeSub"]) == (["par", "tea"], True)
    assert not {"topic", "toAll"} & newest.keys()


def test_a_status_is_grouped_by_organisation(school: School) -> None:
    sent = accepted(school.raw, "sendMsg", school.to(school.school))["msgId"]
    accepted(school.raw, "modMsgStatus", {"msgId": [sent], "publisherId": school.parent})
    whole = accepted(school.raw, "getMsgStatus", {"msgId": sent, "groupBy": "org"})
    assert whole["orgs"] == [{"orgId": school.school, "name": school.school, "receivers": 2, "read": 1, "unread": 1}]
    below = accepted(school.raw, "getMsgStatus", {"msgId": sent, "groupBy": "org", "orgId": school.school})
    assert below["orgs"] == [{"orgId": school.a_class, "name": school.a_class, "receivers": 1, "read": 1, "unread": 0}]
    assert below["receivers"] == 2
    details = accepted(school.raw, "getMsgStatus", {"msgId": sent, "orgId": school.a_class})["details"]
    assert [detail["userId"] for detail in details] == [school.parent]


def test_reports_of_other_messages_and_organisations_are_refused(school: School) -> None:
    direct = accepted(school.raw, "sendMsg", {"receiverIds": [school.parent], **TEXT})["msgId"]
    refused(school.raw, "getMsgStatus", {"msgId": direct, "groupBy": "org"}, "100005", "groupBy")
    refused(school.raw, "getMsgStatus", {"msgId": direct, "orgId": school.school}, "100005", "orgId")
    sent = accepted(school.raw, "sendMsg", school.to(school.school))["msgId"]
    answer = refused(school.raw, "getMsgStatus", {"msgId": sent, "orgId": "none"}, "300007", "none")
    assert answer["invalidOrgId"] == ["none"]
    refused(school.raw, "getMsgStatus", {"msgId": sent, "groupBy": "role"}, "100003", "groupBy")
