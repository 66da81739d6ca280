"""For operators: the health of the system."""

from dataclasses import dataclass

from msgcenter.monitor.findings import LEVELS
from msgcenter.monitor.health import Health
from msgcenter.portal.page import Answer, View
from msgcenter.portal.page_request import PageRequest


@dataclass(frozen=True)
class HealthPages:
    """Show how the server is."""

    health: Health

    async def report(self, _: PageRequest) -> Answer:
        """Show the findings, the database, background work and processes."""
        return View("operator_health.html", {"report": await self.health.report(), "levels": LEVELS})
