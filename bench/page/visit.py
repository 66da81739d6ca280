"""One visit of a page in Chromium on an emulated network: what it takes, and what goes over the wire."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession

_PATIENCE_MS = 60_000
_SETTLE_MS = 1_000
_CARD = """
    const firstCard = () => {
      const element = document.querySelector("msg-inbox");
      if (element?.shadowRoot?.querySelector("article")) window.firstCard = performance.now();
      else requestAnimationFrame(firstCard);
    };
    firstCard();
"""


@dataclass(frozen=True)
class Network:
    """An emulated network: round trip in ms and rate in kbit/s; a rate of 0 is not limited."""

    name: str
    latency_ms: int
    kbit: int


NETWORKS = (
    Network("unthrottled", 0, 0),
    Network("150 ms, 1.6 Mbit/s", 150, 1_600),
    Network("400 ms, 400 kbit/s", 400, 400),
)


@dataclass
class Visit:
    """What a visit took: `seconds` from navigation to the goal, and the responses that came over the wire."""

    seconds: float = 0.0
    responses: list[str] = field(default_factory=list)
    bytes: int = 0


def visit(context: BrowserContext, url: str, network: Network, *, wants_card: bool) -> Visit:
    """Open `url` in a new tab. The goal is the first message's card if `wants_card`, else the load event."""
    page = context.new_page()
    page.add_init_script(_CARD)
    devtools = context.new_cdp_session(page)
    traffic = _Traffic(devtools)
    rate = network.kbit * 1_000 / 8 if network.kbit else -1
    devtools.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": network.latency_ms, "downloadThroughput": rate, "uploadThroughput": rate},
    )
    page.goto(url, timeout=_PATIENCE_MS, wait_until="commit")
    goal = "window.firstCard" if wants_card else "performance.getEntriesByType('navigation')[0].loadEventEnd"
    page.wait_for_function(f"() => {goal} > 0", timeout=_PATIENCE_MS)
    taken: float = page.evaluate(goal)
    page.wait_for_timeout(_SETTLE_MS)
    page.close()
    return Visit(taken / 1_000, traffic.responses, traffic.bytes)


class _Traffic:
    """Counts what comes over the wire; what the browser takes from its cache is not counted."""

    def __init__(self, devtools: CDPSession) -> None:
        self.responses: list[str] = []
        self._bytes: dict[str, int] = {}
        self._cached: set[str] = set()
        devtools.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        devtools.on("Network.responseReceived", self._received)
        devtools.on("Network.dataReceived", self._data)
        devtools.on("Network.loadingFinished", self._finished)
        devtools.send("Network.enable")

    @property
    def bytes(self) -> int:
        """Bytes of all responses: heads and bodies, as they came over the wire."""
        return sum(size for request, size in self._bytes.items() if request not in self._cached)

    def _received(self, event: dict[str, Any]) -> None:
        response = event["response"]
        request = event["requestId"]
        if response.get("fromDiskCache") or request in self._cached or response["url"].startswith("data:"):
            self._cached.add(request)
            return
        self.responses.append(f"{response['status']} {response['url'].partition('?')[0]}")
        self._bytes[request] = int(response["encodedDataLength"])

    def _data(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = self._bytes.get(event["requestId"], 0) + event["encodedDataLength"]

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._bytes:
            self._bytes[event["requestId"]] = int(event["encodedDataLength"])
