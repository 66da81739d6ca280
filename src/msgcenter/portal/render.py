"""Renders the templates: texts stand in them in both languages, side by side."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from msgcenter import __version__
from msgcenter.actions.apps.branding import Branding
from msgcenter.domain.api_reference import numbered
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import malformed
from msgcenter.portal.assets import asset
from msgcenter.portal.texts.audit import GRANTS, action_text, detail_name, detail_text
from msgcenter.portal.texts.done import DONE
from msgcenter.portal.visitor import Visitor
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.grants import GrantRequest
from msgcenter.store.apps.platforms import PlatformRecord

TEMPLATES = Path(str(files("msgcenter.portal").joinpath("templates")))

_COLOURS = ("2f6fde", "0b7a5e", "8a4b00", "7a3fc4", "b3261e", "0f7490", "a3316f", "4d5a8c")
"""White letters are readable on each of them (WCAG 2.2, contrast 4.5)."""

_LINK = re.compile(r'( (?:href|src|action)=")(/(?!/))')
"""Where the path of a link begins. Templates write the server's own paths; here they come under the base path.

Quotes of texts are escaped, so nothing but attributes looks like this.
"""

# The first that is found counts: each names those below it as well.
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
    """The templates, with times shown in `zone`."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
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
            version=__version__, asset=asset, colour_of=colour_of, options_of=_options_of, numbered=numbered
        )

    def response(self, visitor: Visitor, template: str, status: int, values: dict[str, Any]) -> Response:
        """Return a page."""
        return HTMLResponse(self.render(visitor, template, values), status)

    def render(self, visitor: Visitor, template: str, values: dict[str, Any]) -> str:
        """Return a page's text."""
        done = DONE.get(visitor.query("done"))
        page = self._environment.get_template(template).render(
            t=visitor.text,
            v=visitor,
            lang=visitor.language,
            person=visitor.visit.person if visitor.visit else None,
            app=visitor.app,
            form=visitor.form,
            error=_said(visitor),
            error_field=str(visitor.error.data.get("field", "")) if visitor.error else "",
            done=done.in_language(visitor.language) if done else None,
            path=visitor.path,
            now=now_ms(),
            grant_value=lambda request: _grant_value(request, visitor),
            grant_name=lambda kind: GRANTS[kind].in_language(visitor.language),
            action_text=lambda action: action_text(action, visitor.language),
            detail_name=lambda name: detail_name(name, visitor.language),
            detail_text=lambda value: detail_text(value, visitor.language),
            more=lambda changes: _changed(visitor, changes),
            **values,
        )
        return _LINK.sub(rf"\1{visitor.root}\2", page) if visitor.root else page

    def start_of_day(self, text: str, field: str, *, days_later: int = 0) -> int | None:
        """Return when a day (2026-11-24) begins, or a later one, in ms since 1970; None for "".

        Refuses with FIELD_MALFORMED what is no day.
        """
        if not text:
            return None
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=self.zone) + timedelta(days=days_later)
            return int(day.timestamp() * 1_000)
        except (ValueError, OverflowError):
            raise malformed(field, "须为日期,例如2026-11-24", "must be a day, like 2026-11-24") from None

    def moment(self, text: str, field: str, *, end: bool = False) -> int | None:
        """Return a day or a minute (2026-11-24, 2026-11-24T15:30) in ms since 1970; None for "".

        With `end` it is the first moment after that day or minute. Refuses with FIELD_MALFORMED what is neither.
        """
        if len(text) <= len("2026-11-24"):
            return self.start_of_day(text, field, days_later=int(end))
        try:
            minute = datetime.strptime(text[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=self.zone)
            return int(minute.timestamp() * 1_000) + end * 60_000
        except (ValueError, OverflowError):
            raise malformed(field, "须为时间,例如2026-11-24T15:30", "must be a time, like 2026-11-24T15:30") from None

    def form_moment(self, ms: int | None) -> str:
        """Return a moment (ms since 1970) as forms take it."""
        return "" if ms is None else datetime.fromtimestamp(ms / 1_000, self.zone).strftime("%Y-%m-%dT%H:%M")

    def _at(self, ms: int | None) -> Markup:
        """Show a moment (ms since 1970)."""
        if ms is None:
            return Markup("–")
        moment = datetime.fromtimestamp(ms / 1_000, self.zone)
        return Markup('<time datetime="{}">{}</time>').format(
            moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M:%S")
        )

    def _day(self, ms: int) -> str:
        return datetime.fromtimestamp(ms / 1_000, self.zone).strftime("%Y-%m-%d")


def _changed(visitor: Visitor, changes: dict[str, object]) -> str:
    """Return the parameters of a page's address with some of them changed; what is "" is left out."""
    wanted = {**visitor.request.query_params, **changes, "done": ""}
    return urlencode({name: value for name, value in wanted.items() if value != ""})


def _grant_value(request: GrantRequest, visitor: Visitor) -> str:
    """Return what is asked for, as people read it."""
    if request.kind != "branding":
        return request.value
    asked = Branding.of(request.value)
    return f"{asked.name} · {'#' + asked.colour if asked.colour else visitor.text('自动颜色', 'automatic colour')}"


def _said(visitor: Visitor) -> str | None:
    """Return what is wrong with a form: the rule alone, as it stands beside its field."""
    if visitor.error is None:
        return None
    rule = visitor.error.data.get("rule")
    return rule.in_language(visitor.language) if isinstance(rule, Phrase) else visitor.error.describe(visitor.language)


def colour_of(record: AppRecord) -> str:
    """Return the colour of an app's icon: the one chosen, or one of ours by its id."""
    return record.colour or _COLOURS[sha256(record.app.app_id.encode()).digest()[0] % len(_COLOURS)]


def browser_name(agent: str) -> str:
    """Return what people call a browser, by what it says of itself; what we do not know, as it stands."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return " · ".join(filter(None, (browser, system))) if browser else agent[:80]


def _options_of(platforms: Iterable[PlatformRecord]) -> list[tuple[str, str]]:
    return [(one.code, one.name if one.name == one.code else f"{one.name} ({one.code})") for one in platforms]


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
