"""Secrets: encrypted keys, proofs, tokens."""

import hmac
from hashlib import sha256

import pytest

from msgcenter.actions.apps.key_ring import (
    KeyRing,
    WrongSecretKeyError,
    new_app_id,
    new_app_key,
    new_token,
    token_digest,
)

RING = KeyRing("a secret key of the tests")
OTHER = KeyRing("another secret key of the tests")
APP, KEY, TIME = "my-app", "0123456789abcdef", "1795435200000"


def proof(algorithm: str, key: str = KEY, app: str = APP, time: str = TIME) -> str:
    return hmac.new(key.encode(), f"{app}{key}{time}".encode(), algorithm).hexdigest().upper()


# --- Sealing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, "", "钥匙", "x" * 10_000])
def test_a_sealed_key_is_opened_again(key: str) -> None:
    assert RING.open(APP, RING.seal(APP, key)) == key


def test_a_sealed_key_does_not_show_and_never_looks_the_same() -> None:
    first, second = RING.seal(APP, KEY), RING.seal(APP, KEY)
    assert KEY.encode() not in first
    assert first != second


def test_a_sealed_value_opens_only_for_its_purpose_and_place() -> None:
    sealed = RING.seal_value("contact", "420100\0user\0email", "a@school.example")
    assert b"school" not in sealed
    assert RING.open_value("contact", "420100\0user\0email", sealed) == "a@school.example"
    with pytest.raises(WrongSecretKeyError):
        RING.open_value("contact", "420100\0other\0email", sealed)
    with pytest.raises(WrongSecretKeyError):
        RING.open_value("gateway", "420100\0user\0email", sealed)
    with pytest.raises(WrongSecretKeyError):
        OTHER.open_value("contact", "420100\0user\0email", sealed)


def test_the_same_secret_key_opens_it_in_another_process() -> None:
    assert KeyRing("a secret key of the tests").open(APP, RING.seal(APP, KEY)) == KEY


def test_another_secret_key_cannot_decrypt_it() -> None:
    with pytest.raises(WrongSecretKeyError):
        OTHER.open(APP, RING.seal(APP, KEY))


def test_a_sealed_key_belongs_to_its_app() -> None:
    with pytest.raises(WrongSecretKeyError):
        RING.open("other-app", RING.seal(APP, KEY))


def test_a_changed_byte_is_detected() -> None:
    sealed = bytearray(RING.seal(APP, KEY))
    for position in (0, 12, len(sealed) - 1):
        changed = sealed.copy()
        changed[position] ^= 1
        with pytest.raises(WrongSecretKeyError):
            RING.open(APP, bytes(changed))


# --- Proofs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_proof_in_either_hash_and_case_is_accepted(algorithm: str) -> None:
    sealed = RING.seal(APP, KEY)
    assert RING.key_info_matches(APP, sealed, TIME, proof(algorithm))
    assert RING.key_info_matches(APP, sealed, TIME, proof(algorithm).lower())


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_proof_is_for_one_key_app_and_time(algorithm: str) -> None:
    sealed = RING.seal(APP, KEY)
    for wrong in (
        proof(algorithm, key="another key"),
        proof(algorithm, app="other-app"),
        proof(algorithm, time="1795435200001"),
        "0" * len(proof(algorithm)),
        proof(algorithm)[:-1] + ("1" if proof(algorithm)[-1] == "0" else "0"),
    ):
        assert not RING.key_info_matches(APP, sealed, TIME, wrong)


def test_the_known_answer_of_the_protocol() -> None:
    # printf %s 'my-app0123456789abcdef1795435200000' | openssl dgst -sha1 -hmac 0123456789abcdef
    assert proof("sha1") == "13AFE34D150637EC369623F5606EECCCB80E8021"


def test_an_unknown_app_has_no_proof_and_no_secret() -> None:
    assert not RING.key_info_matches(APP, None, TIME, proof("sha1"))
    assert not RING.secret_matches(APP, None, KEY)


def test_a_secret_is_the_key_itself() -> None:
    sealed = RING.seal(APP, KEY)
    assert RING.secret_matches(APP, sealed, KEY)
    for wrong in ("", KEY.upper(), KEY + "x", KEY[:-1]):
        assert not RING.secret_matches(APP, sealed, wrong)


def test_proofs_and_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[object, object]] = []
    honest = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return honest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    sealed = RING.seal(APP, KEY)
    for known in (sealed, None):
        RING.key_info_matches(APP, known, TIME, proof("sha1"))
        RING.secret_matches(APP, known, KEY)
    assert len(compared) == 4, "an unknown app is compared as well"


def test_an_unknown_app_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    honest = KeyRing.open

    def count(self: KeyRing, app_id: str, sealed: bytes) -> str:
        opened.append(app_id)
        return honest(self, app_id, sealed)

    monkeypatch.setattr(KeyRing, "open", count)
    RING.key_info_matches(APP, None, TIME, proof("sha1"))
    RING.secret_matches(APP, None, KEY)
    assert len(opened) == 2


# --- Tokens ---------------------------------------------------------------------------------------------------------


def test_the_same_request_gives_the_same_token() -> None:
    token = RING.token_for(1, 1, TIME, proof("sha1"))
    assert token == RING.token_for(1, 1, TIME, proof("sha1").lower())
    assert token == KeyRing("a secret key of the tests").token_for(1, 1, TIME, proof("sha1"))
    assert len(token) == 32
    assert set(token) <= set("0123456789abcdef")


def test_any_other_request_gives_another_token() -> None:
    tokens = {
        RING.token_for(1, 1, TIME, "aa"),
        RING.token_for(2, 1, TIME, "aa"),
        RING.token_for(1, 2, TIME, "aa"),
        RING.token_for(1, 1, "1795435200001", "aa"),
        RING.token_for(1, 1, TIME, "ab"),
        OTHER.token_for(1, 1, TIME, "aa"),
    }
    assert len(tokens) == 6


def test_generated_ids_and_keys_are_long_and_new() -> None:
    assert [len(made()) for made in (new_app_id, new_app_key, new_token)] == [16, 32, 32]
    for made in (new_app_id, new_app_key, new_token):
        assert len({made() for _ in range(100)}) == 100


def test_only_a_tokens_hash_is_stored() -> None:
    assert token_digest("abc") == sha256(b"abc").digest()
