"""Small helpers for SQL statements: column lists, arrays for `unnest`, numbers of affected rows."""

from collections.abc import Iterable


def columns(alias: str, names: str) -> str:
    """Return a column list in which each name is qualified: `columns("app", "number, name")`.

    >>> columns("app", "number, name")
    'app.number, app.name'
    """
    return ", ".join(f"{alias}.{name.strip()}" for name in names.split(","))


def column_arrays(rows: Iterable[Iterable[object]], width: int) -> list[list[object]]:
    """Return the columns of rows, each as a list: the parameters of `unnest($1::text[], $2::int[])`.

    `width` is the number of columns, so that no rows give that many empty lists.

    >>> column_arrays([("a", 1), ("b", 2)], 2)
    [['a', 'b'], [1, 2]]
    >>> column_arrays([], 2)
    [[], []]
    """
    arrays: list[list[object]] = [list(column) for column in zip(*rows, strict=True)]
    return arrays or [[] for _ in range(width)]


def affected_rows(status: str) -> int:
    """Return how many rows a statement inserted, updated or deleted; `status` is what `connection.execute` returns.

    >>> affected_rows("INSERT 0 3"), affected_rows("UPDATE 0")
    (3, 0)
    """
    return int(status.rpartition(" ")[2])
