"""The people who log in at the portal, and the actors of the audit log."""

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
"""Who must have a second factor."""
Due = Literal["password", "second_factor"]
"""A step that a person must take before anything else: choose a password, or set up the second factor."""


class Person(Struct, frozen=True):
    """A person who may log in. Operators may do everything that developers may do, with every app.

    `one_time_until` is the expiry time of a one-time password (ms since 1970), None if the person chose the password.
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
        """Return the step that the person must take first, None if there is none."""
        if self.one_time_until is not None:
            return "password"
        return "second_factor" if self.needs_second_factor(rule) and not self.has_second_factor else None

    def needs_second_factor(self, rule: SecondFactorRule) -> bool:
        """Return whether this person must have a second factor."""
        return rule == "everyone" or (rule == "operators" and self.is_operator)


ActorKind = Literal["person", "app", "command", "user"]


class Actor(NamedTuple):
    """Who made a change, for the audit log: a person (by login), an app (by appId), a command of an operator or a user.

    A user is named by the user id; the subject of the entry is then the user's platform.

    `address` is the network address, or the name of the machine for a command.
    """

    kind: ActorKind
    name: str
    address: str


COMMAND = Actor("command", "msgcenter", "here")
"""The actor of the product's own programs, and of commands on this machine."""


class LoginError(Exception):
    """The login, the password or the second factor is wrong. The person must not learn which one."""


class CodeError(LoginError):
    """The password is correct, but the code of the second factor is wrong or was used already."""


class TicketError(LoginError):
    """The ticket of the first step has expired or is invalid: the login starts again."""


class OneTimePasswordError(LoginError):
    """The password is correct, but it was a one-time password that has expired."""


class ThrottledError(Exception):
    """Too many failed attempts; the next attempt is possible after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"retry in {seconds} s")
        self.seconds = seconds


class SecondFactorNeededError(Exception):
    """The password is correct, and a code of the second factor is needed; `ticket` proves the first step."""

    def __init__(self, ticket: str) -> None:
        super().__init__("second factor")
        self.ticket = ticket


def checked_login(text: str) -> str:
    """Return a login in its stored form. Refuses with FIELD_MALFORMED a text that is no e-mail address."""
    login = text.strip().lower()
    if len(login) > MAX_LOGIN or not login.isprintable() or not _LOGIN.fullmatch(login):
        raise malformed(
            "login", "须为邮箱地址,例如 li@school.example.edu", "must be an e-mail address, like li@example.edu"
        )
    return login


def checked_name(text: str) -> str:
    """Return a person's name without surrounding white space. Refuses with FIELD_MALFORMED."""
    name = text.strip()
    if len(name) > MAX_PERSON_NAME or not name.isprintable() or shows_nothing(name):
        raise malformed("name", f"须为1–{MAX_PERSON_NAME}个字符", f"must be 1-{MAX_PERSON_NAME} printable characters")
    return name
