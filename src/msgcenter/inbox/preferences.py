"""The calls about what a user has chosen about channels."""

from typing import Annotated

from msgspec import Meta, Struct

from msgcenter.actions.channels.preferences import OwnPreferences
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.domain.channels.choices import MAX_OFF, Choices
from msgcenter.domain.channels.codes import Channel, ContactKind
from msgcenter.domain.channels.digest import DigestChoice
from msgcenter.domain.language import Language, Phrase
from msgcenter.inbox import problems
from msgcenter.inbox.call import Call
from msgcenter.inbox.endpoint import Inboxes, language_for
from msgcenter.inbox.problems import Problem, ProblemError
from msgcenter.inbox.push import RemovedView
from msgcenter.web.decode import decode
from msgcenter.web.edge import client_address

_OWN_ONLY = Problem(
    403, "scope_refused", Phrase("此令牌只能查看一个应用的消息", "the token sees the messages of one app only")
)
_Minute = Annotated[int, Meta(ge=0, le=1_439)]


class SetPreferences(Struct, frozen=True, rename="camel"):
    """Replace what the user has chosen; what is left out follows the platform or the directory.

    `off` has "email" (never), "type:CODE:email" and "app:APPID:email". Quiet hours are minutes of the day; the same
    one twice means none.
    """

    off: Annotated[list[Annotated[str, Meta(max_length=150)]], Meta(max_length=MAX_OFF)] = []
    quiet_from: _Minute | None = None
    quiet_until: _Minute | None = None
    digest: DigestChoice | None = None
    language: Language | None = None
    time_zone: Annotated[str, Meta(max_length=64)] | None = None


class RemoveContact(Struct, frozen=True):
    """Remove a contact point of the user."""

    kind: ContactKind


class ChoiceOfType(Struct, frozen=True):
    """A type of messages. A mandatory one cannot be turned off."""

    code: str
    name: str
    mandatory: bool


class ChoiceOfApp(Struct, frozen=True):
    """An app that writes to the user."""

    id: str
    name: str


class ContactView(Struct, frozen=True, rename="camel"):
    """Where the user is reached, masked. Nothing is sent to a disabled one, since `disabledAt` (ms since 1970)."""

    kind: ContactKind
    value: str
    disabled_at: int | None
    disabled_reason: str | None


class DefaultsView(Struct, frozen=True, rename="camel"):
    """What holds where the user has chosen nothing; null says nothing."""

    quiet_from: int | None
    quiet_until: int | None
    language: str | None
    time_zone: str | None


class PreferencesView(Struct, frozen=True, rename="camel"):
    """What the user can choose, and has chosen. `whole` is false for a token that sees one app's messages only."""

    whole: bool
    channels: list[Channel]
    off: list[str]
    quiet_from: int | None
    quiet_until: int | None
    digest: DigestChoice | None
    language: str | None
    time_zone: str | None
    defaults: DefaultsView
    types: list[ChoiceOfType]
    apps: list[ChoiceOfApp]
    contacts: list[ContactView]


async def get_preferences(inboxes: Inboxes, call: Call, viewer: Viewer) -> PreferencesView:
    """Return what the viewer can choose, and has chosen."""
    app_id = _app_of(viewer)
    own = await inboxes.preferences.read(viewer.recipient, app_id)
    return _view(own, language_for(call.request), whole=app_id is None)


async def set_preferences(inboxes: Inboxes, call: Call, viewer: Viewer) -> PreferencesView:
    """Replace what the viewer has chosen."""
    body = decode(await call.body(), SetPreferences)
    choices = Choices(
        tuple(body.off), body.quiet_from, body.quiet_until, body.digest, body.language, body.time_zone or None
    )
    await inboxes.preferences.write(viewer.recipient, _app_of(viewer), choices)
    return await get_preferences(inboxes, call, viewer)


async def remove_contact(inboxes: Inboxes, call: Call, viewer: Viewer) -> RemovedView:
    """Remove a contact point of the viewer."""
    body = decode(await call.body(), RemoveContact)
    if viewer.app_number is not None:
        raise ProblemError(_OWN_ONLY)
    return RemovedView(
        await inboxes.preferences.remove_contact(viewer.recipient, body.kind, client_address(call.scope))
    )


def _app_of(viewer: Viewer) -> str | None:
    if viewer.app_number is None:
        return None
    if viewer.app_name is None:
        raise ProblemError(problems.TOKEN_INVALID)
    return viewer.app_name.app_id


def _view(own: OwnPreferences, language: Language, *, whole: bool) -> PreferencesView:
    chosen, platform = own.chosen, own.platform
    return PreferencesView(
        whole=whole,
        channels=list(own.channels),
        off=sorted(chosen.channels_off),
        quiet_from=chosen.quiet_from,
        quiet_until=chosen.quiet_until,
        digest=chosen.digest,
        language=chosen.language,
        time_zone=chosen.time_zone,
        defaults=DefaultsView(
            platform.quiet_from,
            platform.quiet_until,
            chosen.directory_locale,
            chosen.directory_time_zone or platform.time_zone,
        ),
        types=[
            ChoiceOfType(kind.code, kind.name_en if language == "en" else kind.name_zh, kind.mandatory)
            for kind in own.types
        ],
        apps=[ChoiceOfApp(app.app_id, app.name) for app in own.apps],
        contacts=[ContactView(*contact) for contact in own.contacts],
    )
