"""The people who log in at the portal, and who has done something."""

import re
from typing import Literal, NamedTuple

from msgspec import Struct

from msgcenter.domain.refusal import malformed

Role = Literal["developer", "operator"]
MAX_LOGIN = 254
MAX_PERSON_NAME = 64
MIN_PASSWORD = 10
MAX_PASSWORD = 128
_LOGIN = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)*")


class Person(Struct, frozen=True):
    """Someone who may log in. Operators may do all that developers may, with every app."""

    number: int
    login: str
    name: str
    role: Role
    disabled: bool
    has_second_factor: bool

    @property
    def is_operator(self) -> bool:
        """Whether this is an operator."""
        return self.role == "operator"


ActorKind = Literal["person", "app", "command"]


class Actor(NamedTuple):
    """Who changes something, for the audit log: a person (by login), an app (by appId) or a command of an operator.

    `address` is where from: a network address, or the machine's name for a command.
    """

    kind: ActorKind
    name: str
    address: str


COMMAND = Actor("command", "msgcenter", "here")
"""What a program of ours does by itself, or for somebody at this machine."""


class LoginError(Exception):
    """The login, the password or the second factor is wrong; which one is not told."""


class TicketError(LoginError):
    """The first step of a login was too long ago, or is none: it begins anew."""


class ThrottledError(Exception):
    """Too many failed attempts; the next one is looked at in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"retry in {seconds} s")
        self.seconds = seconds


class SecondFactorNeededError(Exception):
    """The password is right, and a code of the second factor is asked for; `ticket` stands for the first step."""

    def __init__(self, ticket: str) -> None:
        super().__init__("second factor")
        self.ticket = ticket


def checked_login(text: str) -> str:
    """Return a login as it is stored. Refuses with FIELD_MALFORMED what is no e-mail address."""
    login = text.strip().lower()
    if len(login) > MAX_LOGIN or not login.isprintable() or not _LOGIN.fullmatch(login):
        raise malformed(
            "login", "须为邮箱地址,例如 li@school.example.edu", "must be an e-mail address, like li@example.edu"
        )
    return login


def checked_name(text: str) -> str:
    """Return a person's name as it is shown. Refuses with FIELD_MALFORMED."""
    name = text.strip()
    if not 1 <= len(name) <= MAX_PERSON_NAME or not name.isprintable():
        raise malformed("name", f"须为1–{MAX_PERSON_NAME}个字符", f"must be 1-{MAX_PERSON_NAME} printable characters")
    return name


def checked_password(password: str, login: str) -> str:
    """Return a password that may be chosen. Refuses with FIELD_MALFORMED.

    Length is what counts (NIST SP 800-63B, 5.1.1.2): no classes of characters are asked for, but a few distinct
    ones, and not the login itself.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise malformed(
            "password",
            f"须为{MIN_PASSWORD}–{MAX_PASSWORD}个字符",
            f"must be {MIN_PASSWORD}-{MAX_PASSWORD} characters long",
        )
    if len(set(password)) < 5 or password.lower() in {login, login.partition("@")[0] * 2}:
        raise malformed("password", "过于简单,请换一个更难猜的", "is too easy to guess; choose another one")
    return password
