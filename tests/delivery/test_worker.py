"""A job that delivers a message is never lost: not when it fails, and not when its process ends in the middle of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from msgcenter.database.database import Database
from msgcenter.delivery.worker import Worker
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import MessageIds
from msgcenter.messaging.send import send_drafts
from tests.conftest import PLATFORM

CROWD = receivers_of(f"user-{number}" for number in range(3_000))


async def send(database: Database, app_number: int) -> int:
    """Store a message to a crowd, which a job has to deliver."""
    (message_id,) = await send_drafts(database, MessageIds(1), [Draft(app_number, PLATFORM, Text("x"), CROWD)])
    assert isinstance(message_id, int)
    return message_id


async def job_states(database: Database) -> list[str]:
    """Return the states of the jobs that are left."""
    async with database.connection() as connection:
        return [row["status"] for row in await connection.fetch("select status::text from pgqueuer")]


async def run_until_delivered(database: Database) -> None:
    """Work until no job is left."""
    worker = Worker(database)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(60):
        while await job_states(database):
            await asyncio.sleep(0.05)
        worker.stop()
        await running


async def delivered(database: Database) -> int:
    """Return how many entries there are in all mailboxes."""
    async with database.connection() as connection:
        return int(await connection.fetchval("select coalesce(sum(cardinality(message_ids)), 0) from mailbox_page"))


async def test_a_held_job_is_queued_again(database: Database, app_number: int) -> None:
    await send(database, app_number)
    async with database.connection() as connection:
        await connection.execute("update pgqueuer set status = 'failed'")
    await run_until_delivered(database)
    assert await delivered(database) == len(CROWD)


async def test_a_job_survives_the_end_of_its_process(database: Database, app_number: int) -> None:
    message_id = await send(database, app_number)
    blocker = await asyncpg.connect(database.url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select from message where id = $1 for update", message_id)
    with ThreadPoolExecutor(1) as thread:
        # As when the server stops: its event loop ends while the job waits for the lock.
        await asyncio.get_running_loop().run_in_executor(thread, asyncio.run, begin_job(database.url))
    assert await job_states(database) != []
    await transaction.rollback()
    await blocker.close()
    await run_until_delivered(database)
    assert await delivered(database) == len(CROWD)


async def begin_job(url: str) -> None:
    """Return as soon as a worker has begun a job, which is then cancelled with the event loop."""
    async with Database(url, connections=4) as database:
        running = asyncio.create_task(Worker(database).run())
        async with asyncio.timeout(60):
            while not await waits_for_lock(database):
                await asyncio.sleep(0.02)
    assert not running.done()


async def waits_for_lock(database: Database) -> bool:
    """Tell whether a session of this database waits for a lock."""
    async with database.connection() as connection:
        return bool(
            await connection.fetchval(
                "select exists (select from pg_stat_activity where datname = current_database()"
                " and wait_event_type = 'Lock')"
            )
        )
