"""Message bodies as the wire has them: three kinds, and three fields of `oa` that some clients put inside it."""

from msgspec import UnsetType

from msgcenter.domain.channels.template import TemplateCall
from msgcenter.domain.content import Body, Oa
from msgcenter.domain.refusal import Reason, Refusal, contradiction
from msgcenter.gateway.wire.fields import requested_kind, text_of, value_or_none
from msgcenter.gateway.wire.requests import MessageBody, NestedOa, TemplatedBody


def body_of(request: MessageBody) -> Body:
    """Return the message body that msgtype names. Refuses with FIELD_MISSING or FIELDS_CONTRADICT."""
    kind = requested_kind(request.msgtype, request.msg_type)
    if kind is None:
        raise Refusal(Reason.FIELD_MISSING, field="msgtype")
    body = {"text": request.text, "link": request.link, "oa": request.oa}[kind]
    if isinstance(body, UnsetType):
        raise Refusal(Reason.FIELD_MISSING, field=kind)
    return _oa(request, body) if isinstance(body, NestedOa) else body


def body_or_template(request: TemplatedBody) -> Body | TemplateCall:
    """Return the message body of a request, or the template that it names instead.

    Refuses with FIELD_MISSING or FIELDS_CONTRADICT.
    """
    if isinstance(request.template, UnsetType):
        for name, value in (("params", request.params), ("language", request.language)):
            if not isinstance(value, UnsetType):
                raise contradiction(f"{name}/template", f"{name}须与template同用", f"{name} needs template")
        return body_of(request)
    bodies = {
        "msgtype": requested_kind(request.msgtype, request.msg_type),
        "text": value_or_none(request.text),
        "link": value_or_none(request.link),
        "oa": value_or_none(request.oa),
    }
    for name, body in bodies.items():
        if body is not None:
            raise contradiction(f"template/{name}", "模板已包含正文", "a template has the body already")
    return TemplateCall(
        request.template,
        value_or_none(request.params) or {},
        value_or_none(request.language),
        text_of(request.busi_id),
    )


def _oa(request: MessageBody, nested: NestedOa) -> Oa:
    business_id = outside_or_inside("busiId", "oa", request.busi_id, nested.busi_id)
    if not business_id:
        raise Refusal(Reason.FIELD_MISSING, field="busiId")
    return Oa(
        busi_id=business_id,
        pc_url=outside_or_inside("pcUrl", "oa", request.pc_url, nested.pc_url),
        app_url=outside_or_inside("appUrl", "oa", request.app_url, nested.app_url),
        head=nested.head,
        body=nested.body,
    )


def outside_or_inside(name: str, body: str, outside: str | int | UnsetType, inside: str | int | UnsetType) -> str:
    """Return the value of a field that may stand outside of `body`, inside, or in both places; "" if in neither.

    Refuses with FIELDS_CONTRADICT different values of the two.
    """
    values = {str(value) for value in (outside, inside) if not isinstance(value, UnsetType) and value != ""}
    if len(values) > 1:
        raise contradiction(f"{name}/{body}.{name}", "两处取值须一致", "both must be the same")
    return values.pop() if values else ""
