"""When the recipients of a pulled message have read it.

A mailbox that has not pulled past the message's position cannot have read it. If the message was set unread again, the
same holds for the position of that row, and for an entry that was withdrawn with an older read time. No times of other
entries are compared, since clocks differ.
"""

from msgcenter.domain.mailbox import WITHDRAWN_UNREAD
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of


def read_times(recipients: str, columns: str, first: int) -> str:
    """Return a query for `read_at` of recipients, NULL while unread and negative if the message was withdrawn since.

    `recipients` is a query for their `user_id`, how far their mailboxes have `pulled_to`, and other `columns`, each
    followed by a comma. The parameters of `read_time_parameters` begin at the number `first`; the cell is $1.
    """
    message_id, bucket, app_number, position, withdrawn_unread, reset_at = (f"${first + n}" for n in range(6))
    # `offset 0` makes it one look-up by the page's key for each recipient. While a table is new, its plan could compare
    # all recipients with all pages otherwise, and stay so until the table is analysed.
    return f"""
        select {columns}recipient.user_id, entry.read_at
        from ({recipients}) as recipient
        left join lateral (
            select nullif(
                (page.read_at)[array_position(page.message_ids, {message_id}::bigint)], {withdrawn_unread}
            ) as read_at
            from mailbox_page as page
            where page.cell = $1
                and page.user_id = recipient.user_id
                and page.bucket = {bucket}
                and page.app_number = {app_number}
                and page.first_id <= {message_id}
                and page.last_id >= {message_id}
                and {message_id} = any(page.message_ids)
            offset 0
        ) as entry
            on recipient.pulled_to >= {position} and (entry.read_at > 0 or entry.read_at <= -{reset_at}::bigint)
    """


def read_time_parameters(message: Message, cell_place: int, position: int) -> tuple[object, ...]:
    """Return the parameters of `read_times` for a message in one of its platform's cells, where it has this position.

    `cell_place` is 0 for the first cell.
    """
    return (
        message.id,
        bucket_of(message.id),
        message.app_number,
        position if message.reset_positions is None else message.reset_positions[cell_place],
        WITHDRAWN_UNREAD,
        message.reset_at or 0,
    )
