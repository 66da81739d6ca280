"""Which channels a message takes: the send decides, then the policies of the app, the type, the platform."""

import pytest

from msgcenter.domain.account import App, Platform
from msgcenter.domain.channels.codes import CHANNELS, Channel, Urgency
from msgcenter.domain.channels.policy import (
    Choice,
    PolicyKey,
    Route,
    Rules,
    TypeRule,
    Wish,
    resolve,
    resolve_reminder,
)
from msgcenter.domain.refusal import Reason, Refusal

APP = App(7, "app", "App", Platform("1", 1), "app")
MINUTE_MS = 60_000
TYPES = {
    "plain": TypeRule(),
    "homework": TypeRule(Urgency.LOW, Choice(("push",), 60)),
    "alarm": TypeRule(Urgency.URGENT, Choice(("sms",), 0)),
    "old": TypeRule(is_archived=True),
}


def rules(
    policies: dict[PolicyKey, Choice] | None = None,
    *,
    gateways: tuple[Channel, ...] = CHANNELS,
    channels: tuple[Channel, ...] = ("email",),
) -> Rules:
    """Return what a platform has decided: a delay of 30 minutes, and four types."""
    return Rules(frozenset(gateways), channels, 30, TYPES, policies or {})


def channels_and_minutes(route: Route | None) -> tuple[tuple[str, ...], int]:
    assert route is not None
    return route.channels, route.delay_ms // MINUTE_MS


def test_each_rule_overrides_those_that_are_more_general() -> None:
    of_app, of_type = PolicyKey(APP.number), PolicyKey(APP.number, "homework")
    homework = Wish("homework")
    assert channels_and_minutes(resolve(rules(), APP, Wish())) == (("email",), 30)
    assert channels_and_minutes(resolve(rules(), APP, Wish("plain"))) == (("email",), 30)
    assert channels_and_minutes(resolve(rules(), APP, homework)) == (("push",), 60)
    policies = {of_app: Choice(("wecom",), 10)}
    assert channels_and_minutes(resolve(rules(policies), APP, homework)) == (("wecom",), 10)
    policies[of_type] = Choice(("feishu",), 20)
    assert channels_and_minutes(resolve(rules(policies), APP, homework)) == (("feishu",), 20)
    assert channels_and_minutes(resolve(rules(policies), APP, Wish("plain"))) == (("wecom",), 10)
    assert channels_and_minutes(resolve(rules(policies), APP, Wish("homework", ("sms",), 1))) == (("sms",), 1)


def test_channels_and_delay_are_decided_separately() -> None:
    policies = {PolicyKey(APP.number): Choice(delay_minutes=0)}
    assert channels_and_minutes(resolve(rules(policies), APP, Wish("homework"))) == (("push",), 0)
    assert channels_and_minutes(resolve(rules(policies), APP, Wish(channels=("sms",)))) == (("sms",), 0)


def test_the_policy_of_another_app_has_no_effect() -> None:
    policies = {PolicyKey(8): Choice((), 1), PolicyKey(8, "homework"): Choice((), 1)}
    assert channels_and_minutes(resolve(rules(policies), APP, Wish("homework"))) == (("push",), 60)


def test_no_channels_is_a_decision() -> None:
    assert resolve(rules(), APP, Wish(channels=())) == Route((), 30 * MINUTE_MS, Urgency.NORMAL)
    assert resolve(rules({PolicyKey(APP.number): Choice(())}), APP, Wish()) is None
    assert resolve(rules(channels=()), APP, Wish()) is None


def test_a_channel_is_used_once_in_the_order_given_and_only_with_a_gateway() -> None:
    wish = Wish(channels=("sms", "email", "push", "sms"))
    assert channels_and_minutes(resolve(rules(gateways=("email", "sms")), APP, wish))[0] == ("sms", "email")
    assert resolve(rules(gateways=("feishu",)), APP, wish) is None
    assert resolve(rules(gateways=()), APP, wish) is None
    assert resolve(None, APP, wish) is None


def test_a_route_has_the_type_and_its_urgency() -> None:
    route = resolve(rules(), APP, Wish("homework"))
    assert route is not None
    assert (route.type_code, route.urgency) == ("homework", Urgency.LOW)
    route = resolve(rules(), APP, Wish())
    assert route is not None
    assert (route.type_code, route.urgency) == ("", Urgency.NORMAL)


@pytest.mark.parametrize("code", ["unknown", "old"])
@pytest.mark.parametrize("decided", [rules(), rules(gateways=()), None])
def test_an_unknown_or_archived_type_is_refused(code: str, decided: Rules | None) -> None:
    with pytest.raises(Refusal) as refused:
        resolve(decided, APP, Wish(code))
    assert refused.value.reason is Reason.FIELD_MALFORMED
    assert refused.value.data["field"] == "category"


def test_an_urgent_type_needs_a_grant() -> None:
    for decided in (rules(), rules(gateways=())):
        with pytest.raises(Refusal) as refused:
            resolve(decided, APP, Wish("alarm"))
        assert refused.value.reason is Reason.NOT_AUTHORISED
        assert "alarm" in refused.value.describe("en")
    granted = App(7, "app", "App", Platform("1", 1), "app", urgent=True)
    route = resolve(rules(), granted, Wish("alarm"))
    assert route == Route(("sms",), 0, Urgency.URGENT, "alarm")


def test_a_reminder_has_no_delay_and_the_channels_of_the_plan_or_of_the_policy() -> None:
    assert resolve_reminder(rules(), APP, "homework", ("sms",)) == Route(("sms",), 0, Urgency.LOW, "homework")
    assert resolve_reminder(rules(), APP, "homework", None) == Route(("push",), 0, Urgency.LOW, "homework")
    assert resolve_reminder(rules(), APP, None, None) == Route(("email",), 0, Urgency.NORMAL)
    assert resolve_reminder(rules(), APP, None, ()) is None, "its send said so"
    assert resolve_reminder(rules(gateways=("push",)), APP, None, ("email",)) is None
    assert resolve_reminder(None, APP, "homework", ("email",)) is None


def test_a_reminder_needs_no_type_but_is_urgent_only_with_a_grant() -> None:
    assert resolve_reminder(rules(), APP, "old", None) == Route(("email",), 0, Urgency.NORMAL, "old")
    assert resolve_reminder(rules(), APP, "alarm", None) == Route(("sms",), 0, Urgency.NORMAL, "alarm")
    granted = App(7, "app", "App", Platform("1", 1), "app", urgent=True)
    assert resolve_reminder(rules(), granted, "alarm", None) == Route(("sms",), 0, Urgency.URGENT, "alarm")
