"""What goes to a node of a Citus other than the coordinator (`Database.cells`) needs nothing but tables of cells.

A role that may use nothing else stands for such a node.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

import asyncpg
import pytest

from msgcenter.application.database import readiness_problem
from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import MessageIds
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.messages.node_lease import NodeLease
from tests import citus
from tests.conftest import execute
from tests.scene import text_to
from tests.store.cell_story import Story, small_parts
from tests.store.partitioned import cell_tables, partition_cell_tables

pytestmark = pytest.mark.skipif(citus.is_on(), reason="a Citus has other nodes: tests/database/test_citus.py")
_ROLE = "msgcenter_test_cells"


@pytest.fixture
async def cells_url(database_url: str) -> AsyncIterator[str]:
    """The URL of the database for a role that may use tables of cells only."""
    await partition_cell_tables(database_url)
    async with Database(database_url, connections=2) as database:
        await database.in_transaction(_create_role)
    yield f"{database_url}{'&' if '?' in database_url else '?'}options={quote(f'-c role={_ROLE}')}"
    await execute(database_url, f"drop owned by {_ROLE}")


async def _create_role(connection: Connection) -> None:
    await connection.execute(
        f"""
        select pg_advisory_xact_lock(1);
        do $$begin if to_regrole('{_ROLE}') is null then create role {_ROLE}; end if; end$$;
        grant select, insert, update, delete on {", ".join(await cell_tables(connection))} to {_ROLE};
        """
    )


@pytest.mark.parametrize("cells", [1, 4])
async def test_every_call_works_with_a_node_for_cells(
    database_url: str, cells_url: str, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    async with Database(database_url, cells_url=cells_url) as database, NodeLease(database_url) as lease:
        await (await Story.begin(database, lease, cells)).play()


async def _send(story: Story) -> object:
    return await send_drafts(story.database, MessageIds(1), [text_to(story.app.number, story.platform, ["user"])])


async def _set_status(story: Story) -> object:
    change = StatusChange(story.platform.recipient("user"), story.app.number, frozenset({1}), read=True)
    return await apply_status_changes(story.database, [change])


async def _list(story: Story) -> object:
    return await story.ids_of("user", "all")


async def _count(story: Story) -> object:
    return await story.queries.unread_count(story.app, "user")


@pytest.mark.parametrize("call", [_send, _set_status, _list, _count], ids=lambda call: call.__name__)
async def test_the_usual_calls_go_to_the_node(
    database_url: str, cells_url: str, call: Callable[[Story], Awaitable[object]]
) -> None:
    async with Database(database_url, cells_url=cells_url) as database, NodeLease(database_url) as lease:
        story = await Story.begin(database, lease, 1)
        await call(story)
        await execute(database_url, f"revoke all on all tables in schema public from {_ROLE}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await call(story)


async def test_a_process_is_ready_while_both_answer(database_url: str, cells_url: str) -> None:
    async with Database(database_url, cells_url=cells_url) as database:
        assert await readiness_problem(database) is None
        assert database.cells.connections()[1] > 0
        await database.cells.__aexit__(None, None, None)
        assert await readiness_problem(database) == "the database does not answer"


async def test_without_a_node_the_database_cannot_be_opened(database_url: str) -> None:
    nobody = database_url.replace("/msgcenter_test_", "/msgcenter_test_nobody_")
    with pytest.raises(Exception, match="DATABASE_UNAVAILABLE"):
        async with Database(database_url, cells_url=nobody):
            pass
