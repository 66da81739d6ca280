"""Push subscriptions: users turn push messages on and off for the browser that they are using."""

from typing import NamedTuple

from msgspec import json

from msgcenter.channels.push import PushConfig
from msgcenter.channels.registry import parse_config
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.sealing import Sealing, gateway_binding, push_binding
from msgcenter.domain.channels.subscription import MAX_SUBSCRIPTIONS, PushAddress, check_keys
from msgcenter.domain.forgotten import ForgottenUserError
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import ForbiddenAddressError
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.domain.webhook import Target, check_webhook_url
from msgcenter.outbound.network import Network
from msgcenter.store.channels import gateways, subscriptions
from msgcenter.store.channels.gateways import Gateway
from msgcenter.store.channels.subscriptions import Subscription
from msgcenter.store.mailboxes import users


class OwnSubscriptions(NamedTuple):
    """The public key to subscribe with, None where the platform has no push; and the user's subscriptions."""

    key: str | None
    subscriptions: list[Subscription]


class PushSubscriptions:
    """The push subscriptions of all users. `app_number` limits a caller to one app's messages; None is all apps."""

    def __init__(self, database: Database, keys: Sealing, network: Network) -> None:
        self._database = database
        self._keys = keys
        self._network = network

    async def own(self, recipient: Recipient, app_number: int | None) -> OwnSubscriptions:
        """Return what a browser needs to subscribe, and the subscriptions that the user has."""
        async with self._database.connection() as connection:
            gateway = await gateways.find_gateway(connection, recipient.platform_code, "push")
            stored = await subscriptions.list_own(connection, recipient.cell, recipient.user_id, app_number)
        return OwnSubscriptions(self._key_of(gateway), stored)

    def _key_of(self, gateway: Gateway | None) -> str | None:
        if gateway is None or gateway.disabled_at is not None:
            return None
        binding = gateway_binding(gateway.platform.code, gateway.channel)
        fields = json.decode(self._keys.open_value("gateway", binding, gateway.config_sealed), type=dict[str, str])
        config = parse_config("push", gateway.provider, fields)
        return config.public_key if isinstance(config, PushConfig) else None

    async def add(self, recipient: Recipient, app_number: int | None, address: PushAddress, label: str) -> bytes:
        """Send a user's messages to a browser from now on; return the digest of its subscription.

        The user's oldest subscription over the limit is removed. Refuses with FIELD_MALFORMED keys that no browser
        makes, and an endpoint that is not https or not on a public address. Raises ForgottenUserError.
        """
        await self._check_endpoint(address.endpoint)
        address = PushAddress(address.endpoint, check_keys(address.keys))
        binding = push_binding(recipient.platform_code, recipient.user_id)
        sealed = self._keys.seal_value("push", binding, address.as_json())
        stored = Subscription(address.digest, label, sealed, now_ms(), app_number=app_number)
        await self._add(recipient, stored)
        return address.digest

    @transactional
    async def _add(self, connection: Connection, recipient: Recipient, subscription: Subscription) -> None:
        if not await users.stays_known(connection, recipient.cell, recipient.user_id):
            raise ForgottenUserError
        await subscriptions.add(connection, recipient.cell, recipient.user_id, subscription)
        await subscriptions.keep_newest(connection, recipient.cell, recipient.user_id, MAX_SUBSCRIPTIONS)

    async def remove(self, recipient: Recipient, digest: bytes) -> bool:
        """Send a user's messages to a browser no longer; return whether it had a subscription."""
        async with self._database.connection() as connection:
            return await subscriptions.remove(connection, recipient.cell, recipient.user_id, digest)

    async def _check_endpoint(self, endpoint: str) -> None:
        """Refuse an endpoint that may not be called. A host without an address now may have one later."""
        target = _target_of(endpoint)
        try:
            addresses = await self._network.resolve(target.host, target.port)
        except OSError:
            addresses = []
        try:
            self._network.rules.check(addresses, encrypted=target.encrypted)
        except ForbiddenAddressError:
            raise _forbidden() from None
        if not addresses and not target.encrypted:
            raise _forbidden()


def _target_of(endpoint: str) -> Target:
    try:
        return check_webhook_url(endpoint)
    except Refusal:
        raise _forbidden() from None


def _forbidden() -> Refusal:
    return malformed("endpoint", "须为公网主机的https网址", "must be an https URL on a public host")
