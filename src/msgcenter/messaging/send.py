"""Sending: many messages, one transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import asyncpg
import msgspec

from msgcenter.database.database import Connection, Database
from msgcenter.domain.content import business_id_of
from msgcenter.domain.message import IDEMPOTENCY_MS, AudienceChunk, Draft, Message
from msgcenter.domain.message_id import MessageIds, bucket_of, created_ms, now_ms
from msgcenter.domain.quota import DailyQuota
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.messaging.addressed import addressed_to
from msgcenter.messaging.channels.plan import Planned, plan_sends
from msgcenter.messaging.groups import known_groups, make_group
from msgcenter.store.apps import quotas
from msgcenter.store.apps.quotas import QuotaUse
from msgcenter.store.channels import message_params
from msgcenter.store.mailboxes import feed, users
from msgcenter.store.mailboxes.feed import Addressed, Publication
from msgcenter.store.messages import audiences, idempotency, messages
from msgcenter.store.messages.audiences import Chunk
from msgcenter.store.messages.groups import Group, set_used
from msgcenter.store.messages.idempotency import Claim, IdempotencyKey
from msgcenter.store.messages.jobs import Delivery, enqueue_deliveries

_ID_ATTEMPTS = 5
OnStored = Callable[[Sequence[Draft]], None]
"""Called after the commit with the drafts that became messages, without those that repeat an earlier request."""

SendResult = int | Refusal
"""A message id, or why there is no message."""
InSameTransaction = Callable[[Connection, list[SendResult]], Awaitable[None]]
"""Called in the transaction of the sends, after them, with their results. If it raises, nothing is sent."""


@dataclass
class _Send:
    """One draft while it is being stored.

    It becomes a message with the id `message_id`, unless the transaction sets `refusal`, or `earlier_id`: the message
    that the same request id has sent before.
    """

    draft: Draft
    message_id: int
    chunks: list[Chunk]
    claim: Claim | None
    positions: tuple[int, ...] | None = None
    earlier_id: int | None = None
    refusal: Refusal | None = None

    @classmethod
    def of(cls, draft: Draft, message_id: int) -> "_Send":
        claim = None
        if draft.request_id is not None:
            key = IdempotencyKey(draft.app_cell, draft.app_number, draft.request_id)
            claim = Claim(key, draft.digest, message_id)
        chunks = audiences.chunks_of(draft.platform, draft.receivers, bucket_of(message_id))
        return cls(draft, message_id, chunks, claim)

    @property
    def is_new(self) -> bool:
        return self.earlier_id is None and self.refusal is None

    @property
    def result(self) -> SendResult:
        if self.refusal is not None:
            return self.refusal
        return self.message_id if self.earlier_id is None else self.earlier_id

    def reset(self) -> None:
        """Forget what an earlier run of the transaction has decided."""
        self.positions = self.earlier_id = self.refusal = None

    def compare(self, holder: Claim) -> None:
        """Decide by the claim that holds the request id: this one, one of the same request, or one of another."""
        assert self.claim is not None
        if holder == self.claim:
            return
        if holder.digest == self.claim.digest:
            self.earlier_id = holder.message_id
        else:
            self.refusal = Refusal(Reason.REQUEST_ID_REUSED)


async def send_drafts(
    database: Database,
    ids: MessageIds,
    drafts: Sequence[Draft],
    *,
    on_stored: OnStored | None = None,
    in_same_transaction: InSameTransaction | None = None,
) -> list[SendResult]:
    """Store drafts, at least one, as messages of one platform. Those to send at once also go into mailboxes or feeds.

    Return, for each draft, its message id, or the earlier message's id if it repeats a request, or the refusal
    REQUEST_ID_REUSED or QUOTA_EXCEEDED. A refused draft leaves nothing behind.
    """
    # All but jobs, and what the caller adds, is in tables of cells.
    is_of_cells = in_same_transaction is None and all(draft.is_immediate for draft in drafts)
    place = database.cells if is_of_cells else database
    for attempt in range(_ID_ATTEMPTS):
        sends = [
            _Send.of(draft, ids.next(draft.send_at) if draft.message_id is None else draft.message_id)
            for draft in drafts
        ]
        try:
            await place.in_transaction(_store, sends, in_same_transaction)
        except asyncpg.UniqueViolationError:
            # The id of a scheduled message is taken: try others. An id that the draft brings would collide each time.
            if attempt == _ID_ATTEMPTS - 1:
                raise
        else:
            if on_stored is not None:
                on_stored([send.draft for send in sends if send.is_new])
            return [send.result for send in sends]
    raise AssertionError("unreachable")


async def _store(connection: Connection, sends: Sequence[_Send], in_same_transaction: InSameTransaction | None) -> None:
    now = now_ms()
    for send in sends:
        send.reset()  # the transaction may run again
    await _claim_request_ids(connection, sends, now)
    await _take_quotas(connection, sends, now)
    await _store_new(connection, [send for send in sends if send.is_new], now)
    if in_same_transaction is not None:
        await in_same_transaction(connection, [send.result for send in sends])


async def _store_new(connection: Connection, sends: Sequence[_Send], now: int) -> None:
    if not sends:
        return
    immediate = [send for send in sends if send.draft.is_immediate]
    known = await _store_chunks(connection, sends)
    await add_entries(connection, [entries for send in immediate for entries in _new_entries(send, known)])
    platform = sends[0].draft.platform
    group_numbers = await _group_numbers(connection, sends, known, now)
    for cell in platform.all_cells:
        await _publish(connection, cell, immediate, group_numbers)
    in_order = sorted(sends, key=lambda send: send.message_id)
    await messages.insert_messages(connection, platform.first_cell, [_message(send, now) for send in in_order])
    planned = [Planned(send.message_id, send.draft, send.draft.route) for send in sends if send.draft.route is not None]
    if planned:
        await plan_sends(connection, platform.first_cell, planned, now)
    templates = {send.message_id: send.draft.template for send in in_order if send.draft.template is not None}
    if templates:
        await message_params.insert(connection, platform.first_cell, templates)
    delayed = [
        (Delivery(platform.first_cell, send.message_id), send.draft.send_at)
        for send in sends
        if not send.draft.is_immediate
    ]
    if delayed:
        await enqueue_deliveries(connection, delayed, now)


async def _store_chunks(connection: Connection, sends: Sequence[_Send]) -> dict[AudienceChunk, Group | None]:
    """Store the audiences. Return the chunks that were addressed before, each with its group, None if it has none."""
    # By their keys: comparing the user ids of equal chunks would take longer than all that follows.
    chunks = sorted({(*chunk.part, chunk.bucket): chunk for send in sends for chunk in send.chunks}.values())
    stored: set[AudienceChunk] = set()
    for cell, cell_chunks in groupby(chunks, key=lambda chunk: chunk.cell):
        stored |= await audiences.insert_chunks(connection, cell, cell_chunks)
    large = [chunk for chunk in chunks if len(chunk.user_ids) >= audiences.LARGE_CHUNK]
    known: dict[AudienceChunk, Group | None] = {**await known_groups(connection, (chunk.part for chunk in large))}
    for chunk in large:
        # While the first message to them waits for its time, some of them may not be known.
        if (
            chunk.part in stored
            and chunk.part not in known
            and await users.are_known(connection, chunk.cell, chunk.user_ids)
        ):
            known[chunk.part] = None
    return known


async def _group_numbers(
    connection: Connection, sends: Sequence[_Send], known: Mapping[AudienceChunk, Group | None], now: int
) -> dict[AudienceChunk, int]:
    """Return the numbers of the groups of chunks that were addressed before; make the groups that do not exist yet."""
    chunks = {chunk.part: chunk for send in sends for chunk in send.chunks if not send.draft.approval}
    groups = {
        part: known[part] or await make_group(connection, chunks[part], now) for part in sorted(chunks) if part in known
    }
    for _, cell_groups in groupby(groups.values(), key=lambda group: group.cell):
        await set_used(connection, list(cell_groups), now)
    return {part: group.number for part, group in groups.items()}


def _new_entries(send: _Send, known: Collection[AudienceChunk]) -> list[NewEntries]:
    """Return the entries to push: of chunks that are addressed for the first time, and of approvals."""
    draft = send.draft
    return [
        NewEntries(
            message_id=send.message_id,
            app_number=draft.app_number,
            cell=chunk.cell,
            user_ids=chunk.user_ids,
            expires_at=draft.expires_at,
            approval=draft.approval,
        )
        for chunk in send.chunks
        if draft.approval or chunk.part not in known
    ]


async def _publish(
    connection: Connection, cell: int, sends: Sequence[_Send], group_numbers: Mapping[AudienceChunk, int]
) -> None:
    """Put messages to topics, to organisations, to everyone and to groups into the feed of a cell."""
    publications: list[Publication] = []
    topic_sends: list[tuple[_Send, int]] = []
    for send in sends:
        draft = send.draft
        if draft.topic_number is not None:
            topic_sends.append((send, len(publications)))
            addressed = addressed_to(draft.topic_number, draft.organisations)
            publications.append(Publication(addressed, send.message_id, draft.app_number, draft.expires_at))
        elif not draft.approval:
            publications += [
                Publication(
                    Addressed((group_numbers[chunk.part],)), send.message_id, draft.app_number, draft.expires_at
                )
                for chunk in send.chunks
                if chunk.cell == cell and chunk.part in group_numbers
            ]
    positions = await feed.publish(connection, cell, publications)
    for send, place in topic_sends:
        send.positions = (*(send.positions or ()), positions[place])


async def _claim_request_ids(connection: Connection, sends: Sequence[_Send], now: int) -> None:
    claims: dict[IdempotencyKey, Claim] = {}
    for send in sends:
        if send.claim is not None:
            claims.setdefault(send.claim.key, send.claim)  # the first of several in this batch
    if not claims:
        return
    holders: dict[IdempotencyKey, Claim] = {}
    for _, keys in groupby(sorted(claims), key=lambda key: key.cell):
        holders |= await idempotency.claim(connection, [claims[key] for key in keys], now, now - IDEMPOTENCY_MS)
    for send in sends:
        if send.claim is not None:
            send.compare(holders[send.claim.key])


async def _take_quotas(connection: Connection, sends: Sequence[_Send], now: int) -> None:
    """Refuse the sends that exceed their app's daily quota, the last ones first."""
    by_day: dict[tuple[int, int, date], list[tuple[_Send, DailyQuota]]] = defaultdict(list)
    for send in sends:
        quota = send.draft.quota
        if quota is not None and send.is_new:
            by_day[send.draft.app_cell, send.draft.app_number, quota.day].append((send, quota))
    if not by_day:
        return
    uses = [QuotaUse(*key, len(by_day[key]), max(quota.limit for _, quota in by_day[key])) for key in sorted(by_day)]
    used_before: dict[tuple[int, date], int] = {}
    for _, cell_uses in groupby(uses, key=lambda item: item.cell):
        used_before |= await quotas.use(connection, list(cell_uses))
    refused: list[_Send] = []
    for key in sorted(by_day):
        used, excess = used_before.get(key[1:]), 0
        for send, quota in by_day[key]:
            if used is not None and used < quota.limit:
                used += 1
            else:
                excess += 1
                send.refusal = Refusal(Reason.QUOTA_EXCEEDED, quota=quota.limit, seconds=quota.seconds_left(now))
                refused.append(send)
        if excess and used is not None:
            await quotas.give_back(connection, *key, excess)
    await _release_request_ids(connection, sends, refused)


async def _release_request_ids(connection: Connection, sends: Sequence[_Send], refused: Sequence[_Send]) -> None:
    """Release the request ids of refused sends. Sends of this batch that repeat one of them are refused as well."""
    released = {send.claim: send.refusal for send in refused if send.claim is not None}
    if not released:
        return
    for _, claims in groupby(sorted(released), key=lambda claim: claim.key.cell):
        await idempotency.release(connection, list(claims))
    refusals = {claim.key: refusal for claim, refusal in released.items()}
    for send in sends:
        if send.claim is not None and send.claim.key in refusals:
            send.refusal = refusals[send.claim.key]


def _message(send: _Send, now: int) -> Message:
    draft = send.draft
    # Usually the time in the id, so that a search by time finds the message. A scheduled or imported id has another.
    has_own_time = draft.send_at is None and draft.message_id is None
    return Message(
        id=send.message_id,
        app_number=draft.app_number,
        platform=draft.platform,
        kind=draft.kind,
        business_id=business_id_of(draft.body),
        content=msgspec.json.encode(draft.body).decode(),
        approval=draft.approval,
        receivers=len(draft.receivers),
        audience=tuple(chunk.part for chunk in send.chunks),
        delivered_chunks=len(send.chunks) if draft.is_immediate else 0,
        created_at=created_ms(send.message_id) if has_own_time else now,
        send_at=draft.send_at,
        expires_at=draft.expires_at,
        recalled_at=None,
        closed_at=None,
        topic_number=draft.topic_number,
        positions=send.positions,
        request_id=draft.request_id,
        sender_name=draft.sender_name,
        type_code=draft.wish.category,
    )
