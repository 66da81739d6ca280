"""Measure how fast the inbox, a page that embeds it and the portal's docs open on slow networks."""

import argparse
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.demo_server import chromium_path
from bench.page.demo import Demo, running_demo
from bench.page.visit import NETWORKS, Network, Visit, visit

_PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
}


def main() -> None:
    """Print a table: for each page and network, a visit with an empty cache and one with a filled one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="visits of each kind; the median is shown")
    parser.add_argument("--only", default="", metavar="NAME", help="pages whose name contains this")
    parser.add_argument("--network", default="", metavar="NAME", help="networks whose name contains this")
    parser.add_argument("--list", action="store_true", help="list the responses as well")
    arguments = parser.parse_args()
    path = chromium_path()
    networks = [network for network in NETWORKS if arguments.network in network.name]
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        _print_row("page", "network", "cache", "seconds", "fastest", "responses", "kB")
        for name, url in _pages(demo).items():
            if arguments.only in name:
                for network in networks:
                    _measure(browser, name, url, network, arguments)
        browser.close()


def _pages(demo: Demo) -> dict[str, str]:
    return {
        "inbox": demo.inbox,
        "embedded": demo.website,
        "docs": f"{demo.url}/portal/docs",
        "docs call": f"{demo.url}/portal/docs/sendMsg",
    }


def _measure(browser: Browser, name: str, url: str, network: Network, arguments: argparse.Namespace) -> None:
    visits: dict[str, list[Visit]] = {"empty": [], "filled": []}
    for _ in range(arguments.runs):
        context = browser.new_context(**_PHONE)
        for visits_so_far in visits.values():
            visits_so_far.append(visit(context, url, network, wants_card=not name.startswith("docs")))
        context.close()
    for cache, repeated in visits.items():
        middle = sorted(repeated, key=lambda taken: taken.seconds)[len(repeated) // 2]
        fastest = min(taken.seconds for taken in repeated)
        seconds = (f"{middle.seconds:.2f}", f"{fastest:.2f}")
        _print_row(name, network.name, cache, *seconds, len(middle.responses), f"{middle.bytes / 1_000:.1f}")
        if arguments.list:
            print("\n".join(f"    {response}" for response in middle.responses))


def _print_row(*columns: object) -> None:
    page, network, cache, *figures = columns
    print(f"{page:<10}  {network:<18}  {cache:<6}", *(f"{figure:>9}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
