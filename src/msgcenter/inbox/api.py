"""The calls of the inbox API."""

from codecs import BOM_UTF8
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast, get_args

from msgspec import Meta, Struct
from msgspec.json import encode
from starlette.responses import Response

from msgcenter.actions.mailboxes.inbox_views import InboxQuery, ListCursor
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.domain.message_id import MAX_ID, parse_message_id
from msgcenter.inbox import problems
from msgcenter.inbox.call import Call, parameters_of
from msgcenter.inbox.endpoint import Inboxes, LeanResponse
from msgcenter.inbox.etag import etag_of, headers_of, is_known
from msgcenter.inbox.problems import ProblemError, invalid
from msgcenter.inbox.views import (
    WOKEN_CURSOR,
    ChangedView,
    CountsView,
    FramingView,
    MessageView,
    counts_view,
    ids_view,
    message_list_view,
    message_view,
)
from msgcenter.store.mailboxes.reading import Filter
from msgcenter.web.decode import decode

_MAX_IDS = 100
_MAX_QUERY = 64
_FILTERS = get_args(Filter)
_KINDS = ("text", "link", "oa")
Ids = Annotated[list[str], Meta(min_length=1, max_length=_MAX_IDS)]
BodyStruct = TypeVar("BodyStruct", bound=Struct)


class SetStatus(Struct, frozen=True):
    """Set messages read or unread."""

    ids: Ids
    read: bool


class ReadAll(Struct, frozen=True, rename="camel"):
    """Set all messages read that a list with the same filter, app, kind and q shows, up to and including one."""

    up_to: str
    filter: Annotated[str, Meta(extra_json_schema={"enum": list(_FILTERS)})] = "all"
    app: str | None = None
    kind: Annotated[str | None, Meta(extra_json_schema={"enum": [*_KINDS, None]})] = None
    q: Annotated[str | None, Meta(extra_json_schema={"maxLength": _MAX_QUERY})] = None


class Archive(Struct, frozen=True):
    """Archive messages, or bring them back."""

    ids: Ids
    archived: bool


class Star(Struct, frozen=True):
    """Star messages, or take their stars away."""

    ids: Ids
    starred: bool


class Delete(Struct, frozen=True):
    """Delete messages from the user's view, or take that back."""

    ids: Ids
    deleted: bool


class Snooze(Struct, frozen=True):
    """Hide messages until a time (ms since 1970, in the next 366 days), or show them at once (null)."""

    ids: Ids
    until: Annotated[int, Meta(ge=0, le=MAX_ID)] | None


class Mute(Struct, frozen=True):
    """Mute an app, or end that."""

    muted: bool


async def list_messages(inboxes: Inboxes, call: Call, viewer: Viewer) -> Response:
    """List messages, newest first, perhaps with the counts; 304 if the client has the same list already."""
    query, with_counts = _list_query(call.scope["query_string"])
    known = call.header(b"if-none-match")
    listed = await inboxes.inbox.read_list(viewer, query, with_content=not known)
    etag = etag_of(listed, with_counts=with_counts)
    if known and is_known(etag, known):
        return LeanResponse(b"", headers_of(etag), 304)
    if not listed.has_content:
        listed = await inboxes.inbox.read_list(viewer, query)
        etag = etag_of(listed, with_counts=with_counts)
    return LeanResponse(encode(message_list_view(listed, with_counts=with_counts)), headers_of(etag))


@lru_cache(maxsize=256)
def _list_query(query_string: bytes) -> tuple[InboxQuery, bool]:
    """Return what to list, and whether the counts are wanted. Most calls have one of a few query strings."""
    parameters = parameters_of(query_string)
    cursor = parameters.get("cursor")
    query = _query(
        parameters.get("filter", "all"), parameters.get("app"), parameters.get("kind"), parameters.get("q")
    )._replace(limit=page_limit("limit", parameters.get("limit", "30")))
    if cursor:
        query = query.at(_cursor(cursor))
    return query, _one_of("counts", parameters.get("counts", "0"), ("0", "1")) == "1"


async def get_message(inboxes: Inboxes, call: Call, viewer: Viewer) -> MessageView:
    """Return one message."""
    message_id = parse_message_id(call.scope["path_params"]["id"])
    messages = [] if message_id is None else await inboxes.inbox.find(viewer, [message_id])
    if not messages:
        raise ProblemError(problems.NOT_FOUND)
    return message_view(messages[0])


async def get_counts(inboxes: Inboxes, _: Call, viewer: Viewer) -> CountsView:
    """Return the counts of unread messages and open approvals."""
    return counts_view(await inboxes.inbox.counts(viewer))


async def get_framing(_: Inboxes, call: Call, viewer: Viewer) -> FramingView:
    """Return whether all websites named by `in` may show the page in a frame with this token."""
    return FramingView({value for name, value in call.pairs if name == "in"} <= set(viewer.frames))


async def set_status(inboxes: Inboxes, call: Call, viewer: Viewer) -> ChangedView:
    """Set messages read or unread."""
    body = await _decoded_body(call, SetStatus)
    changed = await inboxes.inbox.set_status(viewer, _possible_ids(body.ids), read=body.read)
    return await _changed_view(inboxes, viewer, changed)


async def read_all(inboxes: Inboxes, call: Call, viewer: Viewer) -> ChangedView:
    """Set all messages of a list read, up to one."""
    body = await _decoded_body(call, ReadAll)
    before_id = min(_bound("upTo", body.up_to) + 1, MAX_ID)
    query = _query(body.filter, body.app, body.kind, body.q)._replace(before_id=before_id)
    return await _changed_view(inboxes, viewer, await inboxes.inbox.read_all(viewer, query))


async def archive(inboxes: Inboxes, call: Call, viewer: Viewer) -> ChangedView:
    """Archive messages, or bring them back."""
    body = await _decoded_body(call, Archive)
    changed = await inboxes.inbox.archive(viewer, _possible_ids(body.ids), archived=body.archived)
    return await _changed_view(inboxes, viewer, changed)


async def star(inboxes: Inboxes, call: Call, viewer: Viewer) -> ChangedView:
    """Star messages, or take their stars away."""
    body = await _decoded_body(call, Star)
    changed = await inboxes.inbox.star(viewer, _possible_ids(body.ids), starred=body.starred)
    return await _changed_view(inboxes, viewer, changed)


async def delete(inboxes: Inboxes, call: Call, viewer: Viewer) -> ChangedView:
    """Delete messages from the user's view, or take that back."""
    body = await _decoded_body(call, Delete)
    change = inboxes.inbox.delete if body.deleted else inboxes.inbox.restore
    return await _changed_view(inboxes, viewer, await change(viewer, _possible_ids(body.ids)))


async def snooze(inboxes: Inboxes, call: Call, viewer: Viewer) -> ChangedView:
    """Hide messages until a time, or show them at once."""
    body = await _decoded_body(call, Snooze)
    return await _changed_view(inboxes, viewer, await inboxes.inbox.snooze(viewer, _possible_ids(body.ids), body.until))


async def mute(inboxes: Inboxes, call: Call, viewer: Viewer) -> CountsView:
    """Mute an app, or end that."""
    body = await _decoded_body(call, Mute)
    if not await inboxes.inbox.mute(viewer, call.scope["path_params"]["app_id"], muted=body.muted):
        raise ProblemError(problems.NO_SUCH_APP)
    return counts_view(await inboxes.inbox.counts(viewer))


def _query(filter_name: str, app_id: str | None, kind: str | None, text: str | None) -> InboxQuery:
    """Return the query for these parameters. Raises the problem `invalid_field`."""
    return InboxQuery(
        filter=cast(Any, _one_of("filter", filter_name, _FILTERS)),
        app_id=app_id,
        kind=None if kind is None else cast(Any, _one_of("kind", kind, _KINDS)),
        text=_search_text(text),
    )


async def _changed_view(inboxes: Inboxes, viewer: Viewer, message_ids: list[int]) -> ChangedView:
    return ChangedView(ids_view(message_ids), counts_view(await inboxes.inbox.counts(viewer)))


async def _decoded_body(call: Call, kind: type[BodyStruct]) -> BodyStruct:
    return decode((await call.body()).removeprefix(BOM_UTF8), kind)


def _possible_ids(ids: list[str]) -> list[int]:
    """Return the distinct ids that a message can have; other ids are ignored."""
    return [parsed for text in dict.fromkeys(ids) if (parsed := parse_message_id(text)) is not None]


def _one_of(field: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        names = ", ".join(allowed)
        raise invalid(field, f"只能取 {names}", f"must be one of {names}")
    return value


def _cursor(value: str) -> ListCursor:
    bound = _bound("cursor", value.removeprefix(WOKEN_CURSOR))
    return ListCursor(MAX_ID, bound) if value.startswith(WOKEN_CURSOR) else ListCursor(bound)


def _bound(field: str, value: str) -> int:
    bound = parse_message_id(value)
    if bound is None:
        raise invalid(field, "须为十进制数字", "must be a decimal number")
    return bound


def page_limit(field: str, value: str) -> int:
    """Return the number of messages for a page (1-100). Raises the problem `invalid_field`."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:4]) <= 100 and len(value) <= 3):
        raise invalid(field, "须为1–100的整数", "must be an integer of 1-100")
    return int(value)


def _search_text(value: str | None) -> str | None:
    text = (value or "").strip()
    if len(text) > _MAX_QUERY:
        raise invalid("q", f"最多{_MAX_QUERY}个字符", f"at most {_MAX_QUERY} characters")
    return text or None
