"""What platforms have decided about channels, remembered for a moment: each send asks for it."""

import time
from collections.abc import Sequence

from msgcenter.database.database import Database
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.channels.policy import Rules
from msgcenter.store.channels import policy

REMEMBERED_SECONDS = 2.0
"""How long a change of an operator may take until it is seen by sends."""
_PLATFORMS_PER_QUERY = 500


class ChannelRules:
    """The rules of platforms. Sends look them up in memory for `REMEMBERED_SECONDS`; then one reads them again."""

    def __init__(self, database: Database, *, waiting_limit: int) -> None:
        self._database = database
        self._remembered: dict[str, tuple[float, Rules | None]] = {}
        self._reads = GroupCommit(self._read, batch_weight=_PLATFORMS_PER_QUERY, waiting_limit=waiting_limit)

    async def of(self, platform_code: str) -> Rules | None:
        """Return the rules of a platform, None if it has decided nothing."""
        until, rules = self._remembered.get(platform_code, (0.0, None))
        return rules if time.monotonic() < until else await self._reads.submit(platform_code)

    async def _read(self, platform_codes: list[str]) -> Sequence[Rules | None]:
        # From before the query on: what it reads may change while it runs.
        until = time.monotonic() + REMEMBERED_SECONDS
        async with self._database.connection() as connection:
            rules = await policy.read_rules(connection, platform_codes)
        for code in platform_codes:
            self._remembered[code] = (until, rules.get(code))
        return [rules.get(code) for code in platform_codes]
