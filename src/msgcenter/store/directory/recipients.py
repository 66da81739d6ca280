"""The recipients of messages to organisations, and which of them have read a message.

The recipients are the users who were members at the message's position of their cell's feed, by the tree of that
position. They are walked in the order of cells, of the organisations whose members they are (by number), and of user
ids. A user who is in several of these organisations belongs to the first one. With `groups`, the recipients are walked
for each of these organisations, with all below it: a user belongs to the first organisation within each group.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.audience import OrgAudience
from msgcenter.domain.directory import NEVER
from msgcenter.domain.message import Message
from msgcenter.store.mailboxes.audience_place import START, AudiencePlace
from msgcenter.store.mailboxes.read_times import read_time_parameters, read_times
from msgcenter.store.mailboxes.receipts import ReceiptBatch, ReceiptTotals, receipt_of

MEMBERS_PER_COUNT = 20_000
_MEMBERS_PER_LIST = 2_000
WHOLE = 0
"""The group number of counts of all recipients."""


class Walk(NamedTuple):
    """The recipients of a message to organisations, all (`groups` None) or those of some organisations by number."""

    message: Message
    audience: OrgAudience
    groups: tuple[int, ...] | None = None


class CountedPart(NamedTuple):
    """Counts of a part of a walk by group number, how many memberships were looked at, and where to continue."""

    counts: dict[int, ReceiptTotals]
    looked_at: int
    next_place: AudiencePlace | None


async def count_receipts(
    connection: Connection, walk: Walk, after: AudiencePlace = START, limit: int | None = None
) -> CountedPart:
    """Count the receipts of the recipients among the next `limit` memberships, which are of one cell.

    `limit` is `MEMBERS_PER_COUNT` by default. The next place is None at the end.
    """
    limit = MEMBERS_PER_COUNT if limit is None else limit
    rows = await connection.fetch(
        f"""
        {_looked_at(walk)}
        select receipt.group_number, count(*) as receivers, count(receipt.read_at) as read, null as org_number,
            null as user_id, false as is_end
        from ({_RECEIPTS}) as receipt
        group by receipt.group_number
        union all
        {_END}
        """,
        *_parameters(walk, after, limit),
    )
    is_sent = walk.message.positions is not None
    counts = {
        row["group_number"]: ReceiptTotals(row["receivers"], row["receivers"] if is_sent else 0, row["read"])
        for row in rows
        if not row["is_end"]
    }
    end = next((row for row in rows if row["is_end"]), None)
    if end is None or end["receivers"] < limit:
        return CountedPart(counts, 0 if end is None else end["receivers"], after.next_cell(walk.message))
    place = AudiencePlace(after.cell_place, end["user_id"], end["org_number"], end["group_number"])
    return CountedPart(counts, end["receivers"], place)


async def receipts(
    connection: Connection, walk: Walk, after: AudiencePlace = START
) -> AsyncGenerator[ReceiptBatch, None]:
    """Yield the receipts of recipients after a place, of one group at most.

    A withdrawn entry counts as it was before. A batch may be empty: few members may have a role of the message.
    """
    message = walk.message
    group_number = WHOLE if walk.groups is None else walk.groups[0]
    place: AudiencePlace | None = after
    while message.positions is not None and place is not None and place.cell_place < message.platform.cells:
        rows = await connection.fetch(
            f"""
            {_looked_at(walk)}
            select receipt.org_number, receipt.user_id, receipt.read_at, null as looked_at, false as is_end
            from ({_RECEIPTS}) as receipt
            union all
            select org_number, user_id, null, receivers, true from ({_END}) as looked_at_last
            order by is_end, org_number, user_id
            """,
            *_parameters(walk, place._replace(group_number=group_number), _MEMBERS_PER_LIST),
        )
        cell_place = place.cell_place
        listed = [
            receipt_of(user_id, read_at, AudiencePlace(cell_place, user_id, org_number).cursor(message))
            for org_number, user_id, read_at, _, is_end in rows
            if not is_end
        ]
        looked_at = rows[-1]["looked_at"] if rows else 0
        if looked_at < _MEMBERS_PER_LIST:
            place = place.next_cell(message)
        else:
            place = AudiencePlace(cell_place, rows[-1]["user_id"], rows[-1]["org_number"])
        yield ReceiptBatch(listed, looked_at, None if place is None else place.cursor(message))


def add_counts(parts: Collection[dict[int, ReceiptTotals]]) -> dict[int, ReceiptTotals]:
    """Return the sums of counts by group number."""
    sums: dict[int, list[ReceiptTotals]] = defaultdict(list)
    for part in parts:
        for group_number, counts in part.items():
            sums[group_number].append(counts)
    return {group: ReceiptTotals(*map(sum, zip(*counts, strict=True))) for group, counts in sums.items()}


# --- The statements -------------------------------------------------------------------------------------------------
#
# Parameters: $1 the cell, $2 the addressed organisations, $3 the position, $4 the roles or null, $5 whether
# organisations below count; $6 to $8 the place to continue after: group, organisation, user; $9 how many memberships to
# look at; $10 to $15 those of the read times; $16 the groups, if there are any.
#
# A sub-select with `offset 0` or `limit` is one look-up for each row: a join, and `exists`, which may become one, could
# be answered by reading all members or all paths of the cell for each row.


def _held(interval: str) -> str:
    return f"{interval}.since < $3 and coalesce({interval}.until, $3) >= $3"


_HAS_ROLE = "($4::text[] is null or {member}.role = any($4))"


def _is_addressed(org_number: str) -> str:
    """Return the condition that members of an organisation were addressed."""
    return f"""
        (
            select 1
            from directory_path as addressed
            where addressed.cell = $1
                and addressed.org_number = {org_number}
                and addressed.ancestor_number = any($2::int[])
                and {_held("addressed")}
                and (addressed.depth = 0 or $5)
            limit 1
        ) is not null
    """


_ORGANISATIONS = f"""
    select distinct {WHOLE} as group_number, path.org_number
    from directory_path as path
    where path.cell = $1
        and path.ancestor_number = any($2::int[])
        and {_held("path")}
        and (path.depth = 0 or $5)
"""
_ORGANISATIONS_OF_GROUPS = f"""
    select path.ancestor_number as group_number, path.org_number
    from directory_path as path
    where path.cell = $1
        and path.ancestor_number = any($16::int[])
        and {_held("path")}
        and {_is_addressed("path.org_number")}
"""
_IS_OF_GROUP = f"""
    and (
        select 1
        from directory_path as path
        where path.cell = $1
            and path.org_number = earlier.org_number
            and path.ancestor_number = looked_at.group_number
            and {_held("path")}
        limit 1
    ) is not null
"""


def _looked_at(walk: Walk) -> str:
    """Return the common table expressions `looked_at`, the memberships to look at, and `recipient`."""
    in_groups = walk.groups is not None
    return f"""
        with looked_at as materialized (
            select org.group_number, org.org_number, member.user_id, member.role, member.since, member.until
            from (
                select * from ({_ORGANISATIONS_OF_GROUPS if in_groups else _ORGANISATIONS}) as org
                where (org.group_number, org.org_number) >= ($6, $7)
                order by org.group_number, org.org_number
                offset 0
            ) as org
            cross join lateral (
                select member.user_id, member.role, member.since, member.until
                from directory_member as member
                where member.cell = $1
                    and member.org_number = org.org_number
                    and member.user_id > case when (org.group_number, org.org_number) = ($6, $7) then $8 else '' end
                order by member.user_id
                offset 0
            ) as member
            order by org.group_number, org.org_number, member.user_id
            fetch first $9 rows with ties
        ),
        recipient as (
            select distinct looked_at.group_number, looked_at.org_number, looked_at.user_id
            from looked_at
            where {_held("looked_at")} and {_HAS_ROLE.format(member="looked_at")}
                and (
                    select 1
                    from directory_member as earlier
                    where earlier.cell = $1
                        and earlier.user_id = looked_at.user_id
                        and earlier.org_number < looked_at.org_number
                        and {_held("earlier")}
                        and {_HAS_ROLE.format(member="earlier")}
                        and {_is_addressed("earlier.org_number")}
                        {_IS_OF_GROUP if in_groups else ""}
                    limit 1
                ) is null
        )
    """


_RECEIPTS = read_times(
    """
    select recipient.*, mailbox.pulled_to
    from recipient
    cross join lateral (
        select mailbox.pulled_to from mailbox where mailbox.cell = $1 and mailbox.user_id = recipient.user_id offset 0
    ) as mailbox
    """,
    "recipient.group_number, recipient.org_number, ",
    first=10,
)
_END = """
    select last.group_number, (select count(*) from looked_at) as receivers, null::bigint as read, last.org_number,
        last.user_id, true as is_end
    from (
        select * from looked_at order by group_number desc, org_number desc, user_id desc limit 1
    ) as last
"""


def _parameters(walk: Walk, after: AudiencePlace, limit: int) -> Sequence[object]:
    message, audience = walk.message, walk.audience
    place = after.cell_place
    # A message that is not published yet comes after all others, but not after what disabled members wait for.
    position = NEVER if message.positions is None else message.positions[place]
    return (
        message.platform.all_cells[place],
        audience.org_numbers,
        position,
        audience.roles,
        audience.include_sub,
        after.group_number,
        after.org_number,
        after.user_id,
        limit,
        *read_time_parameters(message, place, position),
        *([] if walk.groups is None else [walk.groups]),
    )


# --- Live events ----------------------------------------------------------------------------------------------------


async def ever_members(
    connection: Connection, audience: OrgAudience, cell: int, user_ids: Collection[str]
) -> list[str]:
    """Return those of the users of a cell who are or were members of an audience of organisations."""
    rows = await connection.fetch(
        """
        select distinct membership.user_id
        from unnest($2::text[]) as candidate (user_id)
        join directory_member as membership on membership.cell = $1 and membership.user_id = candidate.user_id
        where ($5::text[] is null or membership.role = any($5))
            and (
                select 1
                from directory_path as path
                where path.cell = $1
                    and path.org_number = membership.org_number
                    and path.ancestor_number = any($3::int[])
                    and (path.depth = 0 or $4)
                limit 1
            ) is not null
        """,
        cell,
        user_ids,
        audience.org_numbers,
        audience.include_sub,
        audience.roles,
    )
    return [row["user_id"] for row in rows]
