"""Messages to organisations: who gets them, who may send them, and what becomes of them later."""

from collections.abc import AsyncIterator, Awaitable

import pytest
from msgspec.structs import replace

from msgcenter.actions.mailboxes.topics import topic_readers
from msgcenter.actions.messages import message_status
from msgcenter.actions.messages.message_log import MessageLog
from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Database
from msgcenter.domain.audience import Everyone, Organisations, is_org_audience
from msgcenter.domain.content import Text
from msgcenter.domain.directory import UserChange
from msgcenter.domain.message import State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging import fan_out as delivery
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.pull import pull
from msgcenter.store.directory import recipients
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.receipts import ReceiptTotals
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageFilter
from tests.org_scene import OrgScene, open_scene
from tests.scene import rows


@pytest.fixture
async def scene(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[OrgScene]:
    async with open_scene(database, getattr(request, "param", 1)) as opened:
        yield opened


in_cells = pytest.mark.parametrize("scene", [1, 3], indirect=True, ids=["one cell", "three cells"])


async def refused(call: Awaitable[object], reason: Reason) -> Refusal:
    """Await a call that must be refused, and return the refusal."""
    with pytest.raises(Refusal) as refusal:
        await call
    assert refusal.value.reason is reason
    return refusal.value


# --- Who gets a message ---------------------------------------------------------------------------------------------


@in_cells
@pytest.mark.parametrize(
    ("org_ids", "roles", "include_sub", "users"),
    [
        (["district"], None, True, {"li", "wang", "zhao", "teacher", "head", "far"}),
        (["school"], None, True, {"li", "wang", "zhao", "teacher", "head"}),
        (["school"], None, False, {"teacher", "head"}),
        (["district"], None, False, set()),
        (["school", "c1"], None, False, {"teacher", "head", "li", "wang"}),
        (["school", "c1", "district"], ["tea"], True, {"teacher", "head"}),
        (["district"], ["par", "adm"], True, {"zhao", "li"}),
        (["c1"], ["stu"], True, {"li", "wang"}),
        (["other"], ["tea"], True, set()),
    ],
)
async def test_a_message_reaches_the_members_once(
    scene: OrgScene, org_ids: list[str], roles: list[str] | None, include_sub: bool, users: set[str]
) -> None:
    message_id = await scene.send(*org_ids, roles=roles, include_sub=include_sub)
    assert await scene.having(message_id) == users
    assert await scene.shown("teacher") == ([message_id] if "teacher" in users else [])
    message = await scene.stored(message_id)
    assert is_org_audience(message.topic_number)
    assert message.is_sent
    assert scene.events == [message.topic_number]


@in_cells
async def test_members_get_what_is_sent_while_they_are_members(scene: OrgScene) -> None:
    before = await scene.send("school")
    await scene.directory.join("c1", ["new"])
    await scene.directory.leave("c1", ["wang"])
    after = await scene.send("school")
    assert await scene.shown("new") == [after]
    assert await scene.shown("wang") == [before]


@in_cells
async def test_the_tree_counts_as_it_was_when_a_message_was_sent(scene: OrgScene) -> None:
    to_school, to_other = await scene.send("school"), await scene.send("other")
    await scene.directory.add_org("c1", "other")
    later_school, later_other = await scene.send("school"), await scene.send("other")
    await scene.directory.delete_org("c1")
    last = await scene.send("other")
    assert await scene.shown("wang") == [later_other, to_school]
    assert await scene.shown("zhao") == [later_school, to_school]
    assert await scene.shown("far") == [last, later_other, to_other]


@in_cells
async def test_a_disabled_user_gets_nothing_meanwhile(scene: OrgScene) -> None:
    before = await scene.send("c1")
    await scene.database.in_transaction(change_users, scene.platform, [UserChange("wang", disabled=True)])
    await scene.send("c1")
    everyone = await scene.sending.send(scene.app, Text("all"), Everyone())
    await scene.database.in_transaction(change_users, scene.platform, [UserChange("wang", disabled=False)])
    after = await scene.send("c1")
    assert await scene.shown("wang") == [after, everyone, before]


async def test_one_look_pulls_the_rows_of_all_kinds(scene: OrgScene) -> None:
    ids = [
        await scene.send("school"),
        await scene.sending.send(scene.app, Text("all"), Everyone()),
        await scene.send("c1", "c2"),
        await scene.send("other"),
    ]
    assert await scene.shown("li") == [ids[2], ids[1], ids[0]]


async def test_an_audience_is_stored_once(scene: OrgScene) -> None:
    for _ in range(2):
        await scene.send("c1", "c2", roles=["stu", "par"])
        await Sending(scene.database, scene.lease, waiting_limit=100).send(
            scene.app, Text("text"), Organisations.of(["c2", "c1", "c1"], ["par", "stu"])
        )
    assert len(await rows(scene.database, "select from directory_audience")) == 1


async def test_a_repeated_request_is_sent_once(scene: OrgScene) -> None:
    audience = Organisations.of(["school"], ["tea"])
    first = await scene.sending.send(scene.app, Text("text"), audience, request_id="r")
    assert await scene.sending.send(scene.app, Text("text"), audience, request_id="r") == first
    for other in (Organisations.of(["school"], ["stu"]), Organisations.of(["school"], ["tea"], include_sub=False)):
        await refused(scene.sending.send(scene.app, Text("text"), other, request_id="r"), Reason.REQUEST_ID_REUSED)
    assert await scene.shown("head") == [first]


async def test_a_quota_counts_a_message_to_organisations(scene: OrgScene) -> None:
    app = replace(scene.app, daily_quota=1)
    await scene.sending.send(app, Text("text"), Organisations.of(["district"]))
    await refused(scene.sending.send(app, Text("text"), Organisations.of(["district"])), Reason.QUOTA_EXCEEDED)


async def test_a_user_of_no_organisation_that_is_written_to_catches_up(
    scene: OrgScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each look would search all rows since the last pull."""
    monkeypatch.setattr(feed, "_FAR_BEHIND", 3)
    for _ in range(5):
        await scene.send("school", roles=["tea"])
    async with scene.database.connection() as connection:
        assert await feed.mailboxes_to_pull(connection, scene.platform.first_cell, ["li", "far", "head"]) == [
            "far",
            "head",
            "li",
        ]
    assert await scene.shown("li") == []
    await pull(scene.database, [scene.platform.recipient("li")], now_ms())
    (row,) = await rows(
        scene.database,
        "select position - pulled_to as behind from mailbox join feed_head using (cell) where user_id = 'li'",
    )
    assert row["behind"] == 0


# --- Receipts -------------------------------------------------------------------------------------------------------


async def _listed(scene: OrgScene, message_id: int, *, limit: int, read: bool | None = None) -> list[str]:
    """Return the users of all pages of receipts."""
    users: list[str] = []
    cursor: str | None = None
    while True:
        page = await scene.statuses.receipts(scene.app, message_id, read=read, cursor=cursor, limit=limit)
        users += [receipt.user_id for receipt in page.receipts]
        cursor = page.next_cursor
        if cursor is None:
            return users


@in_cells
@pytest.mark.parametrize("part", [1, 2, 1_000])
async def test_receipts_have_each_recipient_once(scene: OrgScene, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(recipients, "MEMBERS_PER_COUNT", part)
    monkeypatch.setattr(recipients, "_MEMBERS_PER_LIST", part)
    to_all = await scene.send("district", "c2")
    to_few = await scene.send("school", "c1", roles=["tea", "par"])
    await scene.directory.join("c1", ["late"])
    await scene.directory.leave("c1", ["wang", "teacher"])
    for user in ("wang", "teacher", "li"):
        await scene.read(user, to_all, to_few)
    for message_id, users, read in (
        (to_all, ["far", "head", "li", "teacher", "wang", "zhao"], ["li", "teacher", "wang"]),
        (to_few, ["head", "li", "teacher", "zhao"], ["li", "teacher"]),
    ):
        status = await scene.statuses.status(scene.app, message_id)
        assert status.counts == ReceiptTotals(len(users), len(users), len(read))
        for limit in (1, 2, 100):
            assert sorted(await _listed(scene, message_id, limit=limit)) == users
            assert sorted(await _listed(scene, message_id, limit=limit, read=True)) == read
            unread = await _listed(scene, message_id, limit=limit, read=False)
            assert sorted(unread) == sorted(set(users) - set(read))


async def test_receipts_of_a_scheduled_message_are_of_the_present_members(scene: OrgScene) -> None:
    audience = Organisations.of(["c1"])
    message_id = await scene.sending.send(scene.app, Text("text"), audience, send_at=now_ms() + 60_000)
    await scene.database.in_transaction(change_users, scene.platform, [UserChange("wang", disabled=True)])
    page = await scene.statuses.receipts(scene.app, message_id, read=None, cursor=None, limit=10)
    assert page.status.counts == ReceiptTotals(2, 0, 0)
    assert page.receipts == []


async def test_a_page_of_receipts_ends_early_when_few_members_have_the_role(
    scene: OrgScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "_MEMBERS_PER_LIST", 1)
    monkeypatch.setattr(message_status, "_LOOKED_AT_PER_PAGE", 2)
    message_id = await scene.send("school", roles=["par"])
    page = await scene.statuses.receipts(scene.app, message_id, read=None, cursor=None, limit=10)
    assert page.next_cursor is not None
    assert await _listed(scene, message_id, limit=10) == ["li", "zhao"]


@pytest.mark.parametrize("cursor", ["x", "0:x:u", "0:-1:u", "0:99999999999:u", "0:3000000000:u", ":", "1234567890123"])
async def test_a_cursor_that_is_not_ours_is_refused(scene: OrgScene, cursor: str) -> None:
    message_id = await scene.send("school")
    call = scene.statuses.receipts(scene.app, message_id, read=None, cursor=cursor, limit=10)
    await refused(call, Reason.FIELD_MALFORMED)


async def test_a_reminder_counts_the_members_who_have_not_read(scene: OrgScene) -> None:
    message_id = await scene.send("c1", "school")
    await scene.read("teacher", message_id)
    assert await scene.sent.remind(scene.app, message_id, by=COMMAND) == 4


async def test_lists_and_statuses_name_the_organisations(scene: OrgScene) -> None:
    audience = Organisations.of(["school", "c1"], ["tea"], include_sub=False)
    message_id = await scene.sending.send(scene.app, Text("text"), audience)
    await scene.directory.delete_org("c1")
    assert (await scene.statuses.status(scene.app, message_id)).organisations == audience
    page = await MessageLog(scene.database).page(MessageFilter(scene.app.number), "head", 10)
    assert [(entry.organisations, entry.counts) for entry in page.items] == [(audience, ReceiptTotals(2, 2, 0))]


# --- Recall, update, reminder ---------------------------------------------------------------------------------------


@in_cells
async def test_a_recall_reaches_members_who_have_left(scene: OrgScene) -> None:
    message_id = await scene.send("school")
    assert await scene.having(message_id) == {"li", "wang", "zhao", "teacher", "head"}
    await scene.directory.leave("c1", ["wang"])
    await scene.sent.recall(scene.app, message_id, by=COMMAND)
    assert await scene.having(message_id) == set()


@in_cells
async def test_a_reset_makes_a_message_unread_for_all_its_members(scene: OrgScene) -> None:
    message_id = await scene.send("c1", "school")
    await scene.read("teacher", message_id)
    assert await scene.shown("teacher", unread=True) == []
    await scene.sent.update(scene.app, message_id, Text("new"), reset_read=True, by=COMMAND)
    assert await scene.shown("teacher", unread=True) == [message_id]


# --- Schedules ------------------------------------------------------------------------------------------------------


async def _become_due(scene: OrgScene, message_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "now_ms", lambda: now_ms() + 100_000)
    assert await fan_out(scene.database, Delivery(scene.platform.first_cell, message_id)) == 0


@in_cells
async def test_a_scheduled_message_is_for_the_members_when_it_is_due(
    scene: OrgScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = Organisations.of(["c1"])
    message_id = await scene.sending.send(scene.app, Text("text"), audience, send_at=now_ms() + 60_000)
    assert await scene.having(message_id) == set()
    await scene.directory.join("c1", ["new"])
    await _become_due(scene, message_id, monkeypatch)
    assert await scene.having(message_id) == {"li", "wang", "teacher", "new"}


async def test_a_scheduled_message_is_withheld_when_the_grant_is_withdrawn(
    scene: OrgScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = Organisations.of(["c1"])
    message_id = await scene.sending.send(scene.app, Text("text"), audience, send_at=now_ms() + 60_000)
    await scene.directory.withdraw(scene.app.number)
    await _become_due(scene, message_id, monkeypatch)
    assert await scene.having(message_id) == set()
    assert (await scene.stored(message_id)).state_at(now_ms()) is State.RECALLED


# --- Rights ---------------------------------------------------------------------------------------------------------


async def test_unknown_organisations_are_named(scene: OrgScene) -> None:
    await scene.directory.delete_org("other")
    refusal = await refused(scene.send("c1", "none", "other"), Reason.ORGANISATION_UNKNOWN)
    assert refusal.result == {"invalidOrgId": ["none", "other"]}
    assert "none, other" in refusal.describe("en")
    assert "none, other" in refusal.describe("zh")


@pytest.mark.parametrize(
    ("grants", "org_ids", "roles", "missing"),
    [
        ({}, ["c1"], None, "c1"),
        ({"c1": None}, ["c1"], None, None),
        ({"c1": None}, ["c1"], ["tea"], None),
        ({"c1": None}, ["c1", "c2"], None, "c2"),
        ({"c1": None}, ["school"], ["tea"], "school"),
        ({"school": ["tea"]}, ["c1"], None, "tea"),
        ({"school": ["tea"]}, ["c1"], ["tea"], None),
        ({"school": ["tea"]}, ["c1"], ["par", "tea"], "par"),
        ({"school": ["tea"], "c1": ["par"]}, ["c1"], ["par", "tea"], None),
        ({"school": ["tea"], "c1": ["par"]}, ["c1", "c2"], ["par", "tea"], "par"),
        ({"school": ["tea"], "district": None}, ["c1"], None, None),
    ],
)
async def test_a_grant_is_for_a_subtree_and_its_roles(
    scene: OrgScene,
    grants: dict[str, list[str] | None],
    org_ids: list[str],
    roles: list[str] | None,
    missing: str | None,
) -> None:
    await scene.directory.withdraw(scene.app.number)
    for org_id, granted_roles in grants.items():
        await scene.directory.grant(scene.app.number, org_id, granted_roles)
    if missing is None:
        await scene.send(*org_ids, roles=roles)
        return
    refusal = await refused(scene.send(*org_ids, roles=roles), Reason.NOT_AUTHORISED)
    assert missing in refusal.describe("en")
    assert missing in refusal.describe("zh")


async def test_an_app_that_is_not_live_cannot_address_organisations(scene: OrgScene) -> None:
    call = scene.sending.send(replace(scene.app, live=False), Text("text"), Organisations.of(["c1"]))
    await refused(call, Reason.NOT_AUTHORISED)


@pytest.mark.parametrize("what", ["update", "remind"])
async def test_what_reaches_members_later_needs_the_grant_still(scene: OrgScene, what: str) -> None:
    message_id = await scene.send("c1")
    await scene.directory.withdraw(scene.app.number)
    call = (
        scene.sent.update(scene.app, message_id, Text("new"), reset_read=False, by=COMMAND)
        if what == "update"
        else scene.sent.remind(scene.app, message_id, by=COMMAND)
    )
    await refused(call, Reason.NOT_AUTHORISED)


# --- Live events ----------------------------------------------------------------------------------------------------


@in_cells
async def test_events_reach_the_streams_of_members(scene: OrgScene) -> None:
    await scene.send("school", roles=["stu", "tea"])
    await scene.directory.leave("c1", ["wang"])
    (number,) = scene.events
    assert number is not None
    watching = [scene.platform.recipient(user) for user in ("wang", "zhao", "head", "far", "nobody")]
    assert set(await topic_readers(scene.database, number, watching)) == {"wang", "head"}
