"""What a page is: a row of the route table, and the view that its handler returns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, TypeVar

from starlette.responses import RedirectResponse, Response

from msgcenter.actions.portal.logins import NewSession
from msgcenter.domain.person import Due
from msgcenter.domain.refusal import Refusal
from msgcenter.portal.page_request import Form, PageRequest
from msgcenter.store.apps.apps import AppRecord

HOME = "/portal"
DUE_PAGES: dict[Due, str] = {"password": "/account/new-password", "second_factor": "/account/second-factor"}
Access = Literal["public", "person", "member", "operator"]
"""Who can open a page: everybody; people who are logged in; members of the app in the path; operators.

Operators can open every page.
"""


@dataclass(frozen=True)
class View:
    """A template and the values that it shows; the edge renders it.

    `app`, `form` and `error` replace those of the request. `has_public_form` gives a browser without a cookie one, so
    that it can submit the form. `session` logs the browser in with this page. `policy` is the page's own
    Content-Security-Policy.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    app: AppRecord | None = None
    form: Form | None = None
    error: Refusal | None = None
    has_public_form: bool = False
    session: NewSession | None = None
    policy: str | None = None


Answer = View | Response
Handler = Callable[[PageRequest], Awaitable[Answer]]
Subject = TypeVar("Subject")
"""A class that answers the pages of one subject."""


@dataclass(frozen=True)
class Page(Generic[Subject]):
    """A URL of the portal: its method and path, who can open it, and the method of `Subject` that answers.

    When a form is refused, `again` shows it once more, with its fields and `PageRequest.error`. Only pages with
    `for_due` are open to a person who has to replace a one-time password or to set up a second factor first.
    """

    method: Literal["GET", "POST"]
    path: str
    access: Access
    handle: Callable[[Subject, PageRequest], Awaitable[Answer]]
    again: Callable[[Subject, PageRequest], Awaitable[Answer]] | None = None
    for_due: bool = False

    def bound_to(self, subject: Subject) -> "BoundPage":
        """Return the page with the object that answers it."""
        again = None if self.again is None else partial(self.again, subject)
        return BoundPage(self.method, self.path, self.access, partial(self.handle, subject), again, self.for_due)


@dataclass(frozen=True)
class BoundPage:
    """A page whose handlers need nothing but the request."""

    method: str
    path: str
    access: Access
    handle: Handler
    again: Handler | None = None
    for_due: bool = False


def see_other(path: str, done: str = "") -> Response:
    """Return the answer to an accepted form: the page to open next, and what was done (a key of `texts.done.DONE`)."""
    return RedirectResponse(f"{HOME}{path}{f'?done={done}' if done else ''}", 303)
