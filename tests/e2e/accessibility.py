"""The accessibility rules of axe on a page in a browser."""

from collections.abc import Mapping
from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page

ALL: Mapping[str, object] = {}
WITHOUT_CONTRAST: Mapping[str, object] = {"rules": {"color-contrast": {"enabled": False}}}
CONTRAST: Mapping[str, object] = {"runOnly": ["color-contrast"]}
"""Only the contrast depends on the colours, and it takes most of the time of all rules."""
SERIOUS = frozenset({"serious", "critical"})
NOT_MINOR = SERIOUS | {"moderate"}
ANY = NOT_MINOR | {"minor"}
# The browser returns the violations alone: converting the results of all rules takes as long as the rules.
_RUN = "options => axe.run({resultTypes: ['violations'], ...options}).then(results => results.violations)"

# Transitions begin in the frame after a change. With reduced motion, they end in the next one.
_NEXT_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))"


def violations(page: Page, rules: Mapping[str, object] = ALL, *, impacts: frozenset[str] = SERIOUS) -> list[str]:
    """Return the violations of these rules with one of these impacts, each with its elements."""
    page.evaluate(Axe().axe_script)
    return _run(page, rules, impacts)


def violations_in_both_schemes(page: Page, *, impacts: frozenset[str] = SERIOUS) -> list[str]:
    """Return the violations of all rules on a light screen, and those of the contrast on a dark one."""
    _switch_to(page, "light")
    found = violations(page, impacts=impacts)
    _switch_to(page, "dark")
    found += [f"dark: {text}" for text in _run(page, CONTRAST, impacts)]
    _switch_to(page, "light")
    return found


def _switch_to(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate(_NEXT_FRAMES)


def _run(page: Page, rules: Mapping[str, object], impacts: frozenset[str]) -> list[str]:
    return [
        f"{page.url}: {item['id']}, {item['help']}: {[node['target'] for node in item['nodes']]}"
        for item in page.evaluate(_RUN, rules)
        if item["impact"] in impacts
    ]
