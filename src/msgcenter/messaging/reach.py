"""Whom an app may reach, by the rights that it has now.

Rights can be withdrawn at any time, also after a message was stored. So everything that makes users see something of an
app checks its rights when it takes effect: a send, a scheduled message that is due, an update, a reminder.
"""

from collections.abc import Collection, Sequence

from msgcenter.database.database import Connection
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import EVERYONE, Organisations, OrgAudience, is_org_audience
from msgcenter.domain.language import Phrase
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.directory import grants
from msgcenter.store.directory.audiences import find_audience
from msgcenter.store.directory.grants import OrgRights
from msgcenter.store.mailboxes import topics
from msgcenter.store.messages import audiences


async def check_topic(connection: Connection, app: App, platform: Platform, topic_number: int) -> None:
    """Refuse with NOT_AUTHORISED if the app may not reach all subscribers of a topic of a platform, or everyone
    (`EVERYONE`).

    An app that is not live may use topics whose subscribers are all sandbox users of it.
    """
    if topic_number == EVERYONE:
        if not (app.broadcasts and app.live):
            raise Refusal(Reason.NOT_AUTHORISED, rule=Phrase("不可群发给所有人", "it may not send to everyone"))
    elif not app.live and (
        outsider := await topics.subscriber_outside_sandbox(
            connection, topic_number, platform.all_cells, app.sandbox_user
        )
    ):
        app.check_receivers([outsider])


def check_organisations(app: App, audience: Organisations, rights: Sequence[OrgRights]) -> OrgAudience:
    """Return an audience of organisations by their numbers; `rights` are the app's in those of them that exist.

    Refuses with ORGANISATION_UNKNOWN, or with NOT_AUTHORISED if the app may not address all of it.
    """
    unknown = sorted(set(audience.org_ids).difference(org.org_id for org in rights))
    if unknown:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=", ".join(unknown), result={"invalidOrgId": unknown})
    _check_rights(app, rights, audience.roles)
    return OrgAudience(tuple(sorted(org.number for org in rights)), audience.roles, audience.include_sub)


def _check_rights(app: App, rights: Sequence[OrgRights], roles: Collection[str] | None) -> None:
    if app.notices:
        return
    if not app.live:
        raise Refusal(Reason.NOT_AUTHORISED, rule=Phrase("应用未上线,不可发给组织", "organisations, until it is live"))
    for org in sorted(rights):
        if not org.is_granted:
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase(f"组织{org.org_id}未授权", f"organisation {org.org_id} is not granted"),
            )
        if org.roles is None:
            continue
        if roles is None:
            granted = ",".join(sorted(org.roles))
            rule = Phrase(
                f"组织{org.org_id}仅授权角色{granted},须传roles",
                f"in organisation {org.org_id}, only roles {granted}; name them in roles",
            )
            raise Refusal(Reason.NOT_AUTHORISED, rule=rule)
        for role in sorted(set(roles) - org.roles):
            rule = Phrase(
                f"组织{org.org_id}的角色{role}未授权", f"role {role} in organisation {org.org_id} is not granted"
            )
            raise Refusal(Reason.NOT_AUTHORISED, rule=rule)


async def check_message(connection: Connection, app: App, message: Message) -> None:
    """Refuse with APP_DISABLED or NOT_AUTHORISED if the app may not reach a message's whole audience any more."""
    if app.disabled:
        raise Refusal(Reason.APP_DISABLED)
    app.platform_for(message.platform_code)
    if is_org_audience(message.topic_number):
        audience = await find_audience(connection, message.topic_number)
        _check_rights(app, await grants.rights_by_number(connection, app.number, audience.org_numbers), audience.roles)
    elif message.topic_number is not None:
        await check_topic(connection, app, message.platform, message.topic_number)
    elif not app.live:
        chunks = await audiences.read_chunks(connection, bucket_of(message.id), message.audience)
        app.check_receivers(user_id for user_ids in chunks.values() for user_id in user_ids)
