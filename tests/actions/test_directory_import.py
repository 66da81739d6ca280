"""Importing and exporting a directory: checked as a whole, repeatable, confirmed deletions, and a round trip."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.platforms import UnknownPlatformError
from msgcenter.actions.directory import difference, importing, staging
from msgcenter.actions.directory.difference import Kind
from msgcenter.actions.directory.exporting import export_directory, open_target
from msgcenter.actions.directory.importing import BadFileError, Outcome, UnconfirmedError, import_directory
from msgcenter.actions.directory.overview import OrgNode, read_tree
from msgcenter.database.database import Database
from msgcenter.domain.directory import OrgChange
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.directory.change_orgs import change_orgs
from msgcenter.store.apps.platforms import ensure_platform
from tests.conftest import PLATFORM, examples
from tests.scene import START, event_loop, find_platform, rows

Line = dict[str, Any]
KEYS = KeyRing("a secret key of the tests")


def org(org_id: str, parent_id: str = "", **more: object) -> Line:
    """Return the line of an organisation."""
    return {"type": "org", "orgId": org_id, "parentId": parent_id, "kind": "", "name": org_id, **more}


def user(user_id: str, **more: object) -> Line:
    """Return the line of a user, with all fields."""
    fields = {"name": "", "locale": "", "timeZone": "", "disabled": False}
    return {"type": "user", "userId": user_id, **fields, **more}


def member(org_id: str, user_id: str, role: str = "stu") -> Line:
    """Return the line of a membership."""
    return {"type": "member", "orgId": org_id, "userId": user_id, "role": role}


def write(path: Path, lines: Iterable[Line]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


SMALL = [
    member("class", "a", "par"),
    member("class", "b"),
    org("class", "school"),
    org("school"),
    user("a", name="阿明", disabled=True),
    user("b", name="B", locale="en", timeZone="Europe/Berlin"),
]


class Desk:
    """Imports into and exports from a platform of its own."""

    def __init__(self, database: Database, folder: Path, code: str = PLATFORM) -> None:
        self.database, self.folder, self.code = database, folder, code
        self.steps: list[str] = []

    async def run(self, lines: Iterable[Line], **options: Any) -> Outcome:
        """Import lines."""
        return await self.run_file(write(self.folder / "import.jsonl", lines), **options)

    async def run_file(self, path: Path, **options: Any) -> Outcome:
        """Import a file."""

        def on_progress(step: str, done: int, total: int) -> None:
            assert 0 <= done <= total
            self.steps.append(step)

        return await import_directory(
            self.database, self.code, path, sealing=KEYS, on_progress=on_progress, by=COMMAND, **options
        )

    async def export_to(self, path: Path, *, contacts: bool = False) -> None:
        """Export to a file."""
        with open_target(path, contacts=contacts) as writer:
            opener = KEYS if contacts else None
            await export_directory(self.database, self.code, writer, lambda _: None, contacts=opener, by=COMMAND)

    async def exported(self, *, contacts: bool = False) -> list[Line]:
        """Return the lines of an export, sorted."""
        path = self.folder / "export.jsonl"
        await self.export_to(path, contacts=contacts)
        return in_order([json.loads(line) for line in path.read_text().splitlines()])


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Return lines sorted by their JSON."""
    return sorted(lines, key=json.dumps)


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> Desk:
    """A platform of three cells."""
    await database.in_transaction(ensure_platform, "cells", "cells", START, cells=3)
    return Desk(database, tmp_path, "cells")


def changes(outcome: Outcome) -> dict[str, int]:
    """Return the kinds of differences that there are."""
    return {kind.name: count for kind, count in outcome.counts.items() if count}


async def test_an_import_is_exported_and_repeating_it_changes_nothing(desk: Desk) -> None:
    outcome = await desk.run(SMALL)
    assert changes(outcome) == {"NEW_ORG": 2, "NEW_USER": 2, "NEW_MEMBER": 2}
    assert outcome[:3] == (2, 2, 2)
    assert {"Checking", "Comparing", "Organisations", "Users", "Memberships"} == set(desk.steps)
    assert await desk.exported() == in_order(SMALL)
    heads = await rows(desk.database, "select cell, position from feed_head order by cell")
    assert changes(await desk.run(SMALL)) == {}
    assert await rows(desk.database, "select cell, position from feed_head order by cell") == heads
    actions = await rows(desk.database, "select detail from audit_entry where action = 'directory.import'")
    assert [json.loads(row["detail"]) for row in actions] == [
        {"orgs": 2, "users": 2, "contacts": 0, "members": 2, "deleted": 0}
    ]


@pytest.mark.parametrize("name", ["e.zip", "folder", "e.jsonl"])
async def test_every_format_is_imported_again_without_a_change(desk: Desk, name: str) -> None:
    strange = [org('"quoted", name\'s', name='a "b", c; d'), user("=1+1", name=" spaces\u3000"), user("王", name="𠀀")]
    await desk.run([*SMALL, *strange])
    path = desk.folder / name
    await desk.export_to(path)
    outcome = await desk.run_file(path, delete_missing=0)
    assert {kind: count for kind, count in changes(outcome).items() if kind != "CHANGED_USER"} == {}
    assert changes(outcome).get("CHANGED_USER", 0) == (0 if name == "e.jsonl" else 1), "CSV cells are trimmed"


POINTS = {
    "a": {"email": "A.Ming@School.Example", "mobile": "138 0013 8000", "accounts": {"wecom": "ming"}},
    "b": {"mobile": "+4915123456789", "accounts": {"dingtalk": "b-1", "feishu": "ou_1"}},
}
STORED = {
    "a": {"email": "A.Ming@school.example", "mobile": "+8613800138000", "wecom": "ming", "dingtalk": "", "feishu": ""},
    "b": {"email": "", "mobile": "+4915123456789", "wecom": "", "dingtalk": "b-1", "feishu": "ou_1"},
}


def with_points(points: Mapping[str, Mapping[str, object]]) -> list[Line]:
    """Return lines that set contact points."""
    return [*SMALL[:4], *(user(user_id, **fields) for user_id, fields in points.items())]


async def points_of(desk: Desk) -> dict[str, dict[str, object]]:
    """Return the contact points that an export writes, by user."""
    lines = [line for line in await desk.exported(contacts=True) if line["type"] == "user"]
    return {it["userId"]: {"email": it["email"], "mobile": it["mobile"], **it["accounts"]} for it in lines}


async def test_contact_points_are_imported_sealed_and_repeating_it_changes_nothing(desk: Desk) -> None:
    outcome = await desk.run(with_points(POINTS))
    assert changes(outcome)["CHANGED_CONTACT"] == 2
    assert outcome.examples[Kind.CHANGED_CONTACT] == ["a: email, mobile, wecom", "b: mobile, dingtalk, feishu"]
    assert await points_of(desk) == STORED
    stored = "select value_sealed, app_number from contact_point order by value_sealed"
    sealed = await rows(desk.database, stored)
    assert len(sealed) == 6
    assert not any(b"8000" in row["value_sealed"] or row["app_number"] for row in sealed)
    assert changes(await desk.run(with_points(POINTS))) == {}
    assert await rows(desk.database, stored) == sealed


async def test_a_field_that_is_left_out_keeps_a_contact_point_and_an_empty_one_removes_it(desk: Desk) -> None:
    await desk.run(with_points(POINTS))
    await desk.run([user("a", email=""), user("b", accounts={"feishu": ""})])
    assert await points_of(desk) == {
        "a": {**STORED["a"], "email": ""},
        "b": {**STORED["b"], "feishu": ""},
    }
    assert "email" not in json.dumps(await desk.exported())


@pytest.mark.parametrize("name", ["e.zip", "folder", "e.jsonl"])
async def test_contact_points_of_every_format_are_imported_again_without_a_change(desk: Desk, name: str) -> None:
    await desk.run(with_points(POINTS))
    for contacts in (True, False):
        await desk.export_to(desk.folder / name, contacts=contacts)
        assert changes(await desk.run_file(desk.folder / name, delete_missing=0)) == {}
    assert await points_of(desk) == STORED
    exports = await rows(desk.database, "select from audit_entry where action = 'directory.contacts'")
    assert len(exports) == 2, "the audit log names exports with contact points, and no others"


async def test_users_who_are_removed_lose_their_contact_points(desk: Desk) -> None:
    await desk.run(with_points(POINTS))
    await desk.run([SMALL[2], SMALL[3]], delete_missing=4)
    assert await rows(desk.database, "select from contact_point") == []


async def test_a_dry_run_changes_nothing_and_names_the_first_differences(desk: Desk) -> None:
    await desk.run(SMALL)
    before = await desk.exported()
    many = [member("school", f"u{number:02}") for number in range(30)]
    lines = [org("school", name="New name"), org("class", ""), *many, user("b", name="Other")]
    outcome = await desk.run(lines, dry_run=True, delete_missing=99)
    assert changes(outcome) == {
        **{"CHANGED_ORG": 2, "NEW_USER": 30, "CHANGED_USER": 1, "MISSING_USER": 1},
        **{"NEW_MEMBER": 30, "MISSING_MEMBER": 2},
    }
    assert outcome.examples[Kind.CHANGED_ORG] == [
        "class: parentId 'school' → ''",
        "school: name 'school' → 'New name'",
    ]
    assert outcome.examples[Kind.CHANGED_USER] == ["b Other"]
    assert len(outcome.examples[Kind.NEW_MEMBER]) == 10
    assert outcome.examples[Kind.MISSING_USER] == ["a 阿明"]
    assert outcome.missing == 3
    assert await desk.exported() == before


async def test_what_is_missing_stays_unless_its_number_is_confirmed(desk: Desk) -> None:
    await desk.run(SMALL)
    rest = [org("school"), user("b", name="B", locale="en", timeZone="Europe/Berlin")]
    outcome = await desk.run(rest)
    assert (outcome.missing, await desk.exported()) == (4, in_order(SMALL))
    for wrong in (0, 3, 5):
        with pytest.raises(UnconfirmedError) as error:
            await desk.run(rest, delete_missing=wrong)
        assert (error.value.difference.missing, error.value.confirmed) == (4, wrong)
    assert await desk.exported() == in_order(SMALL)
    await desk.run(rest, delete_missing=4)
    assert await desk.exported() == in_order(rest)
    await desk.run([], delete_missing=2)
    assert await desk.exported() == []
    await desk.run(SMALL)
    assert await desk.exported() == in_order(SMALL)


async def test_a_field_that_is_left_out_keeps_its_value(desk: Desk) -> None:
    await desk.run(SMALL)
    lines = [{"type": "org", "orgId": "class", "kind": "k"}, {"type": "user", "userId": "a", "locale": "zh"}]
    outcome = await desk.run(lines)
    assert changes(outcome) == {"CHANGED_ORG": 1, "CHANGED_USER": 1, "MISSING_ORG": 1, "MISSING_USER": 1} | {
        "MISSING_MEMBER": 2
    }
    exported = await desk.exported()
    assert org("class", "school", kind="k") in exported
    assert user("a", name="阿明", disabled=True, locale="zh") in exported


async def test_all_bad_lines_are_named_and_nothing_is_changed(desk: Desk) -> None:
    await desk.run(SMALL)
    before = await desk.exported()
    lines = [
        org("new", "nowhere"),
        org("school", "class"),
        org("class", "school"),
        org("fine"),
        member("nowhere", "a"),
        user("a"),
        user("a", name="twice"),
        member("class", "a"),
        member("class", "a"),
        {"type": "org", "orgId": "unnamed"},
        {"type": "user", "userId": ""},
    ]
    with pytest.raises(BadFileError) as error:
        await desk.run(lines)
    assert error.value.problems == 7
    named = [f"{bad_line.place}: {bad_line.problem}" for bad_line in error.value.bad_lines]
    assert [text.partition(" ")[0].removeprefix("import.jsonl:") for text in named] == [
        *("1:", "2:", "5:", "7:", "9:", "10:", "11:")
    ]
    for text, words in zip(named, ("nowhere", "below itself", "nowhere", "repeats import.jsonl:6"), strict=False):
        assert words in text
    assert await desk.exported() == before


async def test_the_first_fifty_bad_lines_are_named_and_all_are_counted(desk: Desk) -> None:
    with pytest.raises(BadFileError) as error:
        await desk.run(member("nowhere", f"u{number}") for number in range(120))
    assert (len(error.value.bad_lines), error.value.problems) == (staging.MAX_SHOWN, 120)


async def test_a_tree_of_the_file_and_the_directory_together_is_checked(desk: Desk) -> None:
    deep = [org(f"o{level}", f"o{level - 1}" if level else "") for level in range(12)]
    await desk.run(deep)
    with pytest.raises(BadFileError) as error:
        await desk.run([org("o12", "o11")])
    assert "12 levels" in error.value.bad_lines[0].problem
    # Of an organisation that will be deleted, nobody can be a member, and none can be below it.
    with pytest.raises(BadFileError) as error:
        await desk.run([org("o11", "o10"), member("o1", "u")], delete_missing=11)
    problems = [bad_line.problem for bad_line in error.value.bad_lines]
    assert any("o1" in problem for problem in problems)
    assert any("o10 is not in the file" in problem for problem in problems)


async def test_a_change_of_somebody_else_meanwhile_ends_the_import(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.run([org("school")])
    platform = await find_platform(desk.database, desk.code)
    set_users = importing._Import._set_users

    async def delete_before(self: Any) -> None:
        await desk.database.in_transaction(change_orgs, platform, [OrgChange("school", deleted=True)], START)
        await set_users(self)

    monkeypatch.setattr(importing._Import, "_set_users", delete_before)
    with pytest.raises(ValueError, match="run the import again"):
        await desk.run([member("school", "u")])
    monkeypatch.undo()
    await desk.run([org("school"), member("school", "u")])
    assert member("school", "u") in await desk.exported()


async def test_two_imports_at_once_lead_to_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BLOCK", 3)
    lines = [*SMALL, *(user(f"u{number:02}") for number in range(40))]
    lines += [member("class", f"u{number:02}") for number in range(40)]
    path = write(desk.folder / "both.jsonl", lines)
    await asyncio.gather(*(desk.run_file(path) for _ in range(3)))
    assert await desk.exported() == in_order(lines)
    doubled = await rows(
        desk.database,
        "select from directory_member group by cell, user_id, org_number, role having count(*) > 1",
    )
    assert doubled == []


async def test_an_unknown_platform_is_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownPlatformError):
        await Desk(database, tmp_path, "unknown").run(SMALL)


async def test_the_tree_has_the_members_by_role(desk: Desk) -> None:
    await desk.run(SMALL)
    school = OrgNode("school", "", "school", {}, [OrgNode("class", "", "class", {"par": 1, "stu": 1}, [])])
    assert await read_tree(desk.database, desk.code) == [school]
    assert await read_tree(desk.database, desk.code, "class") == school.children


# --- Any file after any other -----------------------------------------------------------------------------------------

ORGS = ("o1", "o2", "o3", "o4")
USERS = ("u1", "u2", "u3", "王")


@st.composite
def directories(draw: st.DrawFn) -> list[Line]:
    """Draw a whole directory, in any order."""
    present = draw(st.lists(st.sampled_from(ORGS), unique=True))
    lines: list[Line] = []
    for place, org_id in enumerate(present):
        parent = draw(st.sampled_from(["", *present[:place]]))
        lines.append(org(org_id, parent, kind=draw(st.sampled_from(["", "k"]))))
    users = draw(st.lists(st.sampled_from(USERS), unique=True))
    lines += [user(user_id, name=draw(st.sampled_from(["", "N"])), disabled=draw(st.booleans())) for user_id in users]
    if present and users:
        pairs = st.tuples(st.sampled_from(present), st.sampled_from(users), st.sampled_from(["stu", "par"]))
        lines += [member(*pair) for pair in draw(st.lists(pairs, unique=True, max_size=8))]
    return draw(st.permutations(lines))


def test_any_import_leads_to_exactly_its_file(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With blocks and pages so small that each directory takes several of them."""
    monkeypatch.setattr(importing, "BLOCK", 2)
    monkeypatch.setattr(importing, "_PATHS", 1)
    monkeypatch.setattr(difference, "PAGE", 2)
    monkeypatch.setattr(staging, "_BATCH", 3)
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        number = 0

        @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(directories(), min_size=1, max_size=3))
        def check(files: list[list[Line]]) -> None:
            nonlocal number
            number += 1
            run(_import_all(database, tmp_path, f"any-{number}", files))

        try:
            check()
        finally:
            run(database.__aexit__(None, None, None))


async def _import_all(database: Database, folder: Path, code: str, files: list[list[Line]]) -> None:
    await database.in_transaction(ensure_platform, code, code, START, cells=2)
    desk = Desk(database, folder, code)
    for lines in files:
        missing = (await desk.run(lines, dry_run=True)).missing
        try:
            await desk.run(lines, delete_missing=missing)
        except BadFileError:
            raise AssertionError(lines) from None
        assert await desk.exported() == in_order(lines)
        assert changes(await desk.run(lines, delete_missing=0)) == {}
