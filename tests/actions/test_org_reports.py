"""How many have read a message, organisation by organisation."""

from collections.abc import AsyncIterator

import pytest

from msgcenter.actions.messages import receipt_counts
from msgcenter.database.database import Database
from msgcenter.domain.audience import Everyone, Organisations, Receivers
from msgcenter.domain.content import Text
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.directory import recipients
from tests.org_scene import OrgScene, open_scene

Rows = dict[str, tuple[int, int]]


@pytest.fixture(params=[1, 3], ids=["one cell", "three cells"])
async def scene(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[OrgScene]:
    async with open_scene(database, request.param) as opened:
        yield opened


async def report(scene: OrgScene, message_id: int, org_id: str | None = None) -> Rows:
    """Return the numbers of recipients and of those who have read it, by org id."""
    message = await scene.stored(message_id)
    counted = await scene.statuses.org_counts(message, org_id)
    assert [it.org.org_id for it in counted] == sorted(it.org.org_id for it in counted)
    return {it.org.org_id: (it.counts.receivers, it.counts.read) for it in counted}


async def details(scene: OrgScene, message_id: int, org_id: str, *, read: bool | None = None) -> set[str]:
    """Return the users of the receipts of an organisation, from pages of one."""
    users: set[str] = set()
    cursor: str | None = None
    while True:
        page = await scene.statuses.receipts(scene.app, message_id, read=read, cursor=cursor, limit=1, org_id=org_id)
        assert users.isdisjoint(receipt.user_id for receipt in page.receipts)
        users |= {receipt.user_id for receipt in page.receipts}
        cursor = page.next_cursor
        if cursor is None:
            return users


@pytest.mark.parametrize("part", [1, 20_000])
async def test_each_organisation_counts_its_members_once(
    scene: OrgScene, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(recipients, "MEMBERS_PER_COUNT", part)
    monkeypatch.setattr(recipients, "_MEMBERS_PER_LIST", part)
    monkeypatch.setattr(receipt_counts, "_QUICK_SECONDS", -1.0)
    message_id = await scene.send("district", "c1")
    for user in ("li", "teacher", "far"):
        await scene.read(user, message_id)
    assert await report(scene, message_id) == {"c1": (3, 2), "district": (6, 3)}
    assert await report(scene, message_id, "district") == {"other": (1, 1), "school": (5, 2)}
    # Li is in both classes.
    assert await report(scene, message_id, "school") == {"c1": (3, 2), "c2": (2, 1)}
    assert await report(scene, message_id, "c2") == {"c2": (2, 1)}
    assert await details(scene, message_id, "c2") == {"li", "zhao"}
    assert await details(scene, message_id, "c1", read=False) == {"wang"}
    assert await details(scene, message_id, "school", read=False) == {"wang", "zhao", "head"}


async def test_a_report_counts_only_who_was_meant(scene: OrgScene) -> None:
    message_id = await scene.send("school", roles=["tea"])
    assert await report(scene, message_id, "district") == {"other": (0, 0), "school": (2, 0)}
    assert await report(scene, message_id, "school") == {"c1": (1, 0), "c2": (0, 0)}
    direct = await scene.send("school", include_sub=False)
    assert await report(scene, direct) == {"school": (2, 0)}
    assert await report(scene, direct, "school") == {"c1": (0, 0), "c2": (0, 0)}
    assert await details(scene, direct, "c1") == set()


async def test_history_stays_as_it_was_at_the_send(scene: OrgScene) -> None:
    before = await scene.send("district")
    await scene.directory.add_org("c1", "other", name="New name")
    await scene.directory.leave("c2", ["zhao"])
    await scene.directory.join("c2", ["late"])
    after = await scene.send("district")
    assert await report(scene, before, "school") == {"c1": (3, 0), "c2": (2, 0)}
    assert await report(scene, before, "other") == {"other": (1, 0)}
    assert await details(scene, before, "c2") == {"li", "zhao"}
    assert await report(scene, after, "school") == {"c2": (2, 0)}
    assert await report(scene, after, "other") == {"c1": (3, 0)}
    assert await report(scene, after, "district") == {"other": (4, 0), "school": (4, 0)}
    (row,) = await scene.statuses.org_counts(await scene.stored(before), "c1")
    assert row.org.name == "New name"


async def test_a_deleted_organisation_keeps_its_report(scene: OrgScene) -> None:
    message_id = await scene.send("school")
    await scene.directory.delete_org("c1")
    assert await report(scene, message_id, "school") == {"c1": (3, 0), "c2": (2, 0)}
    assert await details(scene, message_id, "c1") == {"li", "wang", "teacher"}


async def test_a_scheduled_message_reports_the_present_members(scene: OrgScene) -> None:
    audience = Organisations.of(["school"])
    message_id = await scene.sending.send(scene.app, Text("text"), audience, send_at=now_ms() + 60_000)
    assert await report(scene, message_id, "school") == {"c1": (3, 0), "c2": (2, 0)}
    (row, _) = await scene.statuses.org_counts(await scene.stored(message_id), "school")
    assert row.counts.delivered == 0


@pytest.mark.parametrize("audience", [Receivers.of(["li"]), Everyone()])
async def test_other_messages_have_no_report(scene: OrgScene, audience: Receivers | Everyone) -> None:
    message_id = await scene.sending.send(scene.app, Text("text"), audience)
    for call in (
        report(scene, message_id),
        report(scene, message_id, "school"),
        details(scene, message_id, "school"),
    ):
        with pytest.raises(Refusal) as refusal:
            await call
        assert refusal.value.reason is Reason.FIELDS_CONTRADICT


async def test_an_unknown_organisation_is_named(scene: OrgScene) -> None:
    message_id = await scene.send("school")
    for call in (report(scene, message_id, "none"), details(scene, message_id, "none")):
        with pytest.raises(Refusal) as refusal:
            await call
        assert refusal.value.result == {"invalidOrgId": ["none"]}
