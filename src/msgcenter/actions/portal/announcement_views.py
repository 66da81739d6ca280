"""What operators see of announcements."""

from typing import NamedTuple

from msgcenter.actions.messages.message_status import MessageStatus, MessageStatuses
from msgcenter.database.database import Database
from msgcenter.domain.announcement import (
    Announcement,
    AnnouncementVersion,
    FieldChange,
    State,
    StepRecord,
    changes_between,
    may_review,
    reviewed_before,
)
from msgcenter.domain.person import Person
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.apps import apps
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.mailboxes import users
from msgcenter.store.portal import announcements, people
from msgcenter.store.portal.announcements import AnnouncementRow


class AnnouncementDetails(NamedTuple):
    """An announcement as one person sees it.

    `earlier` is the last version before this one that was submitted or approved, None if there is none; `changes` are
    those since then. `names` are people's names by their numbers.
    """

    announcement: Announcement
    version: AnnouncementVersion
    earlier: int | None
    changes: list[FieldChange]
    steps: list[StepRecord]
    names: dict[int, str]
    may_review: bool


class AnnouncementViews:
    """Queries about announcements. They change nothing."""

    def __init__(self, database: Database, message_statuses: MessageStatuses) -> None:
        self._database = database
        self._message_statuses = message_statuses

    async def page(
        self, state: State | None, platform_code: str | None, before: int, limit: int
    ) -> tuple[list[AnnouncementRow], int | None]:
        """Return up to `limit` announcements with numbers below `before`, newest first, and the bound of the next page.

        The bound is None on the last page. `state` and `platform_code` select; None is any.
        """
        async with self._database.connection() as connection:
            rows = await announcements.list_announcements(connection, state, platform_code, before, limit + 1)
        return rows[:limit], rows[limit - 1].announcement.number if len(rows) > limit else None

    async def open(self, number: int, person: Person) -> AnnouncementDetails:
        """Return an announcement. Refuses with MESSAGE_UNKNOWN."""
        async with self._database.connection() as connection:
            announcement = await announcements.find(connection, number)
            if announcement is None:
                raise Refusal(Reason.MESSAGE_UNKNOWN)
            versions = await announcements.versions(connection, number)
            steps = await announcements.steps(connection, number)
            editors = {version.edited_by for version in versions.values()}
            involved = {announcement.created_by, *editors, *(step.by for step in steps)}
            names = await people.names_of(connection, sorted(involved))
        version = versions[announcement.version]
        earlier = reviewed_before(steps, announcement.version)
        changes = [] if earlier is None else changes_between(versions[earlier], version)
        review = may_review(announcement, version.edited_by, person.number)
        return AnnouncementDetails(announcement, version, earlier, changes, steps, names, review)

    async def audience(self, platform_code: str) -> int:
        """Return how many users an announcement to a platform would have now."""
        async with self._database.connection() as connection:
            platform = (await find_platforms(connection)).get(platform_code)
            return 0 if platform is None else await users.count_users(connection, platform)

    async def app_id(self, platform_code: str) -> str | None:
        """Return the id of the app that sends a platform's announcements; None if it has sent none."""
        async with self._database.connection() as connection:
            record = await apps.notices_app(connection, platform_code)
        return None if record is None else record.app.app_id

    async def waiting(self) -> int:
        """Return the number of announcements that need approval."""
        async with self._database.connection() as connection:
            return await announcements.count_waiting(connection)

    async def other_operators(self, person: Person) -> int:
        """Return the number of other operators who can log in."""
        async with self._database.connection() as connection:
            return await people.count_other_operators(connection, [person.number])

    async def message_status(self, announcement: Announcement, version: AnnouncementVersion) -> MessageStatus | None:
        """Return the status of the message that was sent; None if the announcement is unsent or its message deleted."""
        async with self._database.connection() as connection:
            record = await apps.notices_app(connection, version.platform_code)
        if announcement.message_id is None or record is None:
            return None
        try:
            return await self._message_statuses.status(record.app, announcement.message_id)
        except Refusal as refusal:
            if refusal.reason is not Reason.MESSAGE_UNKNOWN:
                raise
            return None
