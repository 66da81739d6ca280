"""Delivery jobs are never lost: neither when they fail, nor when their process ends in between."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from msgcenter.database.database import Database
from msgcenter.delivery.worker import Worker
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.message_id import MessageIds
from msgcenter.messaging.send import send_drafts
from tests import citus
from tests.scene import HOME, text_to

CROWD = receivers_of(f"user-{number}" for number in range(3_000))


async def send(database: Database, app_number: int) -> int:
    """Store a message that a job has to deliver, and return its id."""
    (message_id,) = await send_drafts(database, MessageIds(1), [text_to(app_number, HOME, CROWD)])
    assert isinstance(message_id, int)
    return message_id


async def job_states(database: Database) -> list[str]:
    """Return the states of all jobs."""
    async with database.connection() as connection:
        return [row["status"] for row in await connection.fetch("select status::text from pgqueuer")]


async def run_until_delivered(database: Database) -> None:
    """Run a worker until no job is left."""
    worker = Worker(database)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(60):
        while await job_states(database):
            await asyncio.sleep(0.05)
        worker.stop()
        await running


async def delivered(database: Database) -> int:
    """Return the number of entries in all mailboxes."""
    async with database.connection() as connection:
        return int(await connection.fetchval("select coalesce(sum(cardinality(message_ids)), 0) from mailbox_page"))


async def test_a_held_job_is_queued_again(database: Database, app_number: int) -> None:
    await send(database, app_number)
    async with database.connection() as connection:
        await connection.execute("update pgqueuer set status = 'failed'")
    await run_until_delivered(database)
    assert await delivered(database) == len(CROWD)


async def test_a_job_of_an_earlier_version_names_no_cell_and_is_done(database: Database, app_number: int) -> None:
    message_id = await send(database, app_number)
    async with database.connection() as connection:
        await connection.execute("update pgqueuer set payload = $1", str(message_id).encode())
    await run_until_delivered(database)
    assert await delivered(database) == len(CROWD)


async def test_a_job_survives_the_end_of_its_process(database: Database, app_number: int) -> None:
    message_id = await send(database, app_number)
    blocker = await asyncpg.connect(database.url)
    transaction = blocker.transaction()
    await transaction.start()
    cell = await blocker.fetchval("select cell from message where id = $1", message_id)
    await blocker.execute("select from message where cell = $1 and id = $2 for update", cell, message_id)
    with ThreadPoolExecutor(1) as thread:
        # Like a server that stops: its event loop ends while the job waits for the lock.
        await asyncio.get_running_loop().run_in_executor(thread, asyncio.run, begin_job(database.url))
    assert await job_states(database) != []
    await transaction.rollback()
    await blocker.close()
    await run_until_delivered(database)
    assert await delivered(database) == len(CROWD)


async def begin_job(url: str) -> None:
    """Return once a worker has started a job, which is then cancelled with the event loop."""
    async with Database(url, connections=4) as database:
        running = asyncio.create_task(Worker(database).run())
        async with asyncio.timeout(60):
            while not await waits_for_lock(database):
                await asyncio.sleep(0.02)
    assert not running.done()


async def waits_for_lock(database: Database) -> bool:
    """Return whether a session of this database waits for a lock."""
    waiting = "exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    async with database.connection() as connection:
        return await citus.on_any_node(connection, waiting)
