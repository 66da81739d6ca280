"""The calls of the inbox API."""

from codecs import BOM_UTF8
from typing import Annotated, Any, TypeVar, cast

from msgspec import Meta, Struct
from starlette.requests import Request

from msgcenter.actions.mailboxes.inbox import InboxQuery
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.domain.message_id import MAX_ID, parse_message_id
from msgcenter.inbox import problems
from msgcenter.inbox.endpoint import Inboxes, body_of
from msgcenter.inbox.problems import ProblemError, invalid
from msgcenter.inbox.views import (
    ChangedView,
    CountsView,
    FramingView,
    MessageListView,
    MessageView,
    counts_view,
    ids_view,
    message_list_view,
    message_view,
)
from msgcenter.web.decode import decode

_MAX_IDS = 100
_MAX_QUERY = 64
_FILTERS = ("all", "unread", "todo", "archived")
_KINDS = ("text", "link", "oa")
Ids = Annotated[list[str], Meta(min_length=1, max_length=_MAX_IDS)]
BodyStruct = TypeVar("BodyStruct", bound=Struct)


class SetStatus(Struct, frozen=True):
    """Set messages read or unread."""

    ids: Ids
    read: bool


class ReadAll(Struct, frozen=True, rename="camel"):
    """Read everything up to and including a message that a list with the same filter, app, kind and q shows."""

    up_to: str
    filter: Annotated[str, Meta(extra_json_schema={"enum": list(_FILTERS)})] = "all"
    app: str | None = None
    kind: Annotated[str | None, Meta(extra_json_schema={"enum": [*_KINDS, None]})] = None
    q: Annotated[str | None, Meta(extra_json_schema={"maxLength": _MAX_QUERY})] = None


class Archive(Struct, frozen=True):
    """Put messages out of sight, or back."""

    ids: Ids
    archived: bool


async def list_messages(inboxes: Inboxes, request: Request, viewer: Viewer) -> MessageListView:
    """List messages, newest first."""
    given = request.query_params
    query = _query(given.get("filter", "all"), given.get("app"), given.get("kind"), given.get("q"))._replace(
        before_id=_bound("cursor", given["cursor"]) if given.get("cursor") else MAX_ID,
        limit=page_limit("limit", given.get("limit", "30")),
    )
    page = await inboxes.inbox.list_messages(viewer, query)
    return message_list_view(page)


async def get_message(inboxes: Inboxes, request: Request, viewer: Viewer) -> MessageView:
    """Return one message."""
    message_id = parse_message_id(request.path_params["id"])
    found = [] if message_id is None else await inboxes.inbox.find(viewer, [message_id])
    if not found:
        raise ProblemError(problems.NOT_FOUND)
    return message_view(found[0])


async def get_counts(inboxes: Inboxes, _: Request, viewer: Viewer) -> CountsView:
    """Count what waits for the user."""
    return counts_view(await inboxes.inbox.counts(viewer))


async def get_framing(_: Inboxes, request: Request, viewer: Viewer) -> FramingView:
    """Tell whether all websites named by `in` may show the page in a frame with this token."""
    return FramingView(set(request.query_params.getlist("in")) <= set(viewer.frames))


async def set_status(inboxes: Inboxes, request: Request, viewer: Viewer) -> ChangedView:
    """Set messages read or unread."""
    asked = await _body_of(request, SetStatus)
    return await _changed(inboxes, viewer, await inboxes.inbox.set_status(viewer, _known(asked.ids), read=asked.read))


async def read_all(inboxes: Inboxes, request: Request, viewer: Viewer) -> ChangedView:
    """Read all that a list shows, up to a message."""
    asked = await _body_of(request, ReadAll)
    before_id = min(_bound("upTo", asked.up_to) + 1, MAX_ID)
    query = _query(asked.filter, asked.app, asked.kind, asked.q)._replace(before_id=before_id)
    return await _changed(inboxes, viewer, await inboxes.inbox.read_all(viewer, query))


async def archive(inboxes: Inboxes, request: Request, viewer: Viewer) -> ChangedView:
    """Archive messages, or bring them back."""
    asked = await _body_of(request, Archive)
    changed = await inboxes.inbox.archive(viewer, _known(asked.ids), archived=asked.archived)
    return await _changed(inboxes, viewer, changed)


def _query(filter_name: str, app_id: str | None, kind: str | None, text: str | None) -> InboxQuery:
    """Return what a list is to show, checked."""
    return InboxQuery(
        filter=cast(Any, _one_of("filter", filter_name, _FILTERS)),
        app_id=app_id,
        kind=None if kind is None else cast(Any, _one_of("kind", kind, _KINDS)),
        text=_search_text(text),
    )


async def _changed(inboxes: Inboxes, viewer: Viewer, message_ids: list[int]) -> ChangedView:
    return ChangedView(ids_view(message_ids), counts_view(await inboxes.inbox.counts(viewer)))


async def _body_of(request: Request, kind: type[BodyStruct]) -> BodyStruct:
    return decode((await body_of(request)).removeprefix(BOM_UTF8), kind)


def _known(ids: list[str]) -> list[int]:
    """Return the ids that can exist; others are simply not among those changed."""
    return [parsed for given in dict.fromkeys(ids) if (parsed := parse_message_id(given)) is not None]


def _one_of(field: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        names = ", ".join(allowed)
        raise invalid(field, f"只能取 {names}", f"must be one of {names}")
    return value


def _bound(field: str, value: str) -> int:
    bound = parse_message_id(value)
    if bound is None:
        raise invalid(field, "须为十进制数字", "must be a decimal number")
    return bound


def page_limit(field: str, value: str) -> int:
    """Return how many messages a page is to have. Raises the problem `invalid_field` unless it is 1-100."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:4]) <= 100 and len(value) <= 3):
        raise invalid(field, "须为1–100的整数", "must be an integer of 1-100")
    return int(value)


def _search_text(value: str | None) -> str | None:
    text = (value or "").strip()
    if len(text) > _MAX_QUERY:
        raise invalid("q", f"最多{_MAX_QUERY}个字符", f"at most {_MAX_QUERY} characters")
    return text or None
