"""What a person has chosen about channels, with what their platform has decided for those who have not."""

from collections.abc import Collection
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.digest import DigestChoice
from msgcenter.domain.channels.local_time import zone_of
from msgcenter.domain.channels.quiet import QuietHours, quiet_hours_of
from msgcenter.domain.language import Language


class Preferences(NamedTuple):
    """What a user has chosen, and what the directory knows; None and empty say nothing.

    `channels_off` has "email" (never), "type:CODE:email" and "app:APPID:email"; `muted_apps` are numbers of apps whose
    messages are in the inbox and nowhere else.
    """

    quiet_from: int | None = None
    quiet_until: int | None = None
    digest: DigestChoice | None = None
    language: str | None = None
    time_zone: str | None = None
    channels_off: frozenset[str] = frozenset()
    muted_apps: frozenset[int] = frozenset()
    directory_locale: str | None = None
    directory_time_zone: str | None = None


NO_PREFERENCES = Preferences()


class PlatformChoices(NamedTuple):
    """What a platform has decided; users cannot turn its `mandatory` types off."""

    quiet_from: int | None = None
    quiet_until: int | None = None
    digest_after: int = 5
    time_zone: str | None = None
    inbox_url: str | None = None
    mandatory: frozenset[str] = frozenset()


class Person(NamedTuple):
    """A person as a channel sees them."""

    language: Language
    zone: ZoneInfo
    quiet: QuietHours
    digest: DigestChoice | None
    channels_off: frozenset[str]
    muted_apps: frozenset[int]

    def has_muted(self, app_number: int) -> bool:
        """Return whether the messages of an app are not to be announced."""
        return app_number in self.muted_apps

    def has_off(self, channel: Channel, *, app_id: str, type_code: str) -> bool:
        """Return whether a channel is turned off for a message."""
        entries: Collection[str] = (channel, f"type:{type_code}:{channel}", f"app:{app_id}:{channel}")
        return not self.channels_off.isdisjoint(entries)


def person_of(preferences: Preferences, platform: PlatformChoices, installation_zone: ZoneInfo) -> Person:
    """Return a person by their choices, else the directory's, the platform's and the installation's."""
    zones = (preferences.time_zone, preferences.directory_time_zone, platform.time_zone)
    zone = next((found for name in zones if name and (found := zone_of(name)) is not None), installation_zone)
    locales = (preferences.language, preferences.directory_locale)
    languages = [primary for locale in locales if (primary := _primary(locale)) in {"zh", "en"}]
    return Person(
        language=cast(Language, languages[0]) if languages else "zh",
        zone=zone,
        quiet=quiet_hours_of(
            (preferences.quiet_from, preferences.quiet_until), (platform.quiet_from, platform.quiet_until)
        ),
        digest=preferences.digest,
        channels_off=preferences.channels_off,
        muted_apps=preferences.muted_apps,
    )


def _primary(locale: str | None) -> str:
    return (locale or "").replace("_", "-").partition("-")[0].lower()
