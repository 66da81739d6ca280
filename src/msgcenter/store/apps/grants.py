"""Grant requests: what developers ask operators to permit for their apps."""

from typing import Literal, NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows

GrantKind = Literal["live", "broadcasts", "platform_inbox", "platform", "branding"]

_REQUESTS = """
    select request.number, request.app_number, app.app_id, app.name as app_name, request.kind, request.value,
        request.reason, asker.login as asked_by, request.asked_at, decider.login as decided_by, request.decided_at,
        request.granted, request.answer
    from grant_request as request
    join app on app.number = request.app_number
    join person as asker on asker.number = request.asked_by
    left join person as decider on decider.number = request.decided_by
"""


class GrantRequest(NamedTuple):
    """A request. Times are ms since 1970; `asked_by` and `decided_by` are logins.

    `value` is a platform code, a name and colour as JSON (`actions.apps.branding`), or empty, depending on `kind`.
    `granted` is None until the request is decided; `answer` is the operator's comment on the decision.
    """

    number: int
    app_number: int
    app_id: str
    app_name: str
    kind: GrantKind
    value: str
    reason: str
    asked_by: str
    asked_at: int
    decided_by: str | None
    decided_at: int | None
    granted: bool | None
    answer: str | None


async def insert_request(
    connection: Connection, *, app_number: int, kind: GrantKind, value: str, reason: str, asked_by: int, now: int
) -> bool:
    """Add a request; return False if the same request is already open."""
    status = await connection.execute(
        """
        insert into grant_request (app_number, kind, value, reason, asked_by, asked_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        """,
        app_number,
        kind,
        value,
        reason,
        asked_by,
        now,
    )
    return affected_rows(status) > 0


async def requests_of(connection: Connection, app_number: int) -> list[GrantRequest]:
    """Return the last 100 requests of an app, the newest first."""
    rows = await connection.fetch(
        f"{_REQUESTS} where request.app_number = $1 order by request.number desc limit 100", app_number
    )
    return [GrantRequest(*row) for row in rows]


async def open_requests(connection: Connection) -> list[GrantRequest]:
    """Return up to 500 undecided requests of all apps, the oldest first."""
    rows = await connection.fetch(f"{_REQUESTS} where request.decided_at is null order by request.number limit 500")
    return [GrantRequest(*row) for row in rows]


async def decide(
    connection: Connection, number: int, *, granted: bool, answer: str | None, by: int, now: int
) -> GrantRequest | None:
    """Decide an open request and return it; None if it is not open. `by` is the number of the operator."""
    decided_number = await connection.fetchval(
        """
        update grant_request
        set granted = $2, decided_by = $3, decided_at = $4, answer = $5
        where number = $1 and decided_at is null
        returning number
        """,
        number,
        granted,
        by,
        now,
        answer,
    )
    if decided_number is None:
        return None
    row = await connection.fetchrow(f"{_REQUESTS} where request.number = $1", number)
    assert row is not None
    return GrantRequest(*row)
