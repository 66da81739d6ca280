"""The templates that have made messages, with the values that they got."""

from collections.abc import Collection
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.channels.template import TemplateContent, UsedTemplate
from msgcenter.store.channels import message_params
from msgcenter.store.channels.templates import read_contents

_REMEMBERED = 200
_contents: dict[tuple[int, int], TemplateContent] = {}
"""Contents of approved versions, by template and version: they never change."""


class MessageTemplate(NamedTuple):
    """The content of the version that has made a message, and the values that it got."""

    content: TemplateContent
    used: UsedTemplate


async def read_templates(connection: Connection, cell: int, message_ids: Collection[int]) -> dict[int, MessageTemplate]:
    """Return the templates of messages of a cell, by message id. Messages without a template are left out."""
    used = await message_params.find(connection, cell, sorted(message_ids))
    versions = {(item.template_number, item.version) for item in used.values()}
    if missing := sorted(versions - _contents.keys()):
        found = await read_contents(connection, [number for number, _ in missing], [version for _, version in missing])
        if len(_contents) + len(found) > _REMEMBERED:
            _contents.clear()
        _contents.update(found)
    return {
        message_id: MessageTemplate(_contents[item.template_number, item.version], item)
        for message_id, item in used.items()
        if (item.template_number, item.version) in _contents
    }
