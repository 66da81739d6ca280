"""On a cluster, a statement goes to the shards that it may touch: one, unless its call is on a list.

The statements of a long story are explained on a PostgreSQL whose tables of cells are partitioned as on a cluster.
"""

from collections.abc import Iterator

import pytest

from msgcenter.database.database import Database
from msgcenter.store.messages.node_lease import NodeLease
from tests import citus
from tests.conftest import create_database, drop_database, wait_for
from tests.store.cell_story import Story, small_parts
from tests.store.partitioned import PARTITIONS, cell_tables, partition_cell_tables
from tests.store.statement_plans import CallSite, Observation, PlanRecorder, call_sites

pytestmark = pytest.mark.skipif(citus.is_on(), reason="a Citus needs no partitions; tests/database/test_citus.py")
_OF_AN_APP = "an app's messages are on all its platforms, and an id does not say where"
_OF_A_PLATFORM = "the topics and users of a platform are in all its cells"
_HOUSEKEEPING = "housekeeping finds old rows by their time, in all cells"
_DUE = "a process looks for what is due in all cells of a platform, or of all platforms"
SEVERAL_CELLS = {
    "apps.quotas.delete_old": _HOUSEKEEPING,
    "channels.deliveries.cells_with_due": _DUE,
    "channels.deliveries.queues": "metrics and health show what is due in all cells",
    "channels.due_plans.cells_with_due_plans": _DUE,
    "channels.gateways.with_work": "a dispatcher looks for the gateways of all platforms that have something to send",
    "directory.search.find_users": _OF_A_PLATFORM,
    "mailboxes.topics.subscriber_outside_sandbox": _OF_A_PLATFORM,
    "mailboxes.topics.subscribers": _OF_A_PLATFORM,
    "mailboxes.users.count_users": _OF_A_PLATFORM,
    "mailboxes.users.knowing_cells": "the message log looks for a user on all platforms",
    "messages.audiences.first_user_ids": "the message log names receivers of all messages of a page",
    "messages.groups.idle": _HOUSEKEEPING,
    "messages.idempotency.delete_old": _HOUSEKEEPING,
    "messages.messages.find_anywhere": "a job that an earlier version has enqueued names no cell",
    "messages.messages.find_sent": _OF_AN_APP,
    "messages.messages.list_messages": _OF_AN_APP,
    "webhooks.deliveries.delete_old": _HOUSEKEEPING,
    "webhooks.due.with_work": "a dispatcher looks for the webhooks of all apps that have something to deliver",
}
"""Calls in `store/` whose statements may touch several cells, and why."""
_APP = "which status events the app's webhooks want; on a cluster, each node has to have the table `app`"
OTHER_TABLES = {
    "mailboxes.read_states.change_status": "whether an app has changed; on a cluster, that is asked before",
    "webhooks.outbox.apps_with_read_events": _APP,
    "webhooks.webhooks.owners": _APP,
}
"""Calls in `store/` whose statements join rows of a cell with a table that has no cells, and why."""


@pytest.fixture(scope="module")
def partitioned(postgres: str, template: str) -> Iterator[str]:
    """The URL of a migrated database with partitioned tables."""
    url = wait_for(create_database(postgres, template))
    wait_for(partition_cell_tables(url))
    yield url
    wait_for(drop_database(postgres, url))


@pytest.fixture(scope="module")
def recorder(partitioned: str) -> PlanRecorder:
    """The plans of the statements of a story on a platform of four cells."""
    recorder = wait_for(PlanRecorder.of(partitioned))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("msgcenter.database.database.LastingConnection", recorder.connection_class())
        small_parts(patch)
        wait_for(_play(partitioned, cells=4))
    return recorder


@pytest.fixture(scope="module")
def sites(partitioned: str) -> list[CallSite]:
    """The calls in `store/` that execute statements on tables of cells."""
    return call_sites(wait_for(_cell_tables(partitioned)))


async def _play(url: str, *, cells: int) -> None:
    async with Database(url) as database, NodeLease(url) as lease:
        await (await Story.begin(database, lease, cells)).play()


async def _cell_tables(url: str) -> list[str]:
    async with Database(url, connections=2) as database, database.connection() as connection:
        return await cell_tables(connection)


def _names(observations: list[Observation], sites: list[CallSite]) -> set[str]:
    return {site.name for site in sites if any(map(site.executed, observations))}


def test_tables_that_grow_with_users_or_messages_have_cells(partitioned: str) -> None:
    assert set(wait_for(_cell_tables(partitioned))) == {
        *("mailbox", "mailbox_page", "topic_subscription", "feed", "feed_head"),
        *("message", "message_version", "audience_chunk", "audience_group", "idempotency_key", "quota_use"),
        *("directory_user", "directory_member", "directory_path"),
        *("webhook_event", "webhook_delivery"),
        *("contact_point", "push_subscription", "user_preference"),
        *("channel_plan", "channel_delivery", "message_params"),
    }


async def test_platforms_of_one_cell_work_on_partitioned_tables(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    await partition_cell_tables(database_url)
    await _play(database_url, cells=1)


def test_every_statement_is_explained(recorder: PlanRecorder, sites: list[CallSite]) -> None:
    """If a new function is missing here, add a step that calls it to `cell_story.py`."""
    assert len(sites) > 70
    assert [site for site in sites if not any(map(site.executed, recorder.observations))] == []
    unknown = [it for it in recorder.observations if not any(site.executed(it) for site in sites)]
    assert unknown == [], "`call_sites` does not find the calls of these"


def test_statements_touch_one_cell(recorder: PlanRecorder, sites: list[CallSite]) -> None:
    several = [observation for observation in recorder.observations if not observation.is_of_one_cell]
    assert _names(several, sites) == SEVERAL_CELLS.keys()


def test_statements_join_only_tables_of_cells(recorder: PlanRecorder, sites: list[CallSite]) -> None:
    joins = [observation for observation in recorder.observations if observation.other_tables]
    assert _names(joins, sites) == OTHER_TABLES.keys()


@pytest.mark.parametrize(
    ("statement", "touched"),
    [
        ("select from message where cell = 3", {"message": 1}),
        ("select from message where id = 3", {"message": PARTITIONS}),
        ("select from feed join mailbox using (cell) where cell = 3", {"feed": 1, "mailbox": 1}),
        (
            "select from feed join mailbox on mailbox.pulled_to = feed.position where feed.cell = 3",
            {"feed": 1, "mailbox": PARTITIONS},
        ),
        ("delete from feed where cell = 3", {"feed": 1}),
        ("update quota_use set used = 0 where app_number = 3", {"quota_use": PARTITIONS}),
        ("insert into feed_head values (3, 1)", {"feed_head": 1}),
        ("insert into feed_head select cell, 1 from unnest(array[3]) as cell", {"feed_head": PARTITIONS}),
        (
            "insert into feed_head select home.cell, 1 from mailbox as home",
            {"feed_head": PARTITIONS, "mailbox": PARTITIONS},
        ),
        (
            "insert into feed_head select home.cell, 1 from mailbox as home where cell = 3",
            {"feed_head": 1, "mailbox": 1},
        ),
    ],
)
async def test_a_statement_without_a_cell_touches_all_partitions(
    partitioned: str, statement: str, touched: dict[str, int]
) -> None:
    recorder = await PlanRecorder.of(partitioned)
    async with Database(partitioned, connections=2) as database, database.connection() as connection:
        partitions, _ = await recorder.touched(connection, statement)
    assert {table: len(remainders) for table, remainders in partitions.items()} == touched
