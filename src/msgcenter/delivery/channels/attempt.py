"""One attempt to send: a note to each address of a person, and what the answers mean together."""

import asyncio
import random
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import structlog

from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.delivery.channels.claims import Send
from msgcenter.delivery.channels.tools import Tools
from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.codes import Channel, DeliveryState
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.sealing import contact_binding, push_binding
from msgcenter.domain.channels.settlement import MAX_REASON, Settlement
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.channels.settle import BadAddress
from msgcenter.messaging.channels.views import Address
from msgcenter.store.channels.deliveries import Claimed, Settled

_log = structlog.get_logger(__name__)
_BROKEN = Outcome("never", "the message cannot be shown by this channel")
_UNREADABLE = Outcome("never", "the address was sealed with another secret key")


class Attempt(NamedTuple):
    """The answers to an attempt. `outcome` is what they mean together."""

    outcome: Outcome
    bad_addresses: tuple[BadAddress, ...] = ()
    reached: tuple[tuple[str, bytes], ...] = ()


async def attempt(tools: Tools, gateway: Gateway, channel: Channel, send: Send) -> Attempt:
    """Send a note to each address of a person. Never raises, except if it is cancelled."""
    view = send.views[0]
    try:
        note = tools.notes.note(send.views)
    except Exception:
        _log.exception("a message has no note", message=send.claimed[0].message_id, channel=channel)
        return Attempt(_BROKEN)
    user_id = view.recipient.user_id
    outcomes = [
        await _send(tools, gateway, parcel_of(channel, send, address, note), view.recipient, address)
        for address in view.addresses
    ]
    return Attempt(
        outcome_of(outcomes),
        tuple(
            BadAddress(user_id, address, outcome.reason)
            for address, outcome in zip(view.addresses, outcomes, strict=True)
            if outcome.is_bad_address
        ),
        tuple(
            (user_id, address.subscription)
            for address, outcome in zip(view.addresses, outcomes, strict=True)
            if outcome.verdict == "accepted" and address.subscription is not None
        ),
    )


async def _send(tools: Tools, gateway: Gateway, parcel: Parcel, recipient: Recipient, address: Address) -> Outcome:
    try:
        opened = _opened(tools, recipient, address)
    except Exception:
        _log.warning("an address cannot be opened", reason=_UNREADABLE.reason)
        return _UNREADABLE
    try:
        async with asyncio.timeout(tools.schedule.send_timeout / 1_000):
            return storable(await gateway.send(parcel._replace(address=opened)))
    except TimeoutError:
        return Outcome("later", "the gateway did not answer in time", pause_ms=1)
    except Exception:
        _log.exception("a gateway raised an error")
        return Outcome("later", "an internal error, see the log")


def storable(outcome: Outcome) -> Outcome:
    """Return an outcome whose texts the database can store, whatever the gateway has answered."""

    def cleaned(text: str) -> str:
        return text.replace("\0", "").encode("utf-8", "replace").decode()[:MAX_REASON]

    return outcome._replace(reason=cleaned(outcome.reason), provider_id=cleaned(outcome.provider_id))


def _opened(tools: Tools, recipient: Recipient, address: Address) -> str:
    platform, user_id = recipient.platform_code, recipient.user_id
    if address.contact is not None:
        binding = contact_binding(platform, user_id, address.contact)
        return tools.sealing.open_value("contact", binding, address.sealed)
    if address.subscription is not None:
        return tools.sealing.open_value("push", push_binding(platform, user_id), address.sealed)
    return user_id


def parcel_of(channel: Channel, send: Send, address: Address, note: Note) -> Parcel:
    """Return the parcel of a send, without its address. Its key is the same in each attempt, and tells nothing."""
    recipient = send.views[0].recipient
    keys = sorted((each.message_id, each.round) for each in send.claimed)
    subscription = b"" if address.subscription is None else address.subscription
    text = repr((channel, recipient.platform_code, recipient.user_id, keys, subscription))
    return Parcel(sha256(text.encode()).hexdigest()[:32], "", note)


def outcome_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what the answers for the addresses of a person mean together: one that is reached is enough."""
    for verdict in ("accepted", "later", "never"):
        for outcome in outcomes:
            if outcome.verdict == verdict:
                return outcome._replace(pause_ms=max(each.pause_ms for each in outcomes))
    return Outcome("never", "there is no address")


def settlement_of(tools: Tools, delivery: Claimed, outcome: Outcome) -> Settled:
    """Return what follows for a delivery from an outcome."""
    reason = outcome.reason or None
    if outcome.verdict == "accepted":
        settlement = Settlement(DeliveryState.SENT, None, outcome.provider_id or None, is_attempt=True)
    elif outcome.verdict == "never":
        settlement = Settlement(DeliveryState.FAILED, reason, is_attempt=True)
    else:
        settlement = tools.schedule.retries.later(
            now_ms(),
            attempts=delivery.attempts,
            first_due_at=delivery.first_due_at,
            reason=reason or "",
            chance=random.random(),  # noqa: S311 - spreads pauses
        )
    return Settled(delivery, settlement)
