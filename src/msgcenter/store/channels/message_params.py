"""Which template has made a message, and with which values: for the texts of its channels."""

from collections.abc import Mapping, Sequence

import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.channels.template import UsedTemplate


async def insert(connection: Connection, cell: int, used: Mapping[int, UsedTemplate]) -> None:
    """Store the templates of new messages in their cell, by message id."""
    await connection.execute(
        """
        insert into message_params (cell, message_id, template_number, version, params)
        select home.cell, message_id, template_number, version, params
        from feed_head as home
        cross join unnest($2::bigint[], $3::int[], $4::int[], $5::jsonb[])
            as used (message_id, template_number, version, params)
        where home.cell = $1
        """,
        cell,
        list(used),
        [item.template_number for item in used.values()],
        [item.version for item in used.values()],
        [msgspec.json.encode(item.params).decode() for item in used.values()],
    )


async def find(connection: Connection, cell: int, message_ids: Sequence[int]) -> dict[int, UsedTemplate]:
    """Return the templates of messages in a cell, by message id. Messages without a template are left out."""
    rows = await connection.fetch(
        """
        select message_id, template_number, version, params
        from message_params
        where cell = $1 and message_id = any($2)
        """,
        cell,
        message_ids,
    )
    return {
        row["message_id"]: UsedTemplate(row["template_number"], row["version"], msgspec.json.decode(row["params"]))
        for row in rows
    }


async def delete(connection: Connection, cell: int, message_id: int) -> None:
    """Delete the template of a message, whose content is another one now."""
    await connection.execute("delete from message_params where cell = $1 and message_id = $2", cell, message_id)
