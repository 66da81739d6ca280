"""The encryption of push messages, with the example of RFC 8291, and against a browser's side of its own."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.channels.base64url import from_base64url, to_base64url
from msgcenter.channels.push_encryption import MAX_PLAINTEXT, encrypt
from tests.channels.browser import Browser


def test_the_example_of_rfc_8291() -> None:
    sender_key = derive_private_key(
        int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), SECP256R1()
    )
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        p256dh=from_base64url(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth=from_base64url("BTBZMqHH6r4Tts7J_aSIgg"),
        sender_key=sender_key,
        salt=from_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert to_base64url(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
        "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.binary(max_size=MAX_PLAINTEXT))
def test_a_browser_reads_what_was_encrypted_for_it(plaintext: bytes) -> None:
    browser = Browser()
    body = encrypt(plaintext, p256dh=browser.point, auth=browser.auth)
    assert browser.decrypt(body) == plaintext
    assert len(body) <= 4_096


def test_no_two_messages_are_encrypted_alike() -> None:
    browser = Browser()
    assert encrypt(b"x", p256dh=browser.point, auth=browser.auth) != encrypt(
        b"x", p256dh=browser.point, auth=browser.auth
    )


@pytest.mark.parametrize("point", [b"", b"\x04" + bytes(64), b"\x04" + bytes(63)])
def test_keys_that_are_no_point_are_refused(point: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        encrypt(b"x", p256dh=point, auth=bytes(16))
