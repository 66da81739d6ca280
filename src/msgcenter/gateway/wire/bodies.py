"""Message bodies as the wire has them: the source's three kinds, with the fields that some clients put elsewhere."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from msgcenter.domain.content import Body, Kind, Link, Oa, OptionalUrl, Text
from msgcenter.domain.identifiers import Id
from msgcenter.domain.refusal import Reason, Refusal, contradiction
from msgcenter.gateway.wire.decode import decode
from msgcenter.gateway.wire.fields import kind_asked
from msgcenter.gateway.wire.requests import MessageBody, NestedOa


def body_in(request: bytes) -> Body:
    """Return what the body of a sendMsg call says. Refuses as `body_of` does, and what is no request."""
    return body_of(decode(request, MessageBody))


def body_of(request: MessageBody) -> Body:
    """Return what a message is to say. Refuses with FIELD_MISSING, FIELD_MALFORMED or FIELDS_CONTRADICT."""
    kind = kind_asked(request.msgtype, request.msg_type)
    if kind is None:
        raise Refusal(Reason.FIELD_MISSING, field="msgtype")
    return _body(request, kind)


def _body(request: MessageBody, kind: Kind) -> Body:
    raw: msgspec.Raw | UnsetType = {"text": request.text, "link": request.link, "oa": request.oa}[kind]
    if isinstance(raw, UnsetType) or _is_null(raw):
        raise Refusal(Reason.FIELD_MISSING, field=kind)
    if kind == "text":
        return decode(raw, Text, "text")
    if kind == "link":
        return decode(raw, Link, "link")
    return _oa(request, decode(raw, NestedOa, "oa"))


def _is_null(raw: msgspec.Raw) -> bool:
    return bytes(raw) == b"null"


def _oa(request: MessageBody, nested: NestedOa) -> Oa:
    def beside_or_inside(name: str, beside: msgspec.Raw | UnsetType, inside: str | int | UnsetType, kind: Any) -> str:
        found = [inside]
        if not isinstance(beside, UnsetType) and not _is_null(beside):
            found.append(decode(beside, kind, name))
        values = {str(value) for value in found if value is not UNSET and value != ""}
        if len(values) > 1:
            raise contradiction(f"{name}/oa.{name}", "两处取值须一致", "both must be the same")
        return values.pop() if values else ""

    business_id = beside_or_inside("busiId", request.busi_id, nested.busi_id, Id)
    if not business_id:
        raise Refusal(Reason.FIELD_MISSING, field="busiId")
    return Oa(
        busi_id=business_id,
        pc_url=beside_or_inside("pcUrl", request.pc_url, nested.pc_url, OptionalUrl),
        app_url=beside_or_inside("appUrl", request.app_url, nested.app_url, OptionalUrl),
        head=nested.head,
        body=nested.body,
    )
