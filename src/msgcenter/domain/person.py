"""The people who log in at the portal, and who has done something."""

import re
from typing import Literal, NamedTuple

from msgspec import Struct

from msgcenter.domain.refusal import malformed
from msgcenter.domain.visible import shows_nothing

Role = Literal["developer", "operator"]
MAX_LOGIN = 254
MAX_PERSON_NAME = 64
_LOGIN = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)*")


SecondFactorRule = Literal["operators", "everyone", "off"]
"""Who has to have a second factor."""
Due = Literal["password", "second_factor"]
"""What a person has to do before anything else: choose a password, set the second factor up."""


class Person(Struct, frozen=True):
    """Someone who may log in. Operators may do all that developers may, with every app.

    `one_time_until` is when a one-time password ends (ms since 1970); None for a password that the person has chosen.
    """

    number: int
    login: str
    name: str
    role: Role
    disabled: bool
    has_second_factor: bool
    one_time_until: int | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this is an operator."""
        return self.role == "operator"

    def due(self, rule: SecondFactorRule) -> Due | None:
        """Return what the person has to do before anything else, None for nothing."""
        if self.one_time_until is not None:
            return "password"
        return "second_factor" if self.needs_second_factor(rule) and not self.has_second_factor else None

    def needs_second_factor(self, rule: SecondFactorRule) -> bool:
        """Tell whether this person has to have one."""
        return rule == "everyone" or (rule == "operators" and self.is_operator)


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


class CodeError(LoginError):
    """The password is right, but the code of the second factor is wrong or was used before."""


class TicketError(LoginError):
    """The first step of a login was too long ago, or is none: it begins anew."""


class OneTimePasswordError(LoginError):
    """The password is right, but it was a one-time password whose time is over."""


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
    if len(name) > MAX_PERSON_NAME or not name.isprintable() or shows_nothing(name):
        raise malformed("name", f"须为1–{MAX_PERSON_NAME}个字符", f"must be 1-{MAX_PERSON_NAME} printable characters")
    return name
