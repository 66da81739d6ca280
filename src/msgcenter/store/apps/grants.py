"""What developers have asked operators to open for their apps."""

from typing import Literal, NamedTuple

from msgcenter.database.database import Connection

GrantKind = Literal["live", "broadcasts", "platform_inbox", "platform", "branding"]

_COLUMNS = (
    "g.number, g.app_number, a.app_id, a.name as app_name, g.kind, g.value, g.reason, p.login as asked_by, g.asked_at,"
    " d.login as decided_by, g.decided_at, g.granted, g.answer"
)
_FROM = (
    " from grant_request g join app a on a.number = g.app_number join person p on p.number = g.asked_by"
    " left join person d on d.number = g.decided_by"
)


class GrantRequest(NamedTuple):
    """A request. `granted` is None while nobody has decided it; `value` is the code of a platform, a name and colour
    as JSON (`actions.branding`), or empty.

    `answer` is what whoever decided it has said.
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
    """Add a request; return False if the same one is already open."""
    status = await connection.execute(
        "insert into grant_request (app_number, kind, value, reason, asked_by, asked_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        app_number,
        kind,
        value,
        reason,
        asked_by,
        now,
    )
    return status != "INSERT 0 0"


async def requests_of(connection: Connection, app_number: int) -> list[GrantRequest]:
    """Return an app's requests, the newest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS}{_FROM} where g.app_number = $1 order by g.number desc limit 100",
        app_number,
    )
    return [GrantRequest(*row) for row in rows]


async def open_requests(connection: Connection) -> list[GrantRequest]:
    """Return all requests that nobody has decided, the oldest first."""
    rows = await connection.fetch(f"select {_COLUMNS}{_FROM} where g.decided_at is null order by g.number limit 500")
    return [GrantRequest(*row) for row in rows]


async def decide(
    connection: Connection, number: int, *, granted: bool, answer: str | None, by: int, now: int
) -> GrantRequest | None:
    """Decide an open request and return it; None if it is not open."""
    decided = await connection.fetchval(
        "update grant_request set granted = $2, decided_by = $3, decided_at = $4, answer = $5"
        " where number = $1 and decided_at is null returning number",
        number,
        granted,
        by,
        now,
        answer,
    )
    if decided is None:
        return None
    row = await connection.fetchrow(f"select {_COLUMNS}{_FROM} where g.number = $1", number)
    assert row is not None
    return GrantRequest(*row)
