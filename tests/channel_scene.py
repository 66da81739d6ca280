"""A platform with gateways and contacts: messages become deliveries, and a real SMTP server gets the mails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import label_of, parse_config
from msgcenter.database.database import Connection, Database
from msgcenter.delivery.channels.dispatcher import ChannelDispatcher
from msgcenter.delivery.channels.planner import Planner
from msgcenter.delivery.channels.schedule import Schedule
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Audience, Receivers
from msgcenter.domain.channels.codes import Channel, Urgency
from msgcenter.domain.channels.sealing import contact_binding, gateway_binding
from msgcenter.domain.channels.settlement import Retries
from msgcenter.domain.channels.signed_links import SignedLinks, open_inbox_link
from msgcenter.domain.content import Body, Text
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.channels import contacts, gateways
from msgcenter.store.channels.contacts import SealedContact
from msgcenter.store.messages.node_lease import NodeLease
from tests.conftest import SECRET_KEY
from tests.scene import START, add_app, find_platform, rows

CODE = "channels"
KEYS = KeyRing(SECRET_KEY)
ZONE = ZoneInfo("Asia/Shanghai")
PUBLIC = "https://msg.example.org"
QUICK = Schedule(poll=30, lease=2_000, claim=3_000, linger=200, trust_after=1_000, retries=Retries(pauses=(30, 60)))
"""A schedule with times short enough for tests."""
_FAR = 1 << 60


@dataclass
class ChannelScene:
    """The platform, its app, and what is done by them."""

    database: Database
    platform: Platform
    app: App
    sending: Sending
    sent: SentMessages = field(init=False)

    def __post_init__(self) -> None:
        self.sent = SentMessages(self.database)
        self.statuses = Statuses(self.database, waiting_limit=100)
        self.inbox = Inbox(self.database, self.statuses, waiting_limit=100)
        self.topics = Topics(self.database)

    # --- What operators and people set --------------------------------------------------------------------------------

    async def add_gateway(
        self, port: int, channel: Channel = "email", *, rate: float = 1_000, daily_limit: int | None = None
    ) -> None:
        """Set up the platform's gateway of a channel: SMTP to a port of this machine."""
        await add_smtp_gateway(
            self.database, self.platform.code, port, channel=channel, rate=rate, daily_limit=daily_limit
        )

    async def add_contacts(self, user_ids: Iterable[str]) -> None:
        """Give users a mail address each, see `address_of`."""
        await add_contacts(self.database, self.platform, user_ids)

    async def prefer(self, user_id: str, **columns: object) -> None:
        """Set columns of a user's preferences."""
        names = ", ".join(columns)
        places = ", ".join(f"${number}" for number in range(4, 4 + len(columns)))
        await self.execute(
            f"insert into user_preference (cell, user_id, changed_at, {names}) values ($1, $2, $3, {places})",
            self.platform.cell_of(user_id),
            user_id,
            1,
            *columns.values(),
        )

    async def settings(self, **columns: object) -> None:
        """Set columns of the platform's settings."""
        names = ", ".join(columns)
        places = ", ".join(f"${number}" for number in range(2, 2 + len(columns)))
        await self.execute(
            f"insert into channel_settings (platform_code, {names}) values ($1, {places})",
            self.platform.code,
            *columns.values(),
        )

    # --- Messages -----------------------------------------------------------------------------------------------------

    async def send(
        self,
        to: Audience | Iterable[str],
        body: Body | None = None,
        *,
        channels: Sequence[Channel] = ("email",),
        urgency: Urgency = Urgency.NORMAL,
        type_code: str = "",
        in_ms: int = 0,
    ) -> int:
        """Send a message whose plan is due in some ms; return its id."""
        audience = Receivers.of(to) if not isinstance(to, msgspec.Struct) else to
        message_id = await self.sending.send(self.app, body or Text("Hello"), audience)
        await self.plan(message_id, channels=channels, urgency=urgency, type_code=type_code, in_ms=in_ms)
        return message_id

    async def plan(
        self,
        message_id: int,
        *,
        channels: Sequence[Channel] = ("email",),
        urgency: Urgency = Urgency.NORMAL,
        type_code: str = "",
        in_ms: int = 0,
        round_number: int = 0,
    ) -> None:
        """Plan a message that was sent before."""
        await self.execute(
            """
            insert into channel_plan (cell, message_id, round, urgency, app_number, due_at, created_at, platform_code,
                type_code, channels)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            self.platform.first_cell,
            message_id,
            round_number,
            urgency,
            self.app.number,
            now_ms() + in_ms,
            now_ms(),
            self.platform.code,
            type_code,
            list(channels),
        )

    async def read(self, user_id: str, *message_ids: int) -> None:
        """Let a user read messages."""
        await self.inbox.set_status(self.viewer(user_id), message_ids, read=True)

    def viewer(self, user_id: str) -> Viewer:
        """Return the viewer of a user's mailbox."""
        return Viewer(self.platform.recipient(user_id), None, (), (), _FAR)

    # --- The engine ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def planning(self, schedule: Schedule = QUICK) -> AsyncIterator[Planner]:
        """Run a planner until the end of the block."""
        planner = Planner(self.database, ZONE, schedule)
        running = asyncio.create_task(planner.run())
        try:
            yield planner
        finally:
            planner.stop()
            await running

    @asynccontextmanager
    async def dispatching(
        self, schedule: Schedule = QUICK, database: Database | None = None
    ) -> AsyncIterator[ChannelDispatcher]:
        """Run a dispatcher until the end of the block."""
        resolver = Resolver()
        dispatcher = ChannelDispatcher(
            database or self.database,
            KEYS,
            network=Network(resolver, AddressRules(LOOPBACK)),
            links=SignedLinks(PUBLIC, KEYS),
            zone=ZONE,
            schedule=schedule,
        )
        running = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            dispatcher.stop()
            await running
            resolver.close()

    async def plan_all(self, schedule: Schedule = QUICK) -> None:
        """Let a planner finish all plans that are due."""
        async with self.planning(schedule):
            await until_rows(self.database, "select from channel_plan where finished_at is null and due_at <= $1", 0)

    async def send_all(self, schedule: Schedule = QUICK) -> None:
        """Let a dispatcher settle all deliveries that are due."""
        async with self.dispatching(schedule):
            await until_rows(self.database, "select from channel_delivery where state < 2 and due_at <= $1", 0)

    # --- What became of it --------------------------------------------------------------------------------------------

    async def deliveries(self) -> list[asyncpg.Record]:
        """Return all deliveries, by user, message and channel."""
        return await rows(self.database, "select * from channel_delivery order by user_id, message_id, channel, round")

    async def outcomes(self) -> Counter[tuple[int, str | None]]:
        """Return the numbers of deliveries by state and reason."""
        return Counter((row["state"], row["reason"]) for row in await self.deliveries())

    async def skipped(self, message_id: int) -> dict[str, dict[str, int]]:
        """Return the numbers of recipients without a delivery, by channel and reason."""
        (row,) = await rows(self.database, "select skipped from channel_plan where message_id = $1", message_id)
        counts: dict[str, dict[str, int]] = msgspec.json.decode(row["skipped"])
        return counts

    async def execute(self, statement: str, *values: object) -> None:
        """Run a statement."""
        async with self.database.connection() as connection:
            await connection.execute(statement, *values)


def linked_message(text: str) -> int | None:
    """Return the message that the first link of a mail opens, None for the inbox as a whole."""
    token = text.partition("/inbox#link=")[2].split()[0]
    return open_inbox_link(KEYS, token).message_id


def address_of(user_id: str) -> str:
    """Return a user's mail address."""
    return f"{user_id}@school.example"


async def add_smtp_gateway(
    database: Database,
    platform_code: str,
    port: int,
    *,
    channel: Channel = "email",
    rate: float = 1_000,
    daily_limit: int | None = None,
) -> None:
    """Set up a gateway that sends mails to a port of this machine, for any channel."""
    fields = {"host": "127.0.0.1", "port": str(port), "security": "none", "from": "School <no-reply@school.example>"}
    config = parse_config("email", "smtp", fields)
    sealed = KEYS.seal_value(
        "gateway", gateway_binding(platform_code, channel), msgspec.json.encode(fields_of(config)).decode()
    )
    async with database.connection() as connection:
        await gateways.save(
            connection,
            platform_code,
            channel,
            provider="smtp",
            label=label_of(config),
            config_sealed=sealed,
            rate=rate,
            daily_limit=daily_limit,
            now=now_ms(),
        )


async def add_contacts(database: Database, platform: Platform, user_ids: Iterable[str]) -> None:
    """Give users a mail address each."""
    by_cell: dict[int, list[SealedContact]] = {}
    for user_id in user_ids:
        sealed = KEYS.seal_value("contact", contact_binding(platform.code, user_id, "email"), address_of(user_id))
        by_cell.setdefault(platform.cell_of(user_id), []).append(SealedContact(user_id, "email", sealed))
    async with database.connection() as connection:
        for cell, sealed_contacts in sorted(by_cell.items()):
            await contacts.write(connection, cell, sealed_contacts, app_number=None, now=1)


async def until_rows(database: Database, query: str, count: int, seconds: float = 240) -> None:
    """Wait until a query, perhaps about the present time ($1), has a number of rows."""
    async with asyncio.timeout(seconds):
        while len(await rows(database, query, *([now_ms()] if "$1" in query else []))) != count:
            await asyncio.sleep(0.02)


async def until(condition: Callable[[], bool], seconds: float = 240) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def channel_scene(database: Database, cells: int = 1) -> AsyncIterator[ChannelScene]:
    """Give a platform with some cells, and an app that sends to it."""

    async def write(connection: Connection) -> None:
        await ensure_platform(connection, CODE, CODE, START, cells=cells)

    await database.in_transaction(write)
    await add_app(database, "app", CODE)
    async with database.connection() as connection:
        record = await find_app(connection, "app")
    assert record is not None
    async with NodeLease(database.url) as lease:
        sending = Sending(database, lease, waiting_limit=100)
        yield ChannelScene(database, await find_platform(database, CODE), record.app, sending)


def slower(**changes: int) -> Schedule:
    """Return the schedule of tests with other times."""
    return replace(QUICK, **changes)  # type: ignore[arg-type]
