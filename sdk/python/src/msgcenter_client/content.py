"""The kinds of content as sendMsg fields (protocol, "sendMsg"). The server validates them."""

from collections.abc import Iterable, Mapping
from typing import Any


def text_fields(content: str) -> dict[str, Any]:
    """Return the fields of a plain text."""
    return {"msgtype": "text", "text": {"content": content}}


def link_fields(
    *, title: str, content: str, business_id: str, pc_url: str, app_url: str, image_url: str | None
) -> dict[str, Any]:
    """Return the fields of a titled link."""
    link = {
        "pcUrl": pc_url,
        "appUrl": app_url,
        "title": title,
        "busiId": business_id,
        "content": content,
        "picUrl": image_url,
    }
    return {"msgtype": "link", "link": _without_none(link)}


def oa_fields(
    *,
    head: str,
    business_id: str,
    pc_url: str,
    app_url: str,
    bg_color: str | None,
    title: str | None,
    content: str | None,
    image_url: str | None,
    file_count: int | str | None,
    author: str | None,
    form: Iterable[tuple[str, str]],
) -> dict[str, Any]:
    """Return the fields of an office card, without a body if all parts of the body are None."""
    rows = [{"key": key, "value": value} for key, value in form]
    body = _without_none(
        {
            "title": title,
            "content": content,
            "imageUrl": image_url,
            "fileCount": file_count,
            "author": author,
            "form": rows or None,
        }
    )
    oa = {"head": _without_none({"text": head, "bgColor": bg_color}), "body": body or None}
    return {"msgtype": "oa", "busiId": business_id, "pcUrl": pc_url, "appUrl": app_url, "oa": _without_none(oa)}


def template_fields(
    template: str, params: Mapping[str, Any], *, language: str | None, business_id: str | None
) -> dict[str, Any]:
    """Return the fields of a message that a template of the server makes."""
    fields = {"template": template, "params": dict(params), "language": language, "busiId": business_id}
    return _without_none(fields)


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
