"""Draw the icons of the installed inbox: python -m scripts.icons

They are pictures of one drawing, the bell of favicon.svg, in the sizes and shapes that systems ask for. Chromium draws
them, as in the tests.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parent.parent / "src" / "msgcenter" / "inbox" / "static"
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_BLUE = "#2f63d8"
_BELL = "M19 27a13 13 0 0 1 26 0c0 11 4.5 14 4.5 14h-35s4.5-3 4.5-14ZM27.5 49a5 5 0 0 0 9 0"


class Icon(NamedTuple):
    """An icon: its size in pixels, its ground in a square of 64 units, and how large the bell is on it."""

    name: str
    size: int
    ground: str
    scale: float = 1.0


_ROUNDED = f'<rect x="2" y="2" width="60" height="60" rx="16" fill="{_BLUE}"/>'
_FULL = f'<rect width="64" height="64" fill="{_BLUE}"/>'
ICONS = (
    Icon("icon-192.png", 192, _ROUNDED),
    Icon("icon-512.png", 512, _ROUNDED),
    Icon("icon-maskable.png", 512, _FULL, 0.86),  # systems cut it: the middle four fifths are always seen
    Icon("apple-touch-icon.png", 180, _FULL, 0.95),
    Icon("icon-badge.png", 96, "", 1.35),  # the system uses its shape only
)


def drawing(icon: Icon) -> str:
    """Return an icon as SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{icon.size}" height="{icon.size}" viewBox="0 0 64 64">'
        f'{icon.ground}<g transform="translate(32 33) scale({icon.scale}) translate(-32 -33)">'
        f'<path d="{_BELL}" fill="none" stroke="#fff" stroke-width="4.5" stroke-linejoin="round" '
        'stroke-linecap="round"/></g></svg>'
    )


def main() -> None:
    """Draw all icons."""
    path = os.environ.get("MSGCENTER_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for icon in ICONS:
            page = browser.new_page(viewport={"width": icon.size, "height": icon.size})
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing(icon)}")
            page.screenshot(path=STATIC / icon.name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
