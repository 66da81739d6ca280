"""Sending messages."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from msgcenter.actions.channels.template_use import TemplateUse
from msgcenter.actions.messages.send_weights import SendWeights
from msgcenter.database.database import Database
from msgcenter.database.group_commit import CellCommits, GroupCommit
from msgcenter.domain.account import App, Platform
from msgcenter.domain.app_name import check_sender_name
from msgcenter.domain.audience import EVERYONE, Audience, Everyone, Organisations, OrgAudience, Receivers
from msgcenter.domain.channels.policy import NO_WISH, Wish, resolve
from msgcenter.domain.channels.template import TemplateCall, UsedTemplate
from msgcenter.domain.content import Body, check_body
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.message import IDEMPOTENCY_MS, SEND_MSG, Draft, SendCall, check_times
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.quota import quota_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging import reach
from msgcenter.messaging.channels.rules import ChannelRules
from msgcenter.messaging.send import OnStored, SendResult, send_drafts
from msgcenter.store.directory import grants
from msgcenter.store.directory.audiences import ensure_audience
from msgcenter.store.directory.grants import OrgRights, RightsQuery
from msgcenter.store.mailboxes import topics
from msgcenter.store.messages import idempotency, messages
from msgcenter.store.messages.idempotency import IdempotencyKey
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.messages.node_lease import NodeLease

_RECEIVERS_PER_COMMIT = 4_000
_ORGANISATIONS_PER_QUERY = 500
_REMEMBERED_AUDIENCES = 10_000
_UTC = ZoneInfo("UTC")


class Sending:
    """Sends messages. Sends that wait at the same time share a commit. Daily quotas reset at midnight in `zone`."""

    def __init__(
        self,
        database: Database,
        lease: NodeLease,
        *,
        waiting_limit: int,
        zone: ZoneInfo = _UTC,
        on_change: Listener = ignore_events,
        on_stored: OnStored | None = None,
    ) -> None:
        self._database = database
        self._lease = lease
        self._zone = zone
        self._on_change = on_change
        self._on_stored = on_stored
        self._templates = TemplateUse(database, zone)
        self._audience_numbers: dict[OrgAudience, int] = {}
        self._rules = ChannelRules(database, waiting_limit=waiting_limit)
        self._rights = GroupCommit(
            self._read_rights,
            batch_weight=_ORGANISATIONS_PER_QUERY,
            waiting_limit=waiting_limit,
            weigh=lambda query: len(query.org_ids),
        )
        self._weights = SendWeights()
        self._sends = CellCommits(
            self._send_batch,
            batch_weight=_RECEIVERS_PER_COMMIT,
            waiting_limit=waiting_limit,
            weigh=self._weights.of,
        )

    async def send(
        self,
        app: App,
        body: Body | TemplateCall,
        audience: Audience,
        *,
        platform_code: str | None = None,
        approval: bool = False,
        request_id: str | None = None,
        send_at: int | None = None,
        expires_at: int | None = None,
        sender_name: str | None = None,
        wish: Wish = NO_WISH,
        call: SendCall = SEND_MSG,
    ) -> int:
        """Send a message to 1-10,000 user ids, to a topic, to organisations or to everyone.

        Return its id once it is durable. It has then reached up to 1,000 receivers, or the whole other audience; a
        background job reaches more receivers. A template may make the body. `send_at` and `expires_at` are ms since
        1970; `sender_name` is shown beside the app's name; `wish` is about the ways to reach those who do not read it;
        `call` is for statistics. A `request_id` that was used in the last 24 h returns the id of the first message.

        Refuses with NOT_AUTHORISED (platform, sandbox, organisations, broadcasts, urgent), AUDIENCE_UNKNOWN (topic),
        ORGANISATION_UNKNOWN, FIELD_MISSING (busiId, params), FIELD_MALFORMED, TOO_MANY_ITEMS (params),
        FIELDS_CONTRADICT, REQUEST_ID_REUSED or QUOTA_EXCEEDED
        (docs/protocol.md, sendMsg).
        """
        if not isinstance(body, TemplateCall):
            check_body(body, app.app_schemes)
        if sender_name is not None:
            check_sender_name(sender_name)
        platform = app.platform_for(platform_code)
        template: UsedTemplate | None = None
        if isinstance(body, TemplateCall):
            body, template = await self._templates.message(app, platform.code, body)
            check_body(body, app.app_schemes)
        receivers = audience.user_ids if isinstance(audience, Receivers) else ()
        app.check_receivers(receivers)
        topic_number, organisations = await self._addressed(app, platform, audience)
        draft = Draft(
            app_number=app.number,
            app_cell=app.platform.first_cell,
            platform=platform,
            body=body,
            receivers=receivers,
            topic_number=topic_number,
            organisations=organisations,
            approval=approval,
            request_id=request_id,
            send_at=send_at,
            expires_at=expires_at,
            sender_name=sender_name,
            wish=wish,
            call=call,
            template=template,
            quota=None if app.daily_quota is None else quota_of(app.daily_quota, now_ms(), self._zone),
        )
        digest = b"" if request_id is None else draft.fingerprint()
        try:
            scheduled = check_times(send_at, expires_at, now_ms())
            route = resolve(await self._rules.of(platform.code), app, wish)
        except Refusal:
            # A repeated request gets its first answer, though its times have passed or its type was archived since.
            earlier_id = None if request_id is None else await self._earlier_id(app, request_id, digest)
            if earlier_id is None:
                raise
            return earlier_id
        draft = replace(draft, digest=digest, send_at=scheduled, route=route)
        return await self._sends.submit(platform.first_cell, draft)

    async def import_message(self, draft: Draft) -> None:
        """Store a message that another system has sent, under its id there (`draft.message_id`), unless it exists."""
        if draft.message_id is None:
            raise ValueError("an imported message needs an id")
        async with self._database.connection() as connection:
            key = MessageKey(draft.platform.first_cell, draft.message_id)
            if await messages.find_message(connection, key) is not None:
                return
        await send_drafts(self._database, await self._lease.ids(), [draft])

    @property
    def zone(self) -> ZoneInfo:
        """The installation's time zone."""
        return self._zone

    def waiting(self) -> int:
        """Return how many sends wait to be written."""
        return self._sends.waiting

    async def drained(self) -> None:
        """Wait until every accepted send is written."""
        await self._sends.drained()

    async def _send_batch(self, drafts: list[Draft]) -> Sequence[SendResult]:
        results = await send_drafts(self._database, await self._lease.ids(), drafts, on_stored=self._on_stored)
        self._weights.note(draft for draft, result in zip(drafts, results, strict=True) if isinstance(result, int))
        # A repeated request is published again: its mailboxes show nothing new, so this does no harm.
        self._on_change(
            [
                MailboxEvent("message", draft.platform.code, draft.receivers, (message_id,), draft.topic_number)
                for draft, message_id in zip(drafts, results, strict=True)
                if draft.is_immediate and isinstance(message_id, int)
            ]
        )
        return results

    async def _addressed(
        self, app: App, platform: Platform, audience: Audience
    ) -> tuple[int | None, OrgAudience | None]:
        """Return the number of the audience, None for a list of receivers; and its organisations, if it is of such."""
        if isinstance(audience, Receivers):
            return None, None
        if isinstance(audience, Organisations):
            rights = await self._rights.submit(RightsQuery(app.number, platform.code, audience.org_ids))
            organisations = reach.check_organisations(app, audience, rights)
            return await self._audience_number(platform, organisations), organisations
        async with self._database.connection() as connection:
            if isinstance(audience, Everyone):
                number: int | None = EVERYONE
            else:
                number = await topics.find_topic(connection, app.number, platform.code, audience.name)
            if number is None:
                raise Refusal(Reason.AUDIENCE_UNKNOWN)
            await reach.check_topic(connection, app, platform, number)
        return number, None

    async def _read_rights(self, queries: list[RightsQuery]) -> Sequence[list[OrgRights]]:
        async with self._database.connection() as connection:
            return await grants.rights_by_id(connection, queries)

    async def _audience_number(self, platform: Platform, audience: OrgAudience) -> int:
        """Return the number of an audience of organisations, which is remembered: it never changes."""
        number = self._audience_numbers.get(audience)
        if number is None:
            async with self._database.connection() as connection:
                number = await ensure_audience(connection, platform.code, audience)
            if len(self._audience_numbers) >= _REMEMBERED_AUDIENCES:
                self._audience_numbers.clear()
            self._audience_numbers[audience] = number
        return number

    async def _earlier_id(self, app: App, request_id: str, digest: bytes) -> int | None:
        """Return the id of the message that a request id has sent, None if there is none. `digest` is the request's."""
        key = IdempotencyKey(app.platform.first_cell, app.number, request_id)
        async with self._database.connection() as connection:
            claim = (await idempotency.find(connection, [key], now_ms() - IDEMPOTENCY_MS)).get(key)
        if claim is None:
            return None
        if claim.digest != digest:
            raise Refusal(Reason.REQUEST_ID_REUSED)
        return claim.message_id
