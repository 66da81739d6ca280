"""Renders the templates. Each text is in the template in both languages, side by side."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from msgcenter import __version__
from msgcenter.actions.apps.branding import Branding
from msgcenter.domain.api_reference import numbered
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.portal.assets import asset
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.texts.audit import GRANTS, action_text, detail_name, detail_text
from msgcenter.portal.texts.done import DONE
from msgcenter.portal.times import Times
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.grants import GrantRequest
from msgcenter.store.apps.platforms import PlatformRecord

TEMPLATES = Path(str(files("msgcenter.portal").joinpath("templates")))

_COLOURS = ("2f6fde", "0b7a5e", "8a4b00", "7a3fc4", "b3261e", "0f7490", "a3316f", "4d5a8c")
"""White letters are readable on each of them (WCAG 2.2: contrast 4.5 or more)."""

_LINK = re.compile(r'( (?:href|src|(?:form)?action)=")(/(?!/))')
"""Where the path of a link begins. Templates write the server's own paths; the base path is put in front of them here.

Quotes in texts are escaped, so only attributes match.
"""

# The first match counts: browsers also name those below them.
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class Templates:
    """The templates, with times shown in the time zone of `times`."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            at=self._at, day=self._day, number=_number, bytes=_bytes, span=_span, browser=browser_name
        )
        self._environment.globals.update(
            product_version=__version__, asset=asset, colour_of=colour_of, options_of=_options_of, numbered=numbered
        )

    def response(self, request: PageRequest, template: str, status: int, values: Mapping[str, Any]) -> Response:
        """Return a rendered page."""
        return HTMLResponse(self.render(request, template, values), status)

    def render(self, request: PageRequest, template: str, values: Mapping[str, Any]) -> str:
        """Return the HTML of a page."""
        language, session, error = request.language, request.session, request.error
        done = DONE.get(request.query("done"))
        page = self._environment.get_template(template).render(
            t=partial(text_in, language),
            lang=language,
            theme=request.theme,
            path=request.path,
            csrf_token=request.csrf,
            query=request.query,
            with_query=request.with_query,
            keeps_cookies=request.keeps_cookies,
            person=session.person if session else None,
            due=session.due if session else None,
            app=request.app,
            form=request.form,
            error=_rule_of(error, language) if error else None,
            error_sentence=error.describe(language) if error else "",
            error_field=str(error.data.get("field", "")) if error else "",
            done=done.in_language(language) if done else None,
            now=now_ms(),
            grant_value=partial(_grant_value, language),
            grant_name=lambda kind: GRANTS[kind].in_language(language),
            action_text=lambda action: action_text(action, language),
            detail_name=lambda name: detail_name(name, language),
            detail_text=lambda value: detail_text(value, language),
            **values,
        )
        return _LINK.sub(rf"\1{request.root}\2", page) if request.root else page

    def _at(self, ms: int | None) -> Markup:
        """Show a moment (ms since 1970)."""
        if ms is None:
            return Markup("–")
        moment = self._times.local(ms)
        return Markup('<time datetime="{}">{}</time>').format(
            moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M:%S")
        )

    def _day(self, ms: int) -> str:
        return self._times.local(ms).strftime("%Y-%m-%d")


def text_in(language: Language, zh: str | Phrase, en: str = "", **values: object) -> str:
    """Return a text in a language, with `values` in its placeholders (docs/decisions/0017-texts-in-two-languages.md).

    The text is a phrase, or both languages side by side. If a value is HTML, the others are escaped.
    """
    phrase = zh if isinstance(zh, Phrase) else Phrase(zh, en)
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(phrase.in_language(language)).format(**values)  # noqa: S704 - a constant of a template
    return phrase.in_language(language, **values)


def _grant_value(language: Language, request: GrantRequest) -> str:
    """Return what a developer requests, as people read it."""
    if request.kind != "branding":
        return request.value
    branding = Branding.of(request.value)
    automatic = Phrase("自动颜色", "automatic colour").in_language(language)
    return f"{branding.name} · {'#' + branding.colour if branding.colour else automatic}"


def _rule_of(refusal: Refusal, language: Language) -> str:
    """Return what is wrong with a field: the rule alone, since the page shows it beside the field."""
    rule = refusal.data.get("rule")
    return rule.in_language(language) if isinstance(rule, Phrase) else refusal.describe(language)


def colour_of(record: AppRecord) -> str:
    """Return the colour of an app's icon: its own, or one of ours chosen by its id."""
    return record.colour or _COLOURS[sha256(record.app.app_id.encode()).digest()[0] % len(_COLOURS)]


def browser_name(agent: str) -> str:
    """Return the common name of a browser and its system; an unknown User-Agent is cut to 80 characters."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return " · ".join(filter(None, (browser, system))) if browser else agent[:80]


def _options_of(platforms: Iterable[PlatformRecord]) -> list[tuple[str, str]]:
    return [
        (platform.code, platform.name if platform.name == platform.code else f"{platform.name} ({platform.code})")
        for platform in platforms
    ]


def _bytes(value: int) -> str:
    """Show a size: 1.4 MiB."""
    shown = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if shown < 1_024:
            return f"{shown:.0f} {unit}" if unit == "B" else f"{shown:.1f} {unit}"
        shown /= 1_024
    return f"{shown:.1f} TiB"


def _span(ms: float) -> str:
    """Show a length of time (ms) in its two largest units: 3d 4h."""
    left = int(ms // 1_000)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def _number(value: float) -> str:
    return f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:,.1f}"
