"""The directory on the wire: items that are applied and items that are not, reading, permissions."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.database.database import Database
from msgcenter.domain.channels.sealing import contact_binding
from msgcenter.domain.person import COMMAND
from msgcenter.store.channels import contacts
from tests.conftest import SECRET_KEY, Raw, Server
from tests.gateway.calls import Json, accepted, refused
from tests.scene import find_platform, rows

DIRECTORY = "/msgCenter/directory/"
CELLS = 3


class Wire:
    """The calls about the directory of a platform of its own."""

    def __init__(self, raw: Raw, database: Database, app_id: str, platform: str) -> None:
        self.raw, self.database, self.app_id, self.platform = raw, database, app_id, platform

    def orgs(self, *items: object) -> Json:
        """Call setOrgs."""
        return accepted(self.raw, DIRECTORY + "setOrgs", {"orgs": items})

    def users(self, *items: object) -> Json:
        """Call setUsers."""
        return accepted(self.raw, DIRECTORY + "setUsers", {"users": items})

    def add(self, *members: tuple[object, object, object]) -> Json:
        """Call setMembers."""
        return accepted(self.raw, DIRECTORY + "setMembers", {"members": _items(*members)})

    def remove(self, *members: object) -> Json:
        """Call removeMembers."""
        return accepted(self.raw, DIRECTORY + "removeMembers", {"members": members})

    def org(self, org_id: str | None = None, **more: object) -> Json:
        """Call getOrg; return the answer without the envelope."""
        body = {**({} if org_id is None else {"orgId": org_id}), **more}
        return _result(accepted(self.raw, DIRECTORY + "getOrg", body))

    def members(self, org_id: str, **more: object) -> set[tuple[str, str, str]]:
        """Call getMembers for all pages; return organisation, user and role of each."""
        found: list[tuple[str, str, str]] = []
        cursor: Json = {}
        while True:
            page = accepted(self.raw, DIRECTORY + "getMembers", {"orgId": org_id, **more, **cursor})
            found += [(it["orgId"], it["userId"], it["role"]) for it in page["members"]]
            if "nextCursor" not in page:
                assert len(found) == len(set(found))
                return set(found)
            cursor = {"cursor": page["nextCursor"]}


def _items(*members: tuple[object, object, object]) -> list[Json]:
    return [{"orgId": org_id, "userId": user_id, "role": role} for org_id, user_id, role in members]


def _result(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name not in {"retCode", "retDesc"}}


def _org(org_id: str, parent_id: str = "", **more: object) -> Json:
    return {"orgId": org_id, "parentId": parent_id, "kind": "", "name": org_id.title(), **more}


@pytest.fixture
async def wire(server: Server, shared_database: str) -> AsyncIterator[Wire]:
    platform = f"d{secrets.token_hex(4)}"
    async with Database(shared_database, connections=2) as database:
        await Platforms(database).create(platform, platform, cells=CELLS, by=COMMAND)
        app, key = await Apps(database, KeyRing(SECRET_KEY)).create("Feeder", platform)
        await AppSettings(database).set_directory(app.app_id, allowed=True)
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": key}
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            raw = Raw(server, (await http.post("/oauth2/token", data=form)).json()["access_token"])
        yield Wire(raw, database, app.app_id, platform)
        raw.http.close()


@pytest.fixture
def school(wire: Wire) -> Wire:
    """A district with two schools and a class."""
    items = [_org("class", "school-1"), _org("school-1", "district"), _org("district"), _org("school-2", "district")]
    assert _result(wire.orgs(*items)) == {"changed": 4}
    return wire


# --- Organisations ----------------------------------------------------------------------------------------------------


def test_orgs_are_set_in_any_order_and_repeating_changes_nothing(school: Wire) -> None:
    assert _result(school.orgs(_org("class", "school-1"), _org("class", "school-1"))) == {"changed": 0}
    assert school.org("district") == {
        "children": [{"orgId": it, "kind": "", "name": it.title()} for it in ("school-1", "school-2")],
        "org": {"orgId": "district", "kind": "", "name": "District"},
        "members": [],
    }
    assert school.org("class")["parent"] == {"orgId": "school-1", "kind": "", "name": "School-1"}
    assert [child["orgId"] for child in school.org()["children"]] == ["district"]


def test_a_field_that_is_left_out_keeps_its_value(school: Wire) -> None:
    school.orgs({"orgId": "class", "kind": "class"})
    school.orgs({"orgId": "class", "name": "3(2)", "parentId": None})
    answer = school.org("class")
    assert (answer["org"], answer["parent"]["orgId"]) == (
        {"orgId": "class", "kind": "class", "name": "3(2)"},
        "school-1",
    )
    school.orgs({"orgId": "class", "kind": "", "parentId": ""})
    answer = school.org("class")
    assert (answer["org"]["kind"], answer.get("parent")) == ("", None)


def test_valid_items_are_applied_and_the_others_are_named(school: Wire) -> None:
    answer = school.orgs(
        _org("new", "district"),
        _org("lost", "nowhere"),
        _org("district", "district"),
        {"orgId": "unnamed"},
        {"orgId": "x" * 65, "name": "x"},
        {"orgId": "long", "name": "n" * 129},
        {"name": "no id"},
        "text",
        _org("class", "school-2"),
        _org("class", "school-1"),
        {"orgId": "district", "name": "x\u0000"},
        {"orgId": "school-2", "deleted": True},
    )
    assert answer["changed"] == 2
    assert [(it["index"], it["field"]) for it in answer["invalidItems"]] == [
        (1, "parentId"),
        (2, "parentId"),
        (3, "name"),
        (4, "orgId"),
        (5, "name"),
        (6, "orgId"),
        (7, "item"),
        (9, "orgId"),
        (10, "name"),
        (11, "deleted"),
    ]
    assert {child["orgId"] for child in school.org("district")["children"]} >= {"new", "school-1"}


def test_a_call_without_a_valid_item_is_refused_as_its_first_item(school: Wire) -> None:
    answer = refused(
        school.raw, DIRECTORY + "setOrgs", {"orgs": [_org("a", "b"), {}]}, "100003", "orgs[0].parentId", "b"
    )
    assert [it["index"] for it in answer["invalidItems"]] == [0, 1]
    assert answer["invalidItems"][1]["reason"] == "required field orgId is missing"
    refused(school.raw, DIRECTORY + "setOrgs", {"orgs": [{}]}, "100002", "orgs[0].orgId")
    refused(school.raw, DIRECTORY + "setOrgs", {"orgs": []}, "100003", "orgs", "1")
    refused(school.raw, DIRECTORY + "setOrgs", {"orgs": [_org("a")] * 1_001}, "100004", "orgs", "1000")
    refused(school.raw, DIRECTORY + "setOrgs", {}, "100002", "orgs")
    refused(school.raw, DIRECTORY + "setOrgs", {"orgs": "x"}, "100003", "orgs")


def test_a_tree_with_more_than_twelve_levels_is_refused(wire: Wire) -> None:
    wire.orgs(*(_org(f"o{level}", f"o{level - 1}" if level else "") for level in range(12)))
    refused(wire.raw, DIRECTORY + "setOrgs", {"orgs": [_org("o12", "o11")]}, "100003", "parentId", "12")


def test_a_deleted_org_can_be_set_again(school: Wire) -> None:
    school.add(("class", "u", "stu"))
    assert school.orgs({"orgId": "class", "deleted": True})["changed"] == 1
    assert school.orgs({"orgId": "class", "deleted": True})["changed"] == 0
    refused(school.raw, DIRECTORY + "getOrg", {"orgId": "class"}, "300007", "class")
    assert school.members("district") == set()
    assert school.orgs(_org("class", "school-2"))["changed"] == 1
    assert school.members("district") == set()
    assert school.org("class")["parent"]["orgId"] == "school-2"


def test_children_come_in_pages(wire: Wire) -> None:
    wire.orgs(*(_org(f"o{number:02}") for number in range(25)))
    found: list[str] = []
    page = wire.org(pageSize=10)
    while True:
        found += [child["orgId"] for child in page["children"]]
        if "nextCursor" not in page:
            break
        page = wire.org(pageSize=10, cursor=page["nextCursor"])
    assert found == [f"o{number:02}" for number in range(25)]


# --- Users and members ------------------------------------------------------------------------------------------------


def test_members_are_set_removed_and_listed(school: Wire) -> None:
    pairs = [("class", f"u{number}", "stu") for number in range(9)]
    assert school.add(*pairs, ("school-1", "u1", "tea"), ("school-2", 7, "tea"))["changed"] == 11
    assert school.add(*pairs)["changed"] == 0
    everyone = {*pairs, ("school-1", "u1", "tea"), ("school-2", "7", "tea")}
    for size in (1, 3, 4, 200):
        assert school.members("district", pageSize=size) == everyone
    assert school.members("school-1", roles=["tea", "adm"]) == {("school-1", "u1", "tea")}
    assert school.members("school-1", includeSub=False) == {("school-1", "u1", "tea")}
    assert school.members("district", includeSub=False) == set()
    assert school.org("class")["members"] == [{"role": "stu", "count": 9}]
    assert school.org("district")["members"] == []
    removed = school.remove({"orgId": "class", "userId": "u1", "role": "tea"}, {"orgId": "class", "userId": "u2"})
    assert removed["changed"] == 1
    assert school.members("district") == everyone - {("class", "u2", "stu")}
    school.orgs(_org("class", "school-2"))
    assert school.members("school-1") == {("school-1", "u1", "tea")}
    assert len(school.members("school-2")) == 9


def test_members_of_unknown_orgs_are_named(school: Wire) -> None:
    answer = school.add(
        ("class", "u", "stu"), ("nowhere", "u", "stu"), ("class", "u", "no role"), ("class", " u", "stu")
    )
    assert answer["changed"] == 1
    assert [(it["index"], it["field"]) for it in answer["invalidItems"]] == [(1, "orgId"), (2, "role"), (3, "userId")]
    assert "nowhere" in answer["invalidItems"][0]["reason"]
    body = {"members": _items(("nowhere", "u", "stu"))}
    refused(school.raw, DIRECTORY + "setMembers", body, "300007", "nowhere")
    refused(school.raw, DIRECTORY + "removeMembers", body, "300007", "nowhere")


def test_users_are_set_disabled_and_removed(school: Wire) -> None:
    user = {"userId": "王", "name": "王芳", "locale": "zh-CN", "timeZone": "Asia/Shanghai"}
    assert school.users(user)["changed"] == 1
    assert school.users({"userId": "王"})["changed"] == 0
    school.add(("class", "王", "par"), ("class", "nameless", "par"))
    assert school.users({"userId": "王", "disabled": True})["changed"] == 1
    listed = accepted(school.raw, DIRECTORY + "getMembers", {"orgId": "class"})["members"]
    assert sorted(listed, key=lambda it: it["userId"]) == [
        {"orgId": "class", "userId": "nameless", "role": "par", "name": ""},
        {"orgId": "class", "userId": "王", "role": "par", "name": "王芳", "disabled": True},
    ]
    assert school.users({"userId": "王", "deleted": True}, {"userId": "unknown", "deleted": True})["changed"] == 1
    assert school.members("class") == {("class", "nameless", "par")}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userId", ""),
        ("userId", "x" * 65),
        ("userId", "a\tb"),
        ("name", "n" * 129),
        ("name", "a\nb"),
        ("name", 7),
        ("locale", "zh CN"),
        ("locale", "-"),
        ("timeZone", "Mars/Base"),
        ("timeZone", "Asia Shanghai"),
        ("disabled", 1),
        ("disabled", "true"),
        ("deleted", "yes"),
        ("email", "no-at-sign"),
        ("email", "a@school"),
        ("email", "a@school.example, b@school.example"),
        ("email", "a@school.example\n"),
        ("email", f"{'x' * 65}@school.example"),
        ("email", f"a@{'x.' * 126}example"),
        ("email", 7),
        ("mobile", "12345678901"),
        ("mobile", "8613800138000"),
        ("mobile", "+86123"),
        ("mobile", "+0138001380"),
        ("mobile", "138 0013 8000 0000"),
        ("mobile", 13800138000),
        ("mobile", "one"),
        ("accounts", "wang"),
        ("accounts.wecom", {"wecom": "王芳"}),
        ("accounts.dingtalk", {"dingtalk": "-"}),
        ("accounts.feishu", {"feishu": "x" * 65}),
    ],
)
def test_a_bad_field_of_a_user_is_named(wire: Wire, field: str, value: object) -> None:
    body = {"users": [{"userId": "u", "name": "U", field.partition(".")[0]: value}]}
    refused(wire.raw, DIRECTORY + "setUsers", body, "100003", f"users[0].{field}")


POINTS = {"email": "Wang@School.Example", "mobile": "138-0013-8000", "accounts": {"wecom": "wang.fang"}}


async def test_contact_points_are_stored_sealed_for_the_app_that_wrote_them(wire: Wire) -> None:
    assert wire.users({"userId": "u", **POINTS})["changed"] == 1
    assert wire.users({"userId": "u", **POINTS})["changed"] == 0
    assert wire.users({"userId": "u", "name": "U", "mobile": "+8613800138000"})["changed"] == 1
    (app,) = await rows(wire.database, "select number from app where app_id = $1", wire.app_id)
    assert await opened_points(wire) == {
        "email": ("Wang@school.example", app["number"]),
        "mobile": ("+8613800138000", app["number"]),
        "wecom": ("wang.fang", app["number"]),
    }
    assert wire.users({"userId": "u", "email": "", "accounts": {"wecom": "", "feishu": ""}})["changed"] == 1
    assert set(await opened_points(wire)) == {"mobile"}
    assert wire.users({"userId": "u", "deleted": True})["changed"] == 1
    assert await opened_points(wire) == {}


async def test_a_bounced_address_stays_off_until_another_one_is_set(wire: Wire) -> None:
    platform = await find_platform(wire.database, wire.platform)
    cell = platform.cell_of("u")
    wire.users({"userId": "u", "email": "old@school.example"})
    async with wire.database.connection() as connection:
        sealed = (await contacts.read(connection, cell, ["u"]))["u"]["email"].value_sealed
        bounce = partial(
            contacts.disable, connection, cell, "u", "email", value_sealed=sealed, reason="550 no such user", now=1
        )
        await bounce()
        wire.users({"userId": "u", "email": "old@school.example"})
        assert (await contacts.read(connection, cell, ["u"]))["u"]["email"].disabled_at == 1
        wire.users({"userId": "u", "email": "new@school.example"})
        assert (await contacts.read(connection, cell, ["u"]))["u"]["email"].disabled_at is None
        await bounce()
        assert (await contacts.read(connection, cell, ["u"]))["u"]["email"].disabled_at is None, "the old one bounced"


def test_no_call_returns_contact_points(wire: Wire) -> None:
    wire.orgs(_org("school"))
    answers = [wire.users({"userId": "u", **POINTS}), wire.add(("school", "u", "par"))]
    answers += [accepted(wire.raw, DIRECTORY + call, {"orgId": "school"}) for call in ("getMembers", "getOrg")]
    text = str(answers).lower()
    assert "wang" not in text
    assert "8000" not in text


async def opened_points(wire: Wire) -> dict[str, tuple[str, int]]:
    """Return the contact points of the user u, and the apps that wrote them."""
    keys = KeyRing(SECRET_KEY)
    platform = await find_platform(wire.database, wire.platform)
    async with wire.database.connection() as connection:
        stored = (await contacts.read(connection, platform.cell_of("u"), ["u"])).get("u", {})
    return {
        kind: (
            keys.open_value("contact", contact_binding(wire.platform, "u", kind), contact.value_sealed),
            contact.app_number or 0,
        )
        for kind, contact in stored.items()
    }


def test_a_user_that_occurs_twice_with_different_values_is_named(wire: Wire) -> None:
    answer = wire.users({"userId": "u", "name": "A"}, {"userId": "u", "name": "A"}, {"userId": "u", "name": "B"})
    assert (answer["changed"], [it["index"] for it in answer["invalidItems"]]) == (1, [2])


@pytest.mark.parametrize("cursor", ["?", "1", "MC4x", "LTEuMS5hLmI", "MC45OTk5OTk5OTk5OTk5LmEuYg"])
def test_a_cursor_of_no_page_is_refused(school: Wire, cursor: str) -> None:
    refused(school.raw, DIRECTORY + "getMembers", {"orgId": "class", "cursor": cursor}, "100003", "cursor")


def test_the_reason_is_in_the_language_of_the_call(school: Wire) -> None:
    body = {"orgs": [_org("ok"), _org("lost", "nowhere")]}
    for language, text in (("zh", "没有组织nowhere"), ("en", "there is no organisation nowhere")):
        answer = accepted(school.raw, DIRECTORY + "setOrgs", body, accept_language=language)
        assert text in answer["invalidItems"][0]["reason"]


# --- Permissions and the audit log ------------------------------------------------------------------------------------

CALLS: dict[str, Json] = {
    "setOrgs": {"orgs": [_org("o")]},
    "setUsers": {"users": [{"userId": "u"}]},
    "setMembers": {"members": _items(("o", "u", "stu"))},
    "removeMembers": {"members": _items(("o", "u", "stu"))},
    "getOrg": {},
    "getMembers": {"orgId": "o"},
}


@pytest.mark.parametrize("call", CALLS)
async def test_an_app_needs_the_directory_and_the_platform(wire: Wire, call: str) -> None:
    await asyncio.to_thread(wire.orgs, _org("o"))
    await asyncio.to_thread(accepted, wire.raw, DIRECTORY + call, CALLS[call])
    on_other = {**CALLS[call], "platformCode": "330100"}
    await asyncio.to_thread(refused, wire.raw, DIRECTORY + call, on_other, "200007", "330100")
    await AppSettings(wire.database).set_directory(wire.app_id, allowed=False)
    await asyncio.to_thread(refused, wire.raw, DIRECTORY + call, CALLS[call], "200007", "directory")


async def test_changes_are_in_the_audit_log_once(wire: Wire) -> None:
    def change() -> None:
        for _ in range(2):
            wire.orgs(_org("o"))
            wire.users({"userId": "u", "name": "U"})
            wire.add(("o", "u", "stu"))

    await asyncio.to_thread(change)
    query = "select action, actor from audit_entry where subject = $1 and action like 'directory.%' order by id"
    found = [tuple(row) for row in await rows(wire.database, query, wire.platform)]
    assert found == [(f"directory.{kind}", wire.app_id) for kind in ("orgs", "users", "members")]
