"""The group commit of sends: many messages, one transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import asyncpg
import msgspec

from msgcenter.database.database import Connection, Database
from msgcenter.domain.content import business_id_of
from msgcenter.domain.message import IDEMPOTENCY_MS, Draft, Message
from msgcenter.domain.message_id import MessageIds, bucket_of, created_ms, now_ms
from msgcenter.domain.quota import DailyQuota
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.add_entries import NewEntries, add_entries
from msgcenter.store.apps import quotas
from msgcenter.store.apps.quotas import QuotaUse
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.feed import NewFeedRow
from msgcenter.store.messages import audiences, idempotency, messages
from msgcenter.store.messages.audiences import Chunk
from msgcenter.store.messages.idempotency import Claim, IdempotencyKey
from msgcenter.store.messages.jobs import enqueue_deliveries

_ID_ATTEMPTS = 5
OnStored = Callable[[Sequence[Draft]], None]
"""Is told which drafts became messages, once they are durable; not those that repeat an earlier request."""


@dataclass
class _Send:
    """One draft on its way into the database."""

    draft: Draft
    message_id: int = 0
    position: int | None = None
    claim: Claim | None = None
    chunks: list[Chunk] = field(default_factory=list)
    outcome: int | Refusal | None = None

    def assign(self, message_id: int) -> None:
        draft = self.draft
        self.message_id = message_id
        self.chunks = audiences.chunks_of(draft.receivers, bucket_of(message_id))
        if draft.request_id is not None:
            key = IdempotencyKey(draft.app_number, draft.request_id)
            self.claim = Claim(key, draft.digest, message_id)

    def settle(self, standing: Claim) -> None:
        """Decide against the claim that holds our request id: our own, the same request's, or another's."""
        assert self.claim is not None
        if standing == self.claim:
            self.outcome = None
        elif standing.digest == self.claim.digest:
            self.outcome = standing.message_id
        else:
            self.outcome = Refusal(Reason.REQUEST_ID_REUSED)


InSameTransaction = Callable[[Connection, list[int | Refusal]], Awaitable[None]]
"""Runs in the transaction of the sends, after them, with what came of each; if it raises, nothing was sent."""


async def send_drafts(
    database: Database,
    ids: MessageIds,
    drafts: Sequence[Draft],
    *,
    on_stored: OnStored | None = None,
    in_same_transaction: InSameTransaction | None = None,
) -> list[int | Refusal]:
    """Store the drafts; those to be sent at once also go into their receivers' mailboxes, or into the feed.

    Returns a message id for each. What `in_same_transaction` does is done together with the sends, or not at all.

    A draft whose request id was used before gets the earlier message's id, or REQUEST_ID_REUSED. One that its app's
    quota has no room for is QUOTA_EXCEEDED, and leaves nothing behind.
    """
    for attempt in range(_ID_ATTEMPTS):
        sends = [_Send(draft) for draft in drafts]
        for send in sends:
            given = send.draft.message_id
            send.assign(given if given is not None else ids.next(send.draft.send_at))

        async def write(connection: Connection, sends: list[_Send] = sends) -> None:
            await _write(connection, sends)
            if in_same_transaction is not None:
                await in_same_transaction(connection, _outcomes(sends))

        try:
            await database.in_transaction(write)
        except asyncpg.UniqueViolationError:
            # A scheduled id met another one. Only ids taken over from elsewhere would meet again.
            if attempt == _ID_ATTEMPTS - 1:
                raise
        else:
            if on_stored is not None:
                on_stored([send.draft for send in sends if send.outcome is None])
            return _outcomes(sends)
    raise AssertionError("unreachable")


def _outcomes(sends: Sequence[_Send]) -> list[int | Refusal]:
    return [send.message_id if send.outcome is None else send.outcome for send in sends]


async def _write(connection: Connection, sends: Sequence[_Send]) -> None:
    now = now_ms()
    for send in sends:
        send.outcome = None  # the transaction may run again
    await _claim_request_ids(connection, sends, now)
    await _take_quotas(connection, sends, now)
    new = [send for send in sends if send.outcome is None]
    if not new:
        return
    await audiences.insert_chunks(connection, (chunk for send in new for chunk in send.chunks))
    await add_entries(
        connection,
        [
            NewEntries(
                message_id=send.message_id,
                app_number=draft.app_number,
                platform_code=draft.platform_code,
                user_ids=draft.receivers,
                expires_at=draft.expires_at,
                approval=draft.approval,
            )
            for send in new
            if (draft := send.draft).is_direct
        ],
    )
    await _publish(connection, [send for send in new if send.draft.is_direct])
    await messages.insert_messages(connection, [_message(send, now) for send in sorted(new, key=_id_of)])
    later = [send for send in new if not send.draft.is_direct]
    if later:
        await enqueue_deliveries(connection, [(send.message_id, send.draft.send_at) for send in later], now)


async def _publish(connection: Connection, sends: Sequence[_Send]) -> None:
    """Put what is for a topic or for everyone into the feed."""
    broadcasts = [send for send in sends if send.draft.topic_number is not None]
    positions = await feed.publish(
        connection,
        [
            NewFeedRow(draft.platform_code, draft.topic_number, send.message_id, draft.app_number, draft.expires_at)
            for send in broadcasts
            if (draft := send.draft).topic_number is not None
        ],
    )
    for send, position in zip(broadcasts, positions, strict=True):
        send.position = position


async def _claim_request_ids(connection: Connection, sends: Sequence[_Send], now: int) -> None:
    claims: dict[IdempotencyKey, Claim] = {}
    for send in sends:
        if send.claim is not None:
            claims.setdefault(send.claim.key, send.claim)  # the first of several equal ones in this batch
    if not claims:
        return
    ordered = [claims[key] for key in sorted(claims)]
    standing = await idempotency.claim(connection, ordered, now, now - IDEMPOTENCY_MS)
    for send in sends:
        if send.claim is not None:
            send.settle(standing[send.claim.key])


async def _take_quotas(connection: Connection, sends: Sequence[_Send], now: int) -> None:
    """Refuse what the apps' quotas have no room for, the last first."""
    by_day: dict[tuple[int, date], list[tuple[_Send, DailyQuota]]] = defaultdict(list)
    for send in sends:
        quota = send.draft.quota
        if quota is not None and send.outcome is None:
            by_day[send.draft.app_number, quota.day].append((send, quota))
    if not by_day:
        return
    takes = [QuotaUse(*key, len(by_day[key]), max(quota.limit for _, quota in by_day[key])) for key in sorted(by_day)]
    before = await quotas.use(connection, takes)
    refused: list[_Send] = []
    for key in sorted(by_day):
        used, over = before.get(key), 0
        for send, quota in by_day[key]:
            if used is not None and used < quota.limit:
                used += 1
            else:
                over += 1
                send.outcome = Refusal(Reason.QUOTA_EXCEEDED, quota=quota.limit, seconds=quota.seconds_left(now))
                refused.append(send)
        if over and used is not None:
            await quotas.give_back(connection, *key, over)
    await _release_request_ids(connection, sends, refused)


async def _release_request_ids(connection: Connection, sends: Sequence[_Send], refused: Sequence[_Send]) -> None:
    """Let go of what refused sends have claimed; whoever repeats one of them in this batch is refused as well."""
    claims = [send.claim for send in refused if send.claim is not None]
    if not claims:
        return
    await idempotency.release(connection, sorted(claims))
    released = {send.claim.key: send for send in refused if send.claim is not None}
    for send in sends:
        if send.claim is not None and send.claim.key in released:
            send.outcome = released[send.claim.key].outcome


def _id_of(send: _Send) -> int:
    return send.message_id


def _message(send: _Send, now: int) -> Message:
    draft = send.draft
    return Message(
        id=send.message_id,
        app_number=draft.app_number,
        platform_code=draft.platform_code,
        kind=draft.kind,
        business_id=business_id_of(draft.body),
        content=msgspec.json.encode(draft.body).decode(),
        approval=draft.approval,
        receivers=len(draft.receivers),
        audience=tuple(chunk.digest for chunk in send.chunks),
        delivered_chunks=len(send.chunks) if draft.is_direct else 0,
        # The time in the id, so that a message is found by it; but an id that is scheduled or taken over tells another.
        created_at=created_ms(send.message_id) if draft.send_at is None and draft.message_id is None else now,
        send_at=draft.send_at,
        expires_at=draft.expires_at,
        recalled_at=None,
        closed_at=None,
        topic_number=draft.topic_number,
        position=send.position,
        request_id=draft.request_id,
    )
