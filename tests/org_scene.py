"""A district with two schools, and an app that may address it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import Organisations
from msgcenter.domain.content import Text
from msgcenter.domain.message import Message
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.messages.messages import MessageKey, find_message
from msgcenter.store.messages.node_lease import NodeLease
from tests.directory_rows import DirectoryRows
from tests.scene import START, add_app, find_platform, rows

CODE = "district"
FAR = 1 << 60


@dataclass
class OrgScene:
    """A district with two schools: the first has the classes 1 and 2. The app may address the whole district."""

    database: Database
    lease: NodeLease
    platform: Platform
    app: App
    directory: DirectoryRows

    def __post_init__(self) -> None:
        self.events: list[int | None] = []
        self.sending = Sending(
            self.database,
            self.lease,
            waiting_limit=100,
            on_change=lambda events: self.events.extend(event.topic_number for event in events),
        )
        self.inbox = Inbox(self.database, Statuses(self.database, waiting_limit=100), waiting_limit=100)
        self.sent = SentMessages(self.database)
        self.statuses = MessageStatuses(self.database, waiting_limit=100)

    async def send(self, *org_ids: str, roles: Iterable[str] | None = None, include_sub: bool = True) -> int:
        """Send a text to organisations and return its id."""
        audience = Organisations.of(org_ids, roles, include_sub=include_sub)
        return await self.sending.send(self.app, Text("text"), audience)

    async def shown(self, user_id: str, *, unread: bool = False) -> list[int]:
        """Return what a mailbox lists, newest first."""
        viewer = Viewer(self.platform.recipient(user_id), None, (), (), FAR)
        page = await self.inbox.list_messages(viewer, InboxQuery("unread" if unread else "all", limit=100))
        return [item.message.id for item in page.items]

    async def read(self, user_id: str, *message_ids: int) -> None:
        """Let a user read messages."""
        viewer = Viewer(self.platform.recipient(user_id), None, (), (), FAR)
        await self.inbox.set_status(viewer, message_ids, read=True)

    async def having(self, message_id: int) -> set[str]:
        """Return the users who have a message."""
        users = await rows(self.database, "select user_id from mailbox where cell = any($1)", self.platform.all_cells)
        return {user_id for (user_id,) in users if message_id in await self.shown(user_id)}

    async def stored(self, message_id: int) -> Message:
        """Return a message as it is stored."""
        async with self.database.connection() as connection:
            message = await find_message(connection, MessageKey(self.platform.first_cell, message_id))
        assert message is not None
        return message


@asynccontextmanager
async def open_scene(database: Database, cells: int) -> AsyncIterator[OrgScene]:
    """Give the scene on a platform with some cells."""

    async def write(connection: Connection) -> None:
        await ensure_platform(connection, CODE, CODE, START, cells=cells)

    await database.in_transaction(write)
    number = await add_app(database, "app", CODE)
    async with database.connection() as connection:
        record = await find_app(connection, "app")
    assert record is not None
    directory = DirectoryRows(database, await find_platform(database, CODE))
    await directory.add_org("district")
    for org_id, parent_id in (("school", "district"), ("other", "district"), ("c1", "school"), ("c2", "school")):
        await directory.add_org(org_id, parent_id)
    await directory.join("c1", ["li", "wang"])
    await directory.join("c2", ["zhao", "li"], "par")
    await directory.join("c1", ["teacher"], "tea")
    await directory.join("school", ["teacher", "head"], "tea")
    await directory.join("other", ["far"])
    await directory.grant(number, "district")
    async with NodeLease(database.url) as lease:
        yield OrgScene(database, lease, await find_platform(database, CODE), record.app, directory)
