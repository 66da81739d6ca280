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
    answer = refused(school.raw, "sendMsg", school.to(school.school, "none", 17), "300005", "17", "none")
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
