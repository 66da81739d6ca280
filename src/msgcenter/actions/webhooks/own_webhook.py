"""One webhook of an app: look it up, and record what is done with it."""

from msgcenter.database.database import Connection
from msgcenter.domain.account import App
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import audit
from msgcenter.store.webhooks import webhooks
from msgcenter.store.webhooks.webhooks import Webhook


async def find_own(connection: Connection, app: App, webhook_id: str) -> Webhook:
    """Return a webhook of the app. Refuses with WEBHOOK_UNKNOWN an id that is not one of the app's."""
    webhook = await webhooks.find_webhook(connection, app.number, webhook_id)
    if webhook is None:
        raise Refusal(Reason.WEBHOOK_UNKNOWN)
    return webhook


async def record(connection: Connection, by: Actor, action: str, app: App, webhook_id: str, **detail: object) -> None:
    """Write `webhook.<action>` to the audit log, in the caller's transaction."""
    await audit.record(connection, by, f"webhook.{action}", webhook_id, now=now_ms(), app_number=app.number, **detail)
