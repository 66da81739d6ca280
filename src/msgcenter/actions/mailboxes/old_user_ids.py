"""User ids with white space at their ends: earlier versions accepted them, and their users still have mailboxes."""

from collections.abc import Sequence

from msgcenter.database.database import Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.identifiers import is_user_id, user_id_refusal
from msgcenter.store.mailboxes import users


async def check_old_user_ids(database: Database, recipients: Sequence[Recipient], field: str) -> None:
    """Refuse with FIELD_MALFORMED a user id with white space at an end, unless the platform knows the user already.

    So the messages of those users can still be read, counted and set read. `field` is the name of the ids in the
    request; `{}` in it becomes the index of the refused id.
    """
    for index, recipient in enumerate(recipients):
        if is_user_id(recipient.user_id):
            continue
        async with database.connection() as connection:
            is_known = await users.is_known(connection, recipient.cell, recipient.user_id)
        if not is_known:
            raise user_id_refusal(field.format(index))
