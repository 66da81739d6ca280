"""The messages, subscriptions and webhooks that the samples of the reference need."""

import json
import secrets
from typing import Any

from msgcenter.database.database import Database
from msgcenter.domain.api_reference import CallReference, spoken
from msgcenter.domain.language import Language
from msgcenter.gateway.reference.call_text import SANDBOX_USER
from msgcenter.gateway.reference.call_texts import MESSAGE_ID, ORG_ID
from msgcenter.gateway.reference.directory_texts import DIRECTORY_TEXTS
from msgcenter_client import Client
from tests.conftest import PLATFORM, Credentials, SharedConnections
from tests.directory_rows import DirectoryRows
from tests.gateway.calls import until
from tests.receiver import Receiver
from tests.scene import find_platform

WEBHOOK_ID = "wh_4f9a1c0be27d5a6e8b31c902"
DELIVERY_ID = "msg_b4f3f86b2dcbfa456311d2a0"


class Scene:
    """An app with its sandbox user and the objects in its samples."""

    def __init__(self, app: Credentials, client: Client, receiver: Receiver, connections: SharedConnections) -> None:
        self.app = app
        self.connections = connections
        self.client = client
        self.receiver = receiver
        self.user = f"sandbox-{app.app_id}"

    def requests(self, call: CallReference, language: Language = "zh") -> list[dict[str, Any]]:
        """Return the samples of a call, with the ids of objects that exist."""
        return [self._about_what_is_there(call.name, spoken(sample.request, language)) for sample in call.samples]

    def _about_what_is_there(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(request).replace(SANDBOX_USER, self.user)
        if MESSAGE_ID in text or name == "getMsgList":
            self.client.send_text(self.user, "one before it")
            text = text.replace(MESSAGE_ID, self.client.send_text(self.user, "the one"))
        if name in {"unsubscribe", "getSubscribers"}:
            self.client.subscribe(request["topic"], [self.user])
        if name in {"setMembers", "removeMembers", "getOrg", "getMembers"}:
            self._make_orgs(has_members=name != "setMembers")
        if WEBHOOK_ID in text or name == "getWebhooks":
            text = self._with_webhook(text)
        if ORG_ID in text:
            text = text.replace(ORG_ID, self._school())
        ready: dict[str, Any] = json.loads(text)
        return ready

    def _school(self) -> str:
        """Return an organisation that the app may address, with the sandbox user as a teacher."""
        org_id = f"school-{secrets.token_hex(4)}"

        async def write(database: Database) -> None:
            directory = DirectoryRows(database, await find_platform(database, PLATFORM))
            await directory.add_org(org_id)
            await directory.join(org_id, [self.user], "tea")
            await directory.grant(self.app.number, org_id)

        self.connections.run(write(self.connections.database))
        return org_id

    def _with_webhook(self, text: str) -> str:
        made = self.client.create_webhook(self.receiver.url, ["message.read"])
        self.client.set_status(self.user, self.client.send_text(self.user, "it is read"))
        until(lambda: [delivery.state for delivery in self.client.webhook_deliveries(made.id)] == ["delivered"])
        (delivery,) = self.client.webhook_deliveries(made.id)
        return text.replace(WEBHOOK_ID, made.id).replace(DELIVERY_ID, delivery.id)

    def _make_orgs(self, *, has_members: bool) -> None:
        texts = DIRECTORY_TEXTS
        self.client.set_orgs(spoken(texts["setOrgs"].samples[0].request, "zh")["orgs"])
        if has_members:
            members = spoken(texts["setMembers"].samples[0].request, "zh")["members"]
            self.client.set_members([(it["orgId"], self.user, it["role"]) for it in members])
            self.client.set_members([("school-1", self.user, "tea")])
