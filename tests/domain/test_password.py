"""Which passwords are accepted, and that the check is fast."""

import time
from contextlib import suppress

import pytest

from msgcenter.domain.password import checked_password
from msgcenter.domain.refusal import Refusal

LOGIN, NAME = "li.na@school.example.edu", "Li Nawang"


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "K7#mQ2!vX9", "ch8-Zp3!Lk", "长风破浪会有时直挂云帆", "4@8({[<369&#!1/|0$5+7%2" * 3],
)
def test_a_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    assert checked_password(password, LOGIN, NAME) == password


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "1234567890",
        "qwertyuiop",
        "Password1234!",
        "P@ssw0rd2026",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "1q2w3e4r5t6y",
        "iloveyou2020",
        "1234567890!@#$%^&*()",
        "passwordpassword",
    ],
)
def test_a_common_password_is_refused(password: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_password(password, LOGIN, NAME)
    assert "too easy to guess" in refused.value.describe("en")
    assert "过于常见" in refused.value.describe("zh")


@pytest.mark.parametrize(
    "password",
    [
        LOGIN,
        LOGIN.upper() + "!1",
        "Li.Na.2026.11.27",
        "lina20261127",
        "LINAWANG-2026",
        "MsgCenter2026!",
        "Msg-Center 1!",
        "ＭＳＧＣＥＮＴＥＲ２０２６",
        "msgcentermsgcenter",
        "消息中心消息中心2026",
    ],
)
def test_the_name_of_the_person_or_the_product_is_refused(password: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_password(password, LOGIN, NAME)
    assert "must be more than" in refused.value.describe("en")
    assert "产品名称" in refused.value.describe("zh")


@pytest.mark.parametrize(("size", "allowed"), [(9, False), (10, True), (128, True), (129, False), (1_000, False)])
def test_the_length_of_a_password_is_limited(size: int, allowed: bool) -> None:
    password = ("kV7#pQ2xW9mZ4rT6-nB8sD1f" * 50)[:size]
    if allowed:
        checked_password(password, LOGIN, NAME)
        return
    with pytest.raises(Refusal) as refused:
        checked_password(password, LOGIN, NAME)
    assert "10-128 characters" in refused.value.describe("en")


@pytest.mark.parametrize(
    "password",
    ["4@8({[<369&#!1/|0$5+7%2" * 5, "4@8({[<369a" * 11, "a" * 128, "ab" * 64, "p@s$w0rd" * 16, "x" * 1_000],
)
def test_checking_a_password_is_fast(password: str) -> None:
    began = time.process_time()
    with suppress(Refusal):
        checked_password(password, LOGIN, NAME)
    assert time.process_time() - began < 1
