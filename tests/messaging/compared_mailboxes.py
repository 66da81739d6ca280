"""The mailboxes of a database, compared with the model of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from asyncpg import Record

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message_id import MessageIds
from msgcenter.store.mailboxes import reading as inbox
from msgcenter.store.mailboxes.mailbox_counts import unread_counts
from msgcenter.store.mailboxes.mailbox_reads import (
    AppCounts,
    EntryMessage,
    IdQuery,
    ListQuery,
    read_lists,
    read_messages,
)
from msgcenter.store.mailboxes.pages import PageKey
from msgcenter.store.mailboxes.reading import Entry, EntryQuery
from msgcenter.store.mailboxes.receipts import ReceiptTotals, count_receipts, receipts
from msgcenter.store.mailboxes.sweeping import sweep_mailboxes
from msgcenter.store.messages.messages import MessageKey, find_message
from tests.messaging.mailbox_model import Model
from tests.messaging.mailbox_steps import USERS
from tests.scene import START, Clock, rows

PAGE = 3


class ComparedMailboxes:
    """Two apps, two platforms (of one cell and of three), three users; `model` says what their mailboxes have."""

    def __init__(self, database: Database, clock: Clock, number: int) -> None:
        self.database = database
        self.clock = clock
        self.clock.now = START + number * 60_000
        self.ids = MessageIds(number % 1_024, clock)
        self.codes = [f"{number}-a", f"{number}-b"]
        self.platforms: list[Platform] = []
        self.apps: list[int] = []
        self.model = Model()

    def recipient(self, platform: int, user: int) -> Recipient:
        """Return one of the mailboxes."""
        return self.platforms[platform].recipient(USERS[user])

    async def compare_counts(self) -> None:
        now = self.clock.now
        expected = Counter(
            (recipient, self.model.messages[i].draft.app_number)
            for recipient, i in self.model.live(now)
            if self.model.entries[recipient, i] is None and not self.model.is_hidden((recipient, i))
        )
        counted: dict[tuple[Recipient, int], int] = {}
        recipients = [self.recipient(platform, user) for platform in (0, 1) for user in range(len(USERS))]
        for cell in {recipient.cell for recipient in recipients}:
            counted |= await self.counts_of([it for it in recipients if it.cell == cell], expected)
        assert counted == expected

    async def counts_of(
        self, recipients: Sequence[Recipient], expected: Counter[tuple[Recipient, int]]
    ) -> dict[tuple[Recipient, int], int]:
        """Compare the counts of mailboxes of one cell; return those of unread messages that are not zero."""
        now = self.clock.now
        mailboxes_by_app = [(recipient, app) for recipient in recipients for app in self.apps]
        async with self.database.connection() as connection:
            counts, stale = await unread_counts(connection, mailboxes_by_app, now)
        for (recipient, app), count in counts.items():
            if recipient not in stale:
                assert count == expected[recipient, app]
        if stale:
            assert await self.database.in_transaction(sweep_mailboxes, sorted(stale), now)
            async with self.database.connection() as connection:
                counts, stale = await unread_counts(connection, mailboxes_by_app, now)
            assert not stale
        async with self.database.connection() as connection:
            readings = await read_lists(connection, [ListQuery(recipient) for recipient in recipients], now)
        assert all(reading.is_current for reading in readings)
        assert [reading.counts for reading in readings] == [self.expected_counts(it) for it in recipients]
        return {key: count for key, count in counts.items() if count}

    def expected_counts(self, recipient: Recipient) -> list[AppCounts]:
        """Return the expected counts of a mailbox, by app."""
        counts = []
        for app in self.apps:
            ids = [i for it, i in self.model.live(self.clock.now) if it == recipient]
            ids = [i for i in ids if self.model.messages[i].draft.app_number == app]
            ids = [i for i in ids if not self.model.is_hidden((recipient, i))]
            unread = sum(self.model.entries[recipient, i] is None for i in ids)
            todo = sum(self.model.is_open(i) for i in ids)
            if unread or todo:
                counts.append(AppCounts(app, unread, todo))
        return counts

    async def compare_pages(self) -> None:
        """Every page has the expected entries, and all expired entries are withdrawn."""
        now = self.clock.now
        platforms = {cell: platform for platform in self.platforms for cell in platform.all_cells}
        pages = await rows(
            self.database,
            "select * from mailbox_page where app_number = any($1) order by cell, user_id, bucket, app_number, part",
            self.apps,
        )
        parts: dict[PageKey, list[list[int]]] = defaultdict(list)
        for page in pages:
            key = PageKey(page["cell"], page["user_id"], page["bucket"], page["app_number"])
            recipient, ids = platforms[key.cell].recipient(key.user_id), page["message_ids"]
            assert page["part"] == len(parts[key])
            parts[key].append(ids)
            assert (page["first_id"], page["last_id"]) == (min(ids), max(ids))
            assert page["read_at"] == [self.stored_read_at(recipient, i) for i in ids]
            self.compare_marks(page, recipient)
            live = {i for i in ids if self.model.has(recipient, i, now)}
            assert sorted(page["open_approvals"]) == sorted(i for i in live if self.model.is_open(i))
            assert {i for i in page["archived_ids"] if i in live} == {
                i for i in live if (recipient, i) in self.model.archived
            }
        # Every message once, in order of arrival; each part is full before the next begins. Inside a part, ids ascend.
        assert parts == {
            key: [sorted(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE)]
            for key, ids in self.model.pages.items()
        }

    def compare_marks(self, page: Record, recipient: Recipient) -> None:
        """Compare what a page has of its entries besides their read times: the unread count follows from it."""
        now, model = self.clock.now, self.model
        entries = {i: (recipient, i) for i in page["message_ids"]}
        live = {i for i in entries if model.has(recipient, i, now)}
        hidden = set(page["hidden_ids"] or ())
        unread = [i for i, at in zip(page["message_ids"], page["read_at"], strict=True) if at is None]
        assert page["unread"] == len([i for i in unread if not model.is_hidden(entries[i])])
        assert hidden & live == {i for i in live if model.is_hidden(entries[i])}
        asleep = dict(zip(page["snoozed_ids"] or (), page["snoozed_until"] or (), strict=True))
        assert asleep == {i: model.asleep[entries[i]] for i in live if entries[i] in model.asleep}
        assert set(page["starred_ids"] or ()) & live == {i for i in live if entries[i] in model.starred}
        assert set(page["woken_ids"] or ()) == {i for i in live if entries[i] in model.woken}
        expiry_times = [model.messages[i].draft.expires_at for i in entries]
        times = [at for at in (*expiry_times, *asleep.values()) if at is not None and at > now]
        expected = min(times, default=None)
        if page["expires_at"] != expected:  # of an entry that was woken or deleted since: the page is swept once more
            assert page["expires_at"] in model.wake_times
            assert page["expires_at"] > now
            assert expected is None or page["expires_at"] < expected
        for column in ("hidden_ids", "snoozed_ids", "snoozed_until", "woken_ids", "starred_ids"):
            assert page[column] != [], "null costs nothing"
        assert asleep.keys() <= hidden

    def stored_read_at(self, recipient: Recipient, message_id: int) -> int | None:
        """Return the expected `read_at` of an entry in its page."""
        read_at = self.model.entries[recipient, message_id]
        if not self.model.messages[message_id].has_expired(self.clock.now):
            return read_at
        return WITHDRAWN_UNREAD if read_at is None else -read_at

    async def compare_inboxes(self) -> None:
        passes: dict[inbox.Filter, Callable[[Entry], bool]] = {
            "all": lambda entry: not entry.archived,
            "unread": lambda entry: not entry.archived and entry.read_at is None,
            "todo": lambda entry: entry.is_open,
            "archived": lambda entry: entry.archived,
            "starred": lambda entry: entry.starred,
        }
        everything: dict[Recipient, list[Entry]] = defaultdict(list)
        for recipient, i in sorted(self.model.live(self.clock.now), key=lambda entry_key: entry_key[1], reverse=True):
            app, key = self.model.messages[i].draft.app_number, (recipient, i)
            if key not in self.model.deleted:
                everything[recipient].append(
                    Entry(
                        i,
                        app,
                        self.model.entries[key],
                        key in self.model.archived,
                        key in self.model.starred,
                        self.model.asleep.get(key),
                        self.model.is_first(key),
                        self.model.is_open(i),
                    )
                )
        async with self.database.connection() as connection:
            for recipient, expected in everything.items():
                asleep = [entry for entry in expected if entry.snoozed_until is not None]
                await self.compare_lists(connection, EntryQuery(recipient, filter="snoozed"), asleep)
                awake = [entry for entry in expected if entry.snoozed_until is None]
                for filtered, passing in passes.items():
                    of_list = [entry for entry in awake if passing(entry)]
                    if filtered in inbox.WOKEN_FIRST:
                        of_list.sort(key=lambda entry: (entry.woken, entry.message_id), reverse=True)
                    await self.compare_lists(connection, EntryQuery(recipient, filter=filtered), of_list)
            for cell in {recipient.cell for recipient in everything}:
                of_cell = {it: entries for it, entries in everything.items() if it.cell == cell}
                lookups = [
                    IdQuery(recipient, None, [entry.message_id for entry in entries])
                    for recipient, entries in of_cell.items()
                ]
                readings = await read_messages(connection, lookups, self.clock.now)
                assert [[state_of(message) for message in reading.messages] for reading in readings] == [
                    [entry[:7] for entry in entries] for entries in of_cell.values()
                ]
                for reading in readings:
                    self.compare_names(reading.messages)

    async def compare_lists(self, connection: Connection, query: EntryQuery, expected: Sequence[Entry]) -> None:
        """Compare a list as it is read entry by entry, and by statements with pages of several lengths."""
        assert [entry async for entry in inbox.entries(connection, query)] == expected
        for limit in (1, 4, 100) if query.filter in inbox.WOKEN_FIRST else (4,):
            await self.compare_list(connection, query, limit, expected)

    def compare_names(self, messages: Iterable[EntryMessage]) -> None:
        """Compare the senders' names of messages."""
        for message in messages:
            assert message.sender_name == self.model.messages[message.id].draft.sender_name

    async def compare_list(
        self, connection: Connection, query: EntryQuery, limit: int, expected: Iterable[Entry]
    ) -> None:
        """Read all pages of a list, each by one statement, and compare them."""
        listed: list[EntryMessage] = []
        while True:
            of_page = ListQuery(
                query.recipient, None, query.app_number, query.filter, query.before_id, limit, query.woken_before_id
            )
            (reading,) = await read_lists(connection, [of_page], self.clock.now)
            if not reading.is_complete:
                assert len(reading.messages) <= limit
                return
            listed += reading.messages[:limit]
            if len(reading.messages) <= limit:
                break
            last = reading.messages[limit - 1]
            if query.filter in inbox.WOKEN_FIRST and last.woken:
                query = query._replace(woken_before_id=last.id)
            else:
                query = query._replace(before_id=last.id, woken_before_id=0)
        assert [state_of(message) for message in listed] == [entry[:7] for entry in expected]
        assert all(message.kind == "text" and message.content for message in listed)
        self.compare_names(listed)

    async def compare_receipts(self) -> None:
        """Receipts include expired messages."""
        async with self.database.connection() as connection:
            for message_id, model_message in self.model.messages.items():
                message = await find_message(
                    connection, MessageKey(model_message.draft.platform.first_cell, message_id)
                )
                assert message is not None
                assert message.closed_at == model_message.closed_at
                assert message.delivered_chunks == (len(message.audience) if model_message.delivered else 0)
                expected = {
                    recipient.user_id: self.model.entries[recipient, message_id]
                    for recipient in self.model.recipients(message_id)
                    if model_message.delivered
                }
                in_order = sorted(message.platform.recipient(user_id) for user_id in expected)
                batches = [batch async for batch in receipts(connection, message)]
                stored_receipts = [receipt for batch in batches for receipt in batch.receipts]
                assert [receipt.user_id for receipt in stored_receipts] == [it.user_id for it in in_order]
                if message.platform.cells == 1:  # the chunks of several cells are not full
                    assert [receipt.cursor for receipt in stored_receipts] == [str(n + 1) for n in range(len(in_order))]
                assert {receipt.user_id: receipt.read_at for receipt in stored_receipts} == expected
                read = sum(at is not None for at in expected.values())
                assert await count_receipts(connection, [message]) == [
                    ReceiptTotals(message.receivers, len(expected), read)
                ]


def state_of(message: EntryMessage) -> tuple[int, int, int | None, bool, bool, int | None, bool]:
    """Return the entry of a message: its id, its app, when it was read, and how it is marked."""
    return (
        message.id,
        message.app_number,
        message.read_at,
        message.archived,
        message.starred,
        message.snoozed_until,
        message.woken,
    )
