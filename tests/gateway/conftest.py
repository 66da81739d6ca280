"""Fixtures of the gateway's tests: a shared app for tests that do not change it, other apps, and anonymous HTTP."""

import secrets
from collections.abc import Iterator

import httpx
import pytest

from msgcenter.database.database import Database
from msgcenter_client import Client
from tests.conftest import PLATFORM, Credentials, Raw, Server, SharedConnections, new_app, wait_for
from tests.directory_rows import DirectoryRows
from tests.gateway.school import School
from tests.scene import find_platform


@pytest.fixture(scope="session")
def shared_app(shared_database: str) -> Credentials:
    """An app shared by many tests, each with its own users."""
    return wait_for(new_app(shared_database))


@pytest.fixture(scope="session")
def sdk(server: Server, shared_app: Credentials) -> Iterator[Client]:
    """The SDK with the credentials of `shared_app`."""
    with Client(server.url, shared_app.app_id, shared_app.app_key, retries=0, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="session")
def wire(server: Server, shared_app: Credentials, http: httpx.Client) -> Iterator[Raw]:
    """Raw HTTP with a token of `shared_app`."""
    secret = {"client_id": shared_app.app_id, "client_secret": shared_app.app_key}
    answer = http.post("/oauth2/token", data={"grant_type": "client_credentials", **secret})
    opened = Raw(server, answer.json()["access_token"])
    yield opened
    opened.http.close()


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """HTTP to `server` without any token."""
    with httpx.Client(base_url=server.url, trust_env=False) as opened:
        yield opened


@pytest.fixture
def other_app(shared_database: str) -> Credentials:
    """A second app of the same platform."""
    return wait_for(new_app(shared_database))


@pytest.fixture
def other_client(server: Server, other_app: Credentials) -> Iterator[Client]:
    """The SDK with the credentials of `other_app`."""
    with Client(server.url, other_app.app_id, other_app.app_key, retries=0, timeout=60) as opened:
        yield opened


@pytest.fixture
def school(raw: Raw, app: Credentials, shared_connections: SharedConnections) -> School:
    """A school whose app is `app`, which may address all of it."""
    own = secrets.token_hex(4)
    scene = School(raw, f"school-{own}", f"class-{own}", f"teacher-{own}", f"parent-{own}")

    async def write(database: Database) -> None:
        directory = DirectoryRows(database, await find_platform(database, PLATFORM))
        await directory.add_org(scene.school)
        await directory.add_org(scene.a_class, scene.school)
        await directory.join(scene.school, [scene.teacher], "tea")
        await directory.join(scene.a_class, [scene.parent], "par")
        await directory.grant(app.number, scene.school)

    shared_connections.run(write(shared_connections.database))
    return scene
