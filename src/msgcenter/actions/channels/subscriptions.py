"""Push subscriptions: users turn push messages on and off for the browser that they are using."""

from typing import NamedTuple

from msgspec import json

from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError
from msgcenter.channels.push import PushConfig
from msgcenter.channels.registry import parse_config
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.sealing import gateway_binding, push_binding
from msgcenter.domain.channels.signed_links import Renewal, open_renewal, renewal_token
from msgcenter.domain.channels.subscription import MAX_SUBSCRIPTIONS, PushAddress, check_keys
from msgcenter.domain.forgotten import ForgottenUserError
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import ForbiddenAddressError
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.domain.webhook import Target, check_webhook_url
from msgcenter.outbound.network import Network
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import gateways, subscriptions
from msgcenter.store.channels.gateways import Gateway
from msgcenter.store.channels.subscriptions import Subscription
from msgcenter.store.mailboxes import users


class OwnSubscriptions(NamedTuple):
    """The public key to subscribe with, None where the platform has no push; and the user's subscriptions."""

    key: str | None
    subscriptions: list[Subscription]


class Subscribed(NamedTuple):
    """What a subscription is known by, and the token with which its browser can replace it."""

    digest: bytes
    renewal: str


class Renewed(NamedTuple):
    """A subscription that has replaced another, and the key to subscribe with; see `OwnSubscriptions`."""

    subscribed: Subscribed
    key: str | None


class PushSubscriptions:
    """The push subscriptions of all users. `app_number` limits a caller to one app's messages; None is all apps."""

    def __init__(self, database: Database, keys: KeyRing, network: Network) -> None:
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

    async def add(
        self,
        recipient: Recipient,
        app_number: int | None,
        address: PushAddress,
        label: str,
        *,
        replaces: bytes | None = None,
    ) -> Subscribed:
        """Send a user's messages to a browser from now on, and no longer to the subscription that it `replaces`.

        The user's oldest subscription over the limit is removed. Refuses with FIELD_MALFORMED keys that no browser
        makes, and an endpoint that is not https or not on a public address. Raises ForgottenUserError.
        """
        address = await self._checked(address)
        added = Subscription(address.digest, label, self._sealed(recipient, address), now_ms(), app_number=app_number)
        await self._add(recipient, added, replaces)
        return self._subscribed(recipient, address)

    @transactional
    async def _add(
        self, connection: Connection, recipient: Recipient, subscription: Subscription, replaces: bytes | None
    ) -> None:
        if not await users.stays_known(connection, recipient.cell, recipient.user_id):
            raise ForgottenUserError
        if replaces is not None:
            await subscriptions.remove(connection, recipient.cell, recipient.user_id, replaces)
        await subscriptions.add(connection, recipient.cell, recipient.user_id, subscription)
        await subscriptions.keep_newest(connection, recipient.cell, recipient.user_id, MAX_SUBSCRIPTIONS)

    async def renew(self, token: str, address: PushAddress) -> Renewed | None:
        """Replace a browser's subscription with its next one, which gets the same messages.

        None if the token is none, or if the subscription that it names is there no longer: a user may have removed it.
        Refuses the same addresses as `add`.
        """
        try:
            renewal = open_renewal(self._keys, token)
        except (ValueError, WrongSecretKeyError):
            return None
        async with self._database.connection() as connection:
            platform = (await find_platforms(connection)).get(renewal.platform_code)
        if platform is None:
            return None
        recipient = platform.recipient(renewal.user_id)
        address = await self._checked(address)
        if not await self._replace(recipient, renewal.digest, address):
            return None
        async with self._database.connection() as connection:
            gateway = await gateways.find_gateway(connection, recipient.platform_code, "push")
        return Renewed(self._subscribed(recipient, address), self._key_of(gateway))

    @transactional
    async def _replace(self, connection: Connection, recipient: Recipient, digest: bytes, address: PushAddress) -> bool:
        if not await users.stays_known(connection, recipient.cell, recipient.user_id):
            return False
        former = await subscriptions.take(connection, recipient.cell, recipient.user_id, digest)
        if former is None:
            return False
        renewed = former._replace(digest=address.digest, sealed=self._sealed(recipient, address), created_at=now_ms())
        await subscriptions.add(connection, recipient.cell, recipient.user_id, renewed)
        return True

    def _sealed(self, recipient: Recipient, address: PushAddress) -> bytes:
        binding = push_binding(recipient.platform_code, recipient.user_id)
        return self._keys.seal_value("push", binding, address.as_json())

    def _subscribed(self, recipient: Recipient, address: PushAddress) -> Subscribed:
        renewal = Renewal(recipient.platform_code, recipient.user_id, address.digest)
        return Subscribed(address.digest, renewal_token(self._keys, renewal))

    async def remove(self, recipient: Recipient, digest: bytes) -> bool:
        """Send a user's messages to a browser no longer; return whether it had a subscription."""
        async with self._database.connection() as connection:
            return await subscriptions.remove(connection, recipient.cell, recipient.user_id, digest)

    async def _checked(self, address: PushAddress) -> PushAddress:
        """Refuse an endpoint that may not be called. A host without an address now may have one later."""
        target = _target_of(address.endpoint)
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
        return PushAddress(address.endpoint, check_keys(address.keys))


def _target_of(endpoint: str) -> Target:
    try:
        return check_webhook_url(endpoint)
    except Refusal:
        raise _forbidden() from None


def _forbidden() -> Refusal:
    return malformed("endpoint", "须为公网主机的https网址", "must be an https URL on a public host")
