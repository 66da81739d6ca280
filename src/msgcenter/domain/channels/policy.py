"""Which channels a message takes, and when: what its send asks for, then what its platform has decided."""

from collections.abc import Mapping
from typing import NamedTuple

from msgcenter.domain.account import App
from msgcenter.domain.channels.codes import Channel, Urgency
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed

_MINUTE_MS = 60_000


class Wish(NamedTuple):
    """What a send says about channels; None leaves it to the platform, and no channels mean none.

    `category` is the code of a message type; `delay_minutes` is counted from the time of the send.
    """

    category: str | None = None
    channels: tuple[Channel, ...] | None = None
    delay_minutes: int | None = None

    def fields(self) -> dict[str, object]:
        """Return what the wish says, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


NO_WISH = Wish()


class Choice(NamedTuple):
    """What a type or a policy says; None follows what is more general."""

    channels: tuple[Channel, ...] | None = None
    delay_minutes: int | None = None


class TypeRule(NamedTuple):
    """A message type of a platform."""

    urgency: Urgency = Urgency.NORMAL
    choice: Choice = Choice()
    is_archived: bool = False


class PolicyKey(NamedTuple):
    """The messages that a policy is about: of an app, and of one type or, with "", of any."""

    app_number: int
    type_code: str = ""


class Rules(NamedTuple):
    """What a platform has decided. `gateways` are the channels that it has a gateway for."""

    gateways: frozenset[Channel]
    channels: tuple[Channel, ...]
    delay_minutes: int
    types: Mapping[str, TypeRule] = {}
    policies: Mapping[PolicyKey, Choice] = {}


class Route(NamedTuple):
    """How a message is sent elsewhere: by these channels, to those who have not read it after a while.

    Without channels it is sent nowhere else, because its send said so, and reminders of it are neither.
    """

    channels: tuple[Channel, ...]
    delay_ms: int
    urgency: Urgency
    type_code: str = ""


def resolve(rules: Rules | None, app: App, wish: Wish) -> Route | None:
    """Return the route of an app's message; None if it is sent nowhere else. `rules` is None for no decisions.

    The channels are those of the send, else of the app's policy for the type, of its policy for all messages, of the
    type, or of the platform; the delay likewise. Channels without a gateway are left out. Refuses with FIELD_MALFORMED
    (category) a type that the platform does not have or has archived, or with NOT_AUTHORISED an urgent type that the
    app may not use.
    """
    kind = _type_of(rules, app, wish.category)
    if rules is None or not rules.gateways:
        return None
    code = wish.category or ""
    route = _route(rules, app, code, kind, Choice(wish.channels, wish.delay_minutes))
    return route if route.channels or wish.channels == () else None


def resolve_reminder(
    rules: Rules | None, app: App, type_code: str | None, planned: tuple[Channel, ...] | None
) -> Route | None:
    """Return the route of a reminder, which has no delay; None if it is sent nowhere else.

    `planned` are the channels that the message was planned for, None if it was not. A type that was archived since, or
    that the app may not use any more, is no refusal, but is not urgent.
    """
    if rules is None:
        return None
    code = type_code or ""
    kind = rules.types.get(code, TypeRule())
    if not app.urgent:
        kind = kind._replace(urgency=min(kind.urgency, Urgency.NORMAL))
    route = _route(rules, app, code, kind, Choice(planned, 0))
    return route if route.channels else None


def _route(rules: Rules, app: App, code: str, kind: TypeRule, first: Choice) -> Route:
    choices = [
        first,
        *((rules.policies.get(PolicyKey(app.number, code), Choice()),) if code else ()),
        rules.policies.get(PolicyKey(app.number), Choice()),
        kind.choice,
        Choice(rules.channels, rules.delay_minutes),
    ]
    chosen = next(choice.channels for choice in choices if choice.channels is not None)
    channels = tuple(channel for channel in dict.fromkeys(chosen) if channel in rules.gateways)
    delay = next(choice.delay_minutes for choice in choices if choice.delay_minutes is not None)
    return Route(channels, delay * _MINUTE_MS, kind.urgency, code)


def _type_of(rules: Rules | None, app: App, code: str | None) -> TypeRule:
    if code is None:
        return TypeRule()
    kind = None if rules is None else rules.types.get(code)
    if kind is None or kind.is_archived:
        raise malformed("category", f"平台没有消息类型{code}", f"the platform has no message type {code}")
    if kind.urgency is Urgency.URGENT and not app.urgent:
        rule = Phrase(f"未获紧急消息权限(类型{code})", f"urgent messages (type {code}) are not granted")
        raise Refusal(Reason.NOT_AUTHORISED, rule=rule)
    return kind
