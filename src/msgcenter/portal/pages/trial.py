"""What the reference needs to make calls from the browser: tokens, and the keyInfo debugger."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_info_check import check_key_info
from msgcenter.actions.apps.team import Team
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.domain.api_reference import CallReference
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.portal.page import Answer, View
from msgcenter.portal.page_request import PageRequest

_INBOX_SECONDS = 3_600


@dataclass(frozen=True)
class TrialPages:
    """Issue tokens for the "Try it" form, and explain a refused token request."""

    apps: Apps
    team: Team
    tokens: Tokens
    user_tokens: UserTokens
    reference: Sequence[CallReference]

    async def app_token(self, request: PageRequest) -> Answer:
        """Issue an accessToken of the developer's own app to the page of a call."""
        try:
            issued = await self.tokens.issue_for_owner(request.app_id)
        except Refusal as refusal:
            return _json_refusal(request, refusal)
        return JSONResponse({"accessToken": issued.token, "expiresAt": issued.expires_at})

    async def sandbox_token(self, request: PageRequest) -> Answer:
        """Issue a user token for the inbox of the app's sandbox user."""
        app = request.required_app.app
        if app.disabled or app.notices:
            return _json_refusal(request, Refusal(Reason.APP_DISABLED))
        issued = await self.user_tokens.issue(app, app.sandbox_user, platform_code=None, ttl=_INBOX_SECONDS)
        return JSONResponse({"userToken": issued.token, "user": app.sandbox_user})

    async def debugger(self, request: PageRequest) -> Answer:
        """Ask for the values of a token request that was refused."""
        apps = await self.team.apps_of(request.person)
        return View("docs_debugger.html", {"apps": apps, "findings": None, "calls": self.reference})

    async def check(self, request: PageRequest) -> Answer:
        """Show which part of a token request is wrong."""
        form = request.form
        try:
            record = await self.team.app_for(request.person, form["appId"])
        except Refusal as refusal:
            if refusal.reason is not Reason.APP_UNKNOWN:
                raise
            raise malformed("appId", "须为您的应用", "must be one of your apps") from None
        keys = await self.apps.keys(record)
        findings = check_key_info(
            record.app.app_id, *keys, form["timeStamp"], form["keyInfo"], window_ms=self.tokens.window_ms
        )
        apps = await self.team.apps_of(request.person)
        return View("docs_debugger.html", {"apps": apps, "findings": findings, "calls": self.reference})


def _json_refusal(request: PageRequest, refusal: Refusal) -> JSONResponse:
    return JSONResponse({"error": refusal.describe(request.language)}, 409)
