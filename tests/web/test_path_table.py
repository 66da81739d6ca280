"""Routes found by one look-up."""

import pytest
from starlette.routing import Match, Route

from msgcenter.web.path_table import PathTable


class _Nothing:
    pass


PATHS = [
    "/inbox/v1/messages",
    "/inbox/v1/messages/{id}",
    "/inbox/v1/messages/status",
    "/inbox/v1/{rest:path}",
    "/inbox",
]
TABLE = PathTable("/inbox", [Route(path, _Nothing()) for path in PATHS])  # type: ignore[arg-type]


@pytest.mark.parametrize("root", ["", "/msg"])
@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/inbox", "/inbox", {}),
        ("/inbox/v1/messages", "/inbox/v1/messages", {}),
        ("/inbox/v1/messages/status", "/inbox/v1/messages/status", {}),
        ("/inbox/v1/messages/17", "/inbox/v1/messages/{id}", {"id": "17"}),
        ("/inbox/v1/messages/17/x", "/inbox/v1/{rest:path}", {"rest": "messages/17/x"}),
    ],
)
def test_fixed_paths_come_before_paths_with_parameters(
    root: str, path: str, route: str, parameters: dict[str, str]
) -> None:
    match, added = TABLE.matches({"type": "http", "path": root + path, "root_path": root, "method": "GET"})
    assert match is Match.FULL
    assert (added["route"].path, added["path_params"]) == (route, parameters)


@pytest.mark.parametrize("path", ["/", "/portal", "/inboxes", "/v1/inbox"])
def test_other_paths_are_left_to_other_routes(path: str) -> None:
    assert TABLE.matches({"type": "http", "path": path, "method": "GET"}) == (Match.NONE, {})


def test_only_http_is_routed() -> None:
    assert TABLE.matches({"type": "websocket", "path": "/inbox"}) == (Match.NONE, {})
