"""User ids with white space at their ends, which were taken once and are refused today."""

from collections.abc import Sequence

from msgcenter.database.database import Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.identifiers import is_user_id, user_id_refusal
from msgcenter.store.mailboxes import users


async def check_old_user_ids(database: Database, recipients: Sequence[Recipient], field: str) -> None:
    """Refuse (FIELD_MALFORMED) ids with white space at their ends, unless the platform knows such a user already.

    What those users got stays within reach: it can be read, counted and set read. `field` names the ids in the request;
    with `{}` in it, the place of the refused one stands there.
    """
    for place, recipient in enumerate(recipients):
        if is_user_id(recipient.user_id):
            continue
        async with database.connection() as connection:
            platforms = await users.platforms_of(connection, recipient.user_id)
        if recipient.platform_code not in platforms:
            raise user_id_refusal(field.format(place))
