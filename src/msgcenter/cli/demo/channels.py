"""The channels of the demo: mail to the catcher on this machine, push messages, and addresses of its two users."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels.decisions import ChannelDecisions
from msgcenter.actions.channels.gateways import Gateways, NewGateway
from msgcenter.actions.directory.importing import import_directory
from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.decisions import MessageType
from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.domain.person import COMMAND
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network

MAILED_USERS = {"teacher-li": "teacher-li@msgcenter.demo", "parent-wang": "parent-wang@msgcenter.demo"}
_TYPES = (
    MessageType("homework", "作业", "Homework", Urgency.LOW),
    MessageType("notice", "通知", "Notices"),
    MessageType("safety", "安全提醒", "Safety", mandatory=True),
)
_SENDER = "智慧校园 <no-reply@msgcenter.demo>"
_CATCHER = "127.0.0.1"


async def prepare_channels(database: Database, keys: KeyRing, platform_code: str, smtp_port: int) -> None:
    """Give the platform gateways for mail and push and message types, unless it has others, and its users addresses.

    The mail catcher has another port at each start.
    """
    resolver = Resolver()
    gateways = Gateways(database, keys, Network(resolver, AddressRules(LOOPBACK)))
    present = {shown.gateway.channel: shown.fields for shown in await gateways.all(platform_code)}
    if present.get("email", {"host": _CATCHER}).get("host") == _CATCHER:
        fields = {"host": _CATCHER, "port": str(smtp_port), "security": "none", "from": _SENDER}
        await gateways.set(NewGateway(platform_code, "email", "smtp", fields), by=COMMAND)
    if "push" not in present:
        fields = {"contact": "mailto:operator@msgcenter.demo"}
        await gateways.set(NewGateway(platform_code, "push", "", fields), by=COMMAND)
    resolver.close()
    decisions = ChannelDecisions(database)
    if not await decisions.types(platform_code):
        for kind in _TYPES:
            await decisions.save_type(platform_code, kind, by=COMMAND)
    await _set_addresses(database, keys, platform_code)


async def _set_addresses(database: Database, keys: KeyRing, platform_code: str) -> None:
    with TemporaryDirectory() as folder:
        path = _write_addresses(folder)
        await import_directory(database, platform_code, path, sealing=keys, on_progress=lambda *_: None, by=COMMAND)


def _write_addresses(folder: str) -> Path:
    users = [{"type": "user", "userId": user_id, "email": email} for user_id, email in MAILED_USERS.items()]
    path = Path(folder, "addresses.jsonl")
    path.write_text("".join(json.dumps(user) + "\n" for user in users), "utf-8")
    return path
