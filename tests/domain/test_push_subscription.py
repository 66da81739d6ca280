"""What counts as a push subscription."""

import pytest

from msgcenter.domain.channels.subscription import (
    PushAddress,
    PushKeys,
    base64url,
    check_keys,
    decoded_base64url,
    subscription_digest,
)
from msgcenter.domain.refusal import Refusal

# The receiver's keys of RFC 8291, section 5.
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"


def test_keys_of_a_browser_are_accepted_with_and_without_padding() -> None:
    assert check_keys(PushKeys(POINT + "=", SECRET + "==")) == PushKeys(POINT, SECRET)


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        (PushKeys("", SECRET), "keys.p256dh"),
        (PushKeys("BBBB", SECRET), "keys.p256dh"),
        (PushKeys(base64url(bytes([4]) + bytes(64)), SECRET), "keys.p256dh"),  # not on the curve
        (PushKeys(POINT, base64url(bytes(15))), "keys.auth"),
        (PushKeys(POINT, "+/+/"), "keys.auth"),
        (PushKeys(POINT, "ü"), "keys.auth"),
    ],
)
def test_other_keys_are_refused(keys: PushKeys, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_keys(keys)
    assert refused.value.data["field"] == field


def test_the_id_of_a_subscription_stands_for_its_endpoint() -> None:
    digest = PushAddress("https://push.example.org/1", PushKeys(POINT, SECRET)).digest
    assert subscription_digest(base64url(digest)) == digest
    assert subscription_digest("short") is None
    assert subscription_digest("!") is None
    assert decoded_base64url(SECRET) == decoded_base64url(SECRET + "==")
