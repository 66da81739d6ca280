"""The tree of a platform's organisations with member counts, for operators."""

from collections import Counter
from typing import NamedTuple

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.actions.directory.difference import StoredOrgs
from msgcenter.database.database import Database
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.directory import members


class OrgNode(NamedTuple):
    """An organisation, its own members by role, and the organisations directly below it, by id."""

    org_id: str
    kind: str
    name: str
    members: dict[str, int]
    children: "list[OrgNode]"


async def read_tree(database: Database, platform_code: str, org_id: str | None = None) -> list[OrgNode]:
    """Return an organisation with all below it, or all top organisations.

    Raises UnknownPlatformError; refuses with ORGANISATION_UNKNOWN.
    """
    platform = await check_platform(database, platform_code)
    counts: dict[int, Counter[str]] = {}
    async with database.snapshot() as connection:
        stored = await StoredOrgs.read(connection, platform)
        for cell in platform.all_cells:
            for number, role, count in await members.count_all(connection, cell):
                counts.setdefault(number, Counter())[role] += count
    if org_id is not None and org_id not in stored.rows:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=org_id)
    nodes = {
        row.org_id: OrgNode(row.org_id, row.kind, row.name, dict(sorted(counts.get(row.number, Counter()).items())), [])
        for row in stored.rows.values()
    }
    tops: list[OrgNode] = []
    for node in nodes.values():
        parent = stored.parents[node.org_id]
        (nodes[parent].children if parent else tops).append(node)
    return tops if org_id is None else [nodes[org_id]]
