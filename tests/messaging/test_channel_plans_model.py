"""Compares plans with a simple model: random audiences, readers and choices, parts that fail and are done again."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgcenter.database.database import Connection, Database
from msgcenter.domain.audience import Audience, Everyone, Organisations, Receivers, Topic
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.messaging.channels import audience_parts
from msgcenter.messaging.channels.plan_part import PlannedPart, Task, plan_part, store_part
from msgcenter.store.channels import due_plans
from msgcenter.store.channels.due_plans import Plan
from msgcenter.store.directory import recipients
from msgcenter.store.mailboxes import broadcast_receipts
from msgcenter.store.mailboxes.users import register
from msgcenter.store.messages import audiences
from msgcenter.store.messages.messages import MessageKey, find_message
from tests.channel_scene import ZONE, ChannelScene, channel_scene
from tests.conftest import create_database, drop_database, examples
from tests.directory_rows import DirectoryRows
from tests.scene import event_loop, rows

USERS = tuple(f"user-{number:02}" for number in range(14))
CHANNELS: tuple[Channel, ...] = ("email", "sms")
WORKING: tuple[Channel, ...] = ("email",)


class Case(NamedTuple):
    """Who gets a message in which way, and what they have done and chosen. Users are places in `USERS`."""

    way: str
    audience: frozenset[int]
    read: frozenset[int]
    deleted: frozenset[int]
    muted: frozenset[int]
    off: frozenset[int]
    failures: tuple[bool, ...]


_USERS = st.frozensets(st.integers(0, len(USERS) - 1))
CASES = st.builds(
    Case,
    way=st.sampled_from(("receivers", "topic", "organisations", "everyone")),
    audience=st.frozensets(st.integers(0, len(USERS) - 1), min_size=1),
    read=_USERS,
    deleted=_USERS,
    muted=_USERS,
    off=_USERS,
    failures=st.tuples(*[st.booleans()] * 12),
)
WITHOUT_ADDRESS = {3, 7, 11}


class DiedError(Exception):
    """A process dies before its transaction is committed."""


def names(numbers: Iterable[int]) -> list[str]:
    """Return the ids of users."""
    return [USERS[number] for number in sorted(numbers)]


class Player:
    """Plays cases on one platform of four cells."""

    def __init__(self, scene: ChannelScene) -> None:
        self.scene = scene
        self.number = 0

    async def play(self, case: Case) -> None:
        """Send a message, let its audience act, plan it with failures, and compare."""
        self.number += 1
        scene = self.scene
        await scene.execute("delete from user_preference")
        await scene.execute("update mailbox set muted_apps = null")
        message_id = await scene.send(await self._audience(case), channels=CHANNELS)
        audience = set(range(len(USERS))) if case.way == "everyone" else set(case.audience)
        for number in sorted(audience & (case.read | case.deleted)):
            await scene.inbox.counts(scene.viewer(USERS[number]))  # pulls
        for user_id in names(audience & case.read):
            await scene.read(user_id, message_id)
        await scene.execute(
            "update mailbox_page set hidden_ids = array[$1::bigint] where user_id = any($2) and $1 = any(message_ids)",
            message_id,
            names(case.deleted),
        )
        await scene.execute(
            "update mailbox set muted_apps = array[$1::int] where user_id = any($2)",
            scene.app.number,
            names(case.muted),
        )
        for user_id in names(case.off):
            await scene.prefer(user_id, channels_off=["email"])
        await self._plan(message_id, case.failures)
        await self._compare(message_id, case, audience)

    async def _audience(self, case: Case) -> Audience:
        users, scene = names(case.audience), self.scene
        if case.way == "receivers":
            return Receivers.of(users)
        if case.way == "everyone":
            return Everyone()
        if case.way == "topic":
            await scene.topics.subscribe(scene.app, f"topic {self.number}", users, by=COMMAND)
            return Topic(f"topic {self.number}")
        directory = DirectoryRows(scene.database, scene.platform)
        school, klass = f"school-{self.number}", f"class-{self.number}"
        await directory.add_org(school)
        await directory.add_org(klass, school)
        await directory.grant(scene.app.number, school)
        await directory.join(klass, users)
        await directory.join(school, users[::2], "tea")  # they are recipients once
        return Organisations.of([school])

    async def _plan(self, message_id: int, failures: tuple[bool, ...]) -> None:
        scene, now, tries = self.scene, now_ms(), iter(failures)
        cell = scene.platform.first_cell
        async with scene.database.connection() as connection:
            message = await find_message(connection, MessageKey(cell, message_id))
            (plan,) = await due_plans.claim(connection, cell, "one", limit=9, now=now, until=now + 1)
        assert message is not None
        task = Task(plan, message, WORKING, ZONE)
        while True:
            async with scene.database.connection() as connection:
                part = await plan_part(connection, task, now)
            if next(tries, False):
                with pytest.raises(DiedError):
                    await scene.database.in_transaction(_store_and_die, task.plan, part, now)
                continue
            assert await scene.database.in_transaction(store_part, task.plan, part, until=now + 1, now=now)
            if part.place is None:
                return
            task = task._replace(plan=task.plan._replace(place=part.place))

    async def _compare(self, message_id: int, case: Case, audience: set[int]) -> None:
        deliveries, skipped = Counter[str](), Counter[str]()
        for number in audience:
            if number in case.read:
                skipped["read"] += 1
            elif number in case.deleted:
                skipped["gone"] += 1
            elif number in case.muted:
                skipped["muted"] += 1
            elif number in case.off:
                skipped["off"] += 1
            elif number in WITHOUT_ADDRESS:
                skipped["noAddress"] += 1
            else:
                deliveries[USERS[number]] += 1
        stored = await rows(
            self.scene.database, "select cell, user_id, channel from channel_delivery where message_id = $1", message_id
        )
        assert Counter(row["user_id"] for row in stored) == deliveries
        assert all(row["cell"] == self.scene.platform.cell_of(row["user_id"]) for row in stored)
        counts = await self.scene.skipped(message_id)
        assert counts.get("email", {}) == skipped
        not_read = len(audience) - skipped["read"]
        expected = {"read": skipped["read"], "noGateway": not_read}
        assert counts.get("sms", {}) == {reason: number for reason, number in expected.items() if number}


async def _store_and_die(connection: Connection, plan: Plan, part: PlannedPart, now: int) -> None:
    assert await store_part(connection, plan, part, until=now + 1, now=now)
    raise DiedError


def test_plans_do_what_the_model_does(postgres: str, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_parts, "PART_SIZE", 2)
    monkeypatch.setattr(broadcast_receipts, "_USERS_PER_STATEMENT", 3)
    monkeypatch.setattr(recipients, "_MEMBERS_PER_LIST", 3)
    for module in (audiences, audience_parts):
        monkeypatch.setattr(module, "CHUNK_SIZE", 3)
    with event_loop() as run:
        url = run(create_database(postgres, template))
        database = run(Database(url).__aenter__())
        opened = channel_scene(database, cells=4)
        scene = run(opened.__aenter__())
        player = Player(scene)
        run(_prepare(scene))

        @settings(max_examples=examples(60), suppress_health_check=list(HealthCheck), deadline=None)
        @given(case=CASES)
        def compare(case: Case) -> None:
            run(player.play(case))

        try:
            compare()
        finally:
            run(opened.__aexit__(None, None, None))
            run(database.__aexit__(None, None, None))
            run(drop_database(postgres, url))


async def _prepare(scene: ChannelScene) -> None:
    await scene.add_gateway(1)
    await scene.add_contacts(names(set(range(len(USERS))) - WITHOUT_ADDRESS))
    async with scene.database.connection() as connection:
        for user_id in USERS:
            await register(connection, scene.platform.cell_of(user_id), [user_id])
