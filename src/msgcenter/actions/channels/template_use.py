"""Messages that are made of templates."""

from time import monotonic
from zoneinfo import ZoneInfo

from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.channels.rendering import message_body
from msgcenter.domain.channels.template import (
    Template,
    TemplateCall,
    TemplateContent,
    UsedTemplate,
    reference_of,
)
from msgcenter.domain.channels.values import check_params
from msgcenter.domain.content import Body
from msgcenter.domain.refusal import malformed
from msgcenter.store.channels import templates

_REMEMBERED_SECONDS = 2
_REMEMBERED = 1_000


class TemplateUse:
    """Makes the bodies of messages from templates. What is in use is remembered for two seconds."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone
        self._found: dict[tuple[str, str], tuple[float, Template, int, TemplateContent]] = {}

    async def message(self, app: App, platform_code: str, call: TemplateCall) -> tuple[Body, UsedTemplate]:
        """Return the body that a call describes, and what the message keeps of its template.

        Refuses with FIELD_MALFORMED (template) a template that does not exist, is another app's, is archived or has no
        approved version; and as `check_params` and `message_body` do.
        """
        template, version, content = await self._find(app, platform_code, call.reference)
        params = check_params(content.variables, call.params)
        body = message_body(
            content, params, language=call.language or "zh", zone=self._zone, business_id=call.business_id
        )
        return body, UsedTemplate(template.number, version, params)

    async def _find(self, app: App, platform_code: str, reference: str) -> tuple[Template, int, TemplateContent]:
        key = platform_code, reference
        remembered = self._found.get(key)
        if remembered is None or remembered[0] < monotonic():
            template, version, content = await self._read(platform_code, reference)
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = (monotonic() + _REMEMBERED_SECONDS, template, version, content)
        else:
            _, template, version, content = remembered
        if template.app_number not in {None, app.number}:
            raise malformed("template", "没有此模板", "there is no such template")
        return template, version, content

    async def _read(self, platform_code: str, reference: str) -> tuple[Template, int, TemplateContent]:
        code, wanted = reference_of(reference)
        async with self._database.connection() as connection:
            template = await templates.find(connection, platform_code, code)
            if template is None:
                raise malformed("template", "没有此模板", "there is no such template")
            if template.archived_at is not None:
                raise malformed("template", "已归档", "is archived")
            version = template.live_version if wanted is None else wanted
            found = None if version is None else await templates.find_version(connection, template.number, version)
        if found is None or found.state != "approved":
            if wanted is not None:
                raise malformed("template", "没有此版本,或未通过审批", "has no such approved version")
            raise malformed("template", "没有可用的版本", "has no approved version")
        return template, found.version, found.content
