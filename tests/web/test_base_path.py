"""The base path of a request, and how the application sees it."""

import pytest
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Message, Scope

from msgcenter.application.wiring import application
from msgcenter.settings import OWN_PATHS, Settings, parsed_base_path
from msgcenter.web.base_path import BehindProxy, own_path, root_of
from msgcenter.web.headers import SafeAnswers
from msgcenter.web.path_table import PathTable
from tests.conftest import SECRET_KEY


async def seen(
    path: str, *, setting: str = "", header: str | None = None, client: str = "127.0.0.1", trusted: str = "127.0.0.1"
) -> tuple[str, str]:
    """Return root_path and path of a request as they reach the application."""
    found: list[Scope] = []

    async def application(scope: Scope, receive: object, send: object) -> None:
        found.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    headers = [] if header is None else [(b"x-forwarded-prefix", header.encode("latin-1"))]
    scope = {"type": "http", "path": path, "root_path": "", "headers": headers, "client": (client, 1), "scheme": "http"}
    await BehindProxy(application, setting, trusted)(scope, receive, send)
    return found[0]["root_path"], found[0]["path"]


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("/inbox", "/msg/inbox"),
        ("/msg/inbox", "/msg/inbox"),
        ("/", "/msg/"),
        ("/msg", "/msg/"),
        ("/msg/", "/msg/"),
        ("/msgCenter/message/sendMsg", "/msg/msgCenter/message/sendMsg"),
        ("/msg/msgCenter/message/sendMsg", "/msg/msgCenter/message/sendMsg"),
    ],
)
async def test_a_path_is_the_same_with_and_without_its_base_path(path: str, whole: str) -> None:
    assert await seen(path, setting="/msg") == ("/msg", whole)
    assert await seen(path, header="/msg") == ("/msg", whole)
    assert await seen(path, header=" /msg/ ") == ("/msg", whole)


async def test_only_a_trusted_proxy_sets_the_base_path() -> None:
    assert await seen("/inbox", header="/msg", client="192.0.2.7") == ("", "/inbox")
    assert await seen("/inbox", header="/msg", client="10.1.2.3", trusted="10.0.0.0/8") == ("/msg", "/msg/inbox")
    assert await seen("/inbox", header="/msg", trusted="10.0.0.0/8") == ("", "/inbox")


async def test_the_setting_comes_before_the_header() -> None:
    assert await seen("/inbox", setting="/msg", header="/other") == ("/msg", "/msg/inbox")


WRONG = [
    "msg",
    "//",
    "//evil.example",
    "/msg//",
    "/a//b",
    "/..",
    "/a/../b",
    "/./a",
    "/a b",
    '/"onload=',
    "/<b>",
    "/a?b",
    "/a#b",
    "/\\evil.example",
    "/%2e%2e",
    "/a,/b",
    "https://evil.example",
    "/é",
    "/" + "a" * 200,
    *(f"/{name}" for name in sorted(OWN_PATHS)),
    "/portal/msg",
]


@pytest.mark.parametrize("base_path", WRONG)
async def test_an_invalid_path_in_the_header_is_ignored(base_path: str) -> None:
    assert parsed_base_path(base_path) is None
    assert await seen("/inbox", header=base_path) == ("", "/inbox")


@pytest.mark.parametrize("base_path", ["/msg", "/a/b.c/d_e~f-g", "/.well", "/..x"])
def test_valid_base_paths_are_accepted(base_path: str) -> None:
    assert parsed_base_path(base_path) == base_path


def test_no_base_path_begins_as_an_own_path_does() -> None:
    router = application_routes()
    firsts = {path.split("/")[1] for path in router if path != "/"}
    assert firsts | {"metrics"} == OWN_PATHS


def application_routes() -> set[str]:
    """Return the paths of all routes of the application."""
    settings = Settings(
        data_dir="/nowhere",  # type: ignore[arg-type]  # nothing is read from it
        database_url="postgresql:///nowhere",
        secret_key=SECRET_KEY,
        metrics_token="x" * 32,
    )
    outermost = application(settings)
    assert isinstance(outermost, SafeAnswers)
    behind = outermost._application
    assert isinstance(behind, BehindProxy)
    outer: list[BaseRoute] = behind.app.routes  # type: ignore[attr-defined]
    routes = [inner for route in outer for inner in (route.routes if isinstance(route, PathTable) else [route])]
    return {route.path for route in routes if isinstance(route, Route | Mount)}


def test_parts_of_a_request() -> None:
    scope = {"path": "/msg/portal/static/x.js", "root_path": "/msg/portal/static", "app_root_path": "/msg"}
    assert (root_of(scope), own_path(scope)) == ("/msg", "/portal/static/x.js")
    assert (root_of({"path": "/inbox"}), own_path({"path": "/inbox"})) == ("", "/inbox")
