"""The API reference. It is made from the structs that the server validates requests with."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgcenter.actions.apps.team import Team
from msgcenter.domain.api_reference import CallReference, spoken
from msgcenter.domain.refusal import SUCCESS_CODE, Reason
from msgcenter.domain.search_text import folded
from msgcenter.portal.page import Answer, View
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.texts.samples import programs
from msgcenter.store.apps.apps import AppRecord

_SANDBOX_USER = "sandbox-APP_ID"
"""The user in samples; a page about a known app names that app's sandbox user instead."""
_MAX_QUERY = 200
_MAX_FIELDS = 6


class SearchHit(NamedTuple):
    """A call that matches a search, and the anchor and name of each field whose name matches."""

    call: CallReference
    fields: list[tuple[str, str]]


@dataclass(frozen=True)
class ReferencePages:
    """Describe the calls and the retCodes.

    `rate_limit` is the default, in calls per second for each app and API.
    """

    reference: Sequence[CallReference]
    team: Team
    rate_limit: int

    async def docs(self, request: PageRequest) -> Answer:
        """List the calls; with a query, those that contain all its words, and the retCodes that do."""
        words = folded(request.query("q")[:_MAX_QUERY]).split()
        hits = [_hit(call, words) for call in self.reference if all(word in _text_of(call) for word in words)]
        groups = {hit.call.group: [other for other in hits if other.call.group == hit.call.group] for hit in hits}
        codes = [reason for reason in Reason if words and all(word in _text_of_code(reason) for word in words)]
        return View("docs.html", {"groups": groups, "codes": codes, "calls": self.reference})

    async def codes(self, _: PageRequest) -> Answer:
        """List all retCodes."""
        codes = [(reason.ret_code, reason.phrase) for reason in Reason]
        return View("docs_codes.html", {"codes": codes, "success": SUCCESS_CODE, "calls": self.reference})

    async def call(self, request: PageRequest) -> Answer:
        """Describe one call, with a form to try it."""
        name = request.path_part("name")
        call = next((call for call in self.reference if call.name == name), None)
        if call is None:
            return View("error.html", {"problem": "not_found"}, 404)
        apps = await self._apps(request)
        chosen = request.query("app")
        app = next((record for record in apps if record.app.app_id == chosen), apps[-1] if apps else None)
        bodies = [_with_user(spoken(sample.request, request.language), app) for sample in call.samples]
        samples = [(sample.title, pretty(body)) for sample, body in zip(call.samples, bodies, strict=True)]
        return View(
            "docs_call.html",
            {
                "call": call,
                "calls": self.reference,
                "apps": apps,
                "chosen": app,
                "samples": samples,
                "answer": pretty(_with_user(spoken(call.answer, request.language), app)),
                "programs": programs(request.server, call.path, bodies[0]),
                "server": request.server,
                "rate_limit": self._rate_limit(call, app),
            },
        )

    async def _apps(self, request: PageRequest) -> list[AppRecord]:
        """Return the apps that the person can try a call with, the one in the query included."""
        if request.session is None:
            return []
        apps = await self.team.apps_of(request.person)
        chosen = request.query("app")
        if chosen and all(record.app.app_id != chosen for record in apps):
            apps.append(await self.team.app_for(request.person, chosen))
        return apps

    def _rate_limit(self, call: CallReference, app: AppRecord | None) -> int:
        """Return the calls per second; calls without a token are limited by address, the same for all apps."""
        if app is None or not call.needs_token:
            return self.rate_limit
        return app.app.calls_per_second(call.name, self.rate_limit)


def _hit(call: CallReference, words: list[str]) -> SearchHit:
    tables = (("p", call.parameters), ("r", call.results))
    fields = [
        (f"{table}-{field.name}", field.name)
        for table, rows in tables
        for field in rows
        if any(word in folded(field.name) for word in words)
    ]
    return SearchHit(call, fields[:_MAX_FIELDS])


def _text_of(call: CallReference) -> str:
    phrases = [call.summary, call.scenario, call.group]
    phrases += [field.description for field in (*call.parameters, *call.results)]
    parts: Iterable[str] = [text for phrase in phrases for text in phrase]
    names = [field.name for field in (*call.parameters, *call.results)]
    return folded("\n".join([call.name, call.path, *parts, *names, *(code.code for code in call.codes)]))


def _text_of_code(reason: Reason) -> str:
    return folded(f"{reason.ret_code}\n{reason.phrase.zh}\n{reason.phrase.en}")


def _with_user(body: dict[str, Any], app: AppRecord | None) -> dict[str, Any]:
    if app is None:
        return body
    text = json.dumps(body).replace(_SANDBOX_USER, app.app.sandbox_user)
    with_user: dict[str, Any] = json.loads(text)
    return with_user


def pretty(value: object) -> str:
    """Return JSON with indentation."""
    return json.dumps(value, ensure_ascii=False, indent=2)
