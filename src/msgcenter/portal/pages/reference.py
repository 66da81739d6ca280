"""The API's reference, made from what the server validates with; and trying it."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response

from msgcenter.actions.apps.key_info_check import check_key_info
from msgcenter.domain.api_reference import CallReference, spoken
from msgcenter.domain.refusal import SUCCESS_CODE, Reason, Refusal, malformed
from msgcenter.domain.search_text import folded
from msgcenter.portal.portal import Portal
from msgcenter.portal.texts.samples import programs
from msgcenter.portal.visitor import Visitor
from msgcenter.store.apps.apps import AppRecord

_SANDBOX_PLACE = "sandbox-APP_ID"
_INBOX_SECONDS = 3_600
_MAX_WORDS = 200
_MAX_FIELDS = 6


class Hit(NamedTuple):
    """A call that a search has found, and which of its fields have the words in their names: anchor and name."""

    call: CallReference
    fields: list[tuple[str, str]]


async def docs(portal: Portal, visitor: Visitor) -> Response:
    """List the calls, or those in which words are found, and the retCodes that say them."""
    words = folded(visitor.query("q")[:_MAX_WORDS]).split()
    hits = [_hit(call, words) for call in portal.reference if all(word in _text_of(call) for word in words)]
    groups = {hit.call.group: [one for one in hits if one.call.group == hit.call.group] for hit in hits}
    found = [reason for reason in Reason if words and all(word in _text_of_code(reason) for word in words)]
    return portal.page(visitor, "docs.html", groups=groups, codes=found, calls=portal.reference)


def _hit(call: CallReference, words: list[str]) -> Hit:
    places = (("p", call.parameters), ("r", call.results))
    fields = [
        (f"{place}-{field.name}", field.name)
        for place, listed in places
        for field in listed
        if any(word in folded(field.name) for word in words)
    ]
    return Hit(call, fields[:_MAX_FIELDS])


def _text_of(call: CallReference) -> str:
    phrases = [call.summary, call.scenario, call.group]
    phrases += [field.description for field in (*call.parameters, *call.results)]
    parts: Iterable[str] = [text for phrase in phrases for text in phrase]
    names = [field.name for field in (*call.parameters, *call.results)]
    return folded("\n".join([call.name, call.path, *parts, *names, *(code.code for code in call.codes)]))


def _text_of_code(reason: Reason) -> str:
    return folded(f"{reason.ret_code}\n{reason.phrase.zh}\n{reason.phrase.en}")


async def codes(portal: Portal, visitor: Visitor) -> Response:
    """List all retCodes."""
    reasons = [(reason.ret_code, reason.phrase) for reason in Reason]
    return portal.page(visitor, "docs_codes.html", codes=reasons, success=SUCCESS_CODE, calls=portal.reference)


async def call(portal: Portal, visitor: Visitor) -> Response:
    """Describe one call, and let it be tried."""
    name = visitor.request.path_params["name"]
    found = next((one for one in portal.reference if one.name == name), None)
    if found is None:
        return portal.page(visitor, "error.html", 404, problem="not_found")
    apps = await portal.team.apps_of(visitor.person) if visitor.visit else []
    chosen = visitor.query("app")
    if visitor.visit and chosen and all(one.app.app_id != chosen for one in apps):
        apps.append(await portal.team.app_for(visitor.person, chosen))
    app = next((one for one in apps if one.app.app_id == chosen), apps[-1] if apps else None)
    requests = [_with_user(spoken(sample.request, visitor.language), app) for sample in found.samples]
    samples = [(sample.title, pretty(request)) for sample, request in zip(found.samples, requests, strict=True)]
    return portal.page(
        visitor,
        "docs_call.html",
        call=found,
        calls=portal.reference,
        apps=apps,
        chosen=app,
        samples=samples,
        answer=pretty(_with_user(spoken(found.answer, visitor.language), app)),
        programs=programs(visitor.server, found.path, requests[0]),
        server=visitor.server,
        rate_limit=_rate_limit(portal, found, app),
    )


def _with_user(request: dict[str, Any], app: AppRecord | None) -> dict[str, Any]:
    if app is None:
        return request
    text = json.dumps(request).replace(_SANDBOX_PLACE, app.app.sandbox_user)
    found: dict[str, Any] = json.loads(text)
    return found


def _rate_limit(portal: Portal, asked: CallReference, app: AppRecord | None) -> int:
    """Return how often an app may make a call; the token calls are limited by address, for all alike."""
    if app is None or not asked.needs_token:
        return portal.rate_limit
    return app.app.calls_per_second(asked.name, portal.rate_limit)


def pretty(value: object) -> str:
    """Return JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


# --- Trying it ------------------------------------------------------------------------------------------------------


async def try_token(portal: Portal, visitor: Visitor) -> Response:
    """Give the page of a call what it needs to make it: a token of the developer's own app."""
    try:
        issued = await portal.tokens.issue_for_owner(visitor.the_app.app.app_id)
    except Refusal as refusal:
        return JSONResponse({"error": refusal.describe(visitor.language)}, 409)
    return JSONResponse({"accessToken": issued.token, "expiresAt": issued.expires_at})


async def sandbox_token(portal: Portal, visitor: Visitor) -> Response:
    """Give the page a token for the inbox of the app's sandbox user."""
    app = visitor.the_app.app
    if app.disabled or app.notices:
        return JSONResponse({"error": Refusal(Reason.APP_DISABLED).describe(visitor.language)}, 409)
    issued = await portal.user_tokens.issue(app, app.sandbox_user, platform_code=None, ttl=_INBOX_SECONDS)
    return JSONResponse({"userToken": issued.token, "user": app.sandbox_user})


async def debugger(portal: Portal, visitor: Visitor) -> Response:
    """Ask for a token request that was refused."""
    apps = await portal.team.apps_of(visitor.person)
    return portal.page(visitor, "docs_debugger.html", apps=apps, findings=None, calls=portal.reference)


async def check(portal: Portal, visitor: Visitor) -> Response:
    """Say what is wrong with a token request."""
    form = visitor.form
    try:
        record = await portal.team.app_for(visitor.person, form["appId"])
    except Refusal as refusal:
        if refusal.reason is not Reason.APP_UNKNOWN:
            raise
        raise malformed("appId", "须为您的应用", "must be one of your apps") from None
    keys = await portal.apps.keys(record)
    findings = check_key_info(
        record.app.app_id, *keys, form["timeStamp"], form["keyInfo"], window_ms=portal.tokens.window_ms
    )
    apps = await portal.team.apps_of(visitor.person)
    return portal.page(visitor, "docs_debugger.html", apps=apps, findings=findings, calls=portal.reference)
