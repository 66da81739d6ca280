"""Browsers without scripts for the portal of a real server, with cookies and forms."""

import itertools
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from unittest import mock

import httpx
import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.team import Team
from msgcenter.actions.portal import new_account
from msgcenter.actions.portal.logins import Browser, Logins, NewSession
from msgcenter.actions.portal.people import People
from msgcenter.database.database import Database
from msgcenter.domain.person import COMMAND, Person, Role
from msgcenter.portal.cookies import DEVICE_COOKIE, SESSION_COOKIE
from tests.conftest import SECRET_KEY, Credentials, Server, SharedConnections
from tests.fork_server import QUICK_HASHER

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)
_CSRF = re.compile(r'name="csrf" (?:value|content)="([^"]+)"')


class Visitor:
    """A browser without scripts that keeps cookies and submits forms."""

    def __init__(self, url: str, *, language: str = "en") -> None:
        self.http = httpx.Client(
            base_url=url, trust_env=False, timeout=30, headers={"accept-language": language}, follow_redirects=False
        )
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, **arguments: object) -> httpx.Response:
        """Make a request and keep the cookies of the answer."""
        self.http.cookies.clear()
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= arguments.pop("headers", {})  # type: ignore[call-overload]
        answer = self.http.request(method, "/portal" + path, headers=headers, **arguments)  # type: ignore[arg-type]
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.request("GET", path)

    def post(self, path: str, *, page: str | None = None, csrf: str | None = None, **fields: str) -> httpx.Response:
        """Submit a form with the token of `page` (by default of `path`)."""
        if csrf is None:
            token = _CSRF.search(self.get(page or path).text)
            csrf = token[1] if token else ""
        return self.request("POST", path, data={**fields, "csrf": csrf})

    def log_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        """Submit the login form."""
        return self.post("/login", login=login, password=password)


@pytest.fixture
def visitor(server: Server) -> Iterator[Visitor]:
    """A browser without a session."""
    someone = Visitor(server.url)
    yield someone
    someone.http.close()


async def add_person(database_url: str, role: Role = "developer", name: str = "Li Na") -> Person:
    """Add a person with a new login and PASSWORD."""
    async with Database(database_url, connections=2) as database:
        return await create_person(database, role, name)


async def let_in(database_url: str, app: Credentials, person: Person) -> None:
    """Make a person a member of an app."""
    async with Database(database_url, connections=2) as database:
        await _add_to_team(database, app, person)


async def create_person(database: Database, role: Role, name: str = "Li Na") -> Person:
    """Add a person with a new login and PASSWORD to an open database."""
    people = People(database)
    with mock.patch.object(new_account, "hash_of_new_password", _quick_hash):
        return await people.create(f"person-{next(_numbers)}@example.edu", name, PASSWORD, role)


async def _quick_hash(password: str, *_: str) -> str:
    return QUICK_HASHER.hash(password)


async def _add_to_team(database: Database, app: Credentials, person: Person) -> None:
    register = Apps(database, KeyRing(SECRET_KEY))
    await Team(database, register).add(await register.find(app.app_id), person.login, COMMAND)


class Company:
    """The people of a test, each with a browser."""

    def __init__(self, server: Server, shared: SharedConnections) -> None:
        self.server = server
        self._shared = shared
        self._visitors: list[Visitor] = []

    def enter(self, role: Role = "developer", app: Credentials | None = None) -> tuple[Visitor, Person]:
        """Return a person with a session, who is a member of `app` if it is given.

        The session starts without the login form.
        """
        person, session = self._shared.run(self._begin_session(role, app))
        visitor = Visitor(self.server.url)
        visitor.cookies = {SESSION_COOKIE: session.token, DEVICE_COOKIE: session.device}
        self._visitors.append(visitor)
        return visitor, person

    async def _begin_session(self, role: Role, app: Credentials | None) -> tuple[Person, NewSession]:
        database = self._shared.database
        person = await create_person(database, role)
        if app is not None:
            await _add_to_team(database, app, person)
        return person, await Logins(database, KeyRing(SECRET_KEY)).begin(person, Browser("127.0.0.1", "httpx", ""))

    def leave(self) -> None:
        """Close all browsers."""
        for visitor in self._visitors:
            visitor.http.close()


@pytest.fixture
def company(server: Server, shared_connections: SharedConnections) -> Iterator[Company]:
    """Creates people with sessions."""
    opened = Company(server, shared_connections)
    yield opened
    opened.leave()


@pytest.fixture
def developer(company: Company, app: Credentials) -> Visitor:
    """A member of `app`."""
    return company.enter(app=app)[0]


@pytest.fixture
def stranger(company: Company) -> Visitor:
    """A developer of other apps."""
    return company.enter()[0]


@pytest.fixture
def operator(company: Company) -> Visitor:
    """An operator."""
    return company.enter("operator")[0]
