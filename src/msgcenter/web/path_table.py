"""The routes of one surface, found by one look-up."""

from collections.abc import Sequence

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send

from msgcenter.web.base_path import own_path


class PathTable(BaseRoute):
    """The routes of all paths that begin with `prefix`.

    A router tries one regular expression per route. Here a fixed path is found by one look-up in a dictionary; only
    paths with parameters are tried one after the other, after the fixed ones. Other surfaces pay one comparison.
    """

    def __init__(self, prefix: str, routes: Sequence[Route]) -> None:
        self.routes = routes
        self._prefix = prefix
        self._fixed = {route.path: route for route in routes if not route.param_convertors}
        self._with_parameters = [route for route in routes if route.param_convertors]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a route has the path of a request, and what that adds to the scope."""
        if scope["type"] != "http":
            return Match.NONE, {}
        path = own_path(scope)
        if not path.startswith(self._prefix):
            return Match.NONE, {}
        route = self._fixed.get(path)
        if route is not None:
            return Match.FULL, {"endpoint": route.endpoint, "path_params": {}, "route": route}
        for route in self._with_parameters:
            match, added = route.matches(scope)
            if match is Match.FULL:
                return match, {**added, "route": route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that matches."""
        await scope["route"].handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Raise NoMatchFound: no path is made from the name of a route."""
        raise NoMatchFound(name, path_params)
