"""Whom a message to organisations would reach, before anything is sent: by the walk that counts its receipts later."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.audience import Organisations, OrgAudience
from msgcenter.domain.directory import NEVER, DirectoryUser
from msgcenter.domain.message import Message
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.directory import orgs, recipients, users
from msgcenter.store.directory.audiences import ensure_audience
from msgcenter.store.directory.recipients import Walk

_LOOKED_AT_FOR_SAMPLE = 20_000
"""A sample ends after so many memberships were looked at: few members may have one of the roles."""


class AudiencePreview(NamedTuple):
    """How many users an audience has now, and some of them."""

    receivers: int
    sample: Sequence[DirectoryUser]


class AudiencePreviews:
    """Counts audiences of organisations. Counts of large ones are cached, as those of receipts are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = ReceiptCounts(database)

    async def preview_of_code(self, platform_code: str, audience: Organisations, sample: int) -> AudiencePreview:
        """Return the preview of an audience of the platform with this code; nobody if there is none."""
        async with self._database.connection() as connection:
            platform = (await find_platforms(connection)).get(platform_code)
        return AudiencePreview(0, ()) if platform is None else await self.preview(platform, audience, sample)

    async def preview(self, platform: Platform, audience: Organisations, sample: int) -> AudiencePreview:
        """Return the number of an audience's users now, and up to `sample` of them.

        Refuses with ORGANISATION_UNKNOWN.
        """
        async with self._database.connection() as connection:
            organisations = await _by_number(connection, platform, audience)
            number = await ensure_audience(connection, platform.code, organisations)
            message = _message_of_now(platform, number)
            users_of_sample = await _sample(connection, Walk(message, organisations), sample)
        counts = await self._counts.of(message)
        return AudiencePreview(counts.receivers, users_of_sample)


async def _by_number(connection: Connection, platform: Platform, audience: Organisations) -> OrgAudience:
    numbers = await orgs.numbers_of(connection, platform.code, audience.org_ids)
    unknown = sorted(set(audience.org_ids).difference(numbers))
    if unknown:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=", ".join(unknown))
    return OrgAudience(tuple(sorted(numbers.values())), audience.roles, audience.include_sub)


def _message_of_now(platform: Platform, audience_number: int) -> Message:
    """Return a message that stands for one that is sent now: whom it is for, and that nobody has it.

    Its id is that of no other message, and the same for the same audience, so that counts of it are cached.
    """
    return Message(
        id=-audience_number,
        app_number=0,
        platform=platform,
        kind="text",
        business_id=None,
        content="{}",
        approval=False,
        receivers=0,
        audience=(),
        delivered_chunks=0,
        created_at=0,
        send_at=None,
        expires_at=None,
        recalled_at=None,
        closed_at=None,
        topic_number=audience_number,
        positions=(NEVER,) * platform.cells,
    )


async def _sample(connection: Connection, walk: Walk, limit: int) -> list[DirectoryUser]:
    user_ids: list[str] = []
    looked_at = 0
    async for batch in recipients.receipts(connection, walk):
        user_ids += [receipt.user_id for receipt in batch.receipts[: limit - len(user_ids)]]
        looked_at += batch.looked_at
        if len(user_ids) >= limit or looked_at >= _LOOKED_AT_FOR_SAMPLE:
            break
    platform = walk.message.platform
    known: dict[str, DirectoryUser] = {}
    for cell in {platform.cell_of(user_id) for user_id in user_ids}:
        of_cell = [user_id for user_id in user_ids if platform.cell_of(user_id) == cell]
        known |= await users.find(connection, cell, of_cell)
    return [known.get(user_id, DirectoryUser(user_id)) for user_id in user_ids]
