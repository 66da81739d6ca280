"""`msgcenter app grant`: what an app may do with the directory, and whether it may send urgent messages."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from msgcenter.cli.actor import command_actor
from msgcenter.cli.console import fail, out, print_json, program
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from msgcenter.database.database import Database
    from msgcenter.store.apps.apps import AppRecord
    from msgcenter.store.directory.grant_changes import OrgGrant

GRANT_EXAMPLES = (
    "Examples:\n\n[bold]msgcenter app grant APP_ID --org school-1 --role tea --role par[/]\n\n"
    "[bold]msgcenter app grant APP_ID --directory[/]"
)


def grant(
    app_id: Annotated[str, typer.Argument(help="The app's appId.", metavar="APP_ID")],
    org: Annotated[
        list[str] | None,
        typer.Option(
            help="An organisation that it may address, with all below it; repeat it for several.", metavar="ORG_ID"
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="Only members with this role, such as tea; repeat it for several. Without, all members.",
            metavar="ROLE",
        ),
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take these organisations back.")] = False,
    directory: Annotated[
        bool | None,
        typer.Option("--directory/--no-directory", help="Allow or forbid the calls that change the directory."),
    ] = None,
    urgent: Annotated[
        bool | None,
        typer.Option("--urgent/--no-urgent", help="Allow or forbid messages of urgent types."),
    ] = None,
    platform: Annotated[
        str | None, typer.Option(help="The organisations' platform, if it is not the app's own.", metavar="CODE")
    ] = None,
    json: AsJson = False,
) -> None:
    """Set which organisations an app may address, whether it may change the directory and send urgent messages.

    By default, an app may do nothing of this. Without options, the command only shows.
    """
    from msgcenter.cli.database import on_database
    from msgcenter.domain.refusal import Reason, Refusal

    if not org and (role or revoke):
        raise fail("Name the organisations with --org ORG_ID.")
    if role and revoke:
        raise fail("--revoke takes whole organisations back. To allow fewer roles, grant the organisation again.")

    async def change(database: "Database") -> "tuple[AppRecord, list[OrgGrant]]":
        try:
            return await _change(
                database,
                app_id,
                org or [],
                role or None,
                revoke=revoke,
                directory=directory,
                urgent=urgent,
                platform=platform,
            )
        except Refusal as refusal:
            if refusal.reason is not Reason.APP_UNKNOWN:
                raise
            raise fail(f"There is no app with this appId. List all apps: {program()} app list") from None

    _print(app_id, *on_database(change), as_json=json)


async def _change(
    database: "Database",
    app_id: str,
    org_ids: list[str],
    roles: list[str] | None,
    *,
    revoke: bool,
    directory: bool | None,
    urgent: bool | None,
    platform: str | None,
) -> "tuple[AppRecord, list[OrgGrant]]":
    from msgcenter.actions.apps.app_settings import AppSettings
    from msgcenter.actions.directory.grants import AddressingGrants

    settings, grants, by = AppSettings(database), AddressingGrants(database), command_actor()
    for org_id in org_ids:
        if revoke:
            await grants.revoke(app_id, org_id, platform_code=platform, by=by)
        else:
            await grants.grant(app_id, org_id, roles, platform_code=platform, by=by)
    if directory is not None:
        await settings.set_directory(app_id, allowed=directory, by=by)
    if urgent is not None:
        await settings.set_urgent(app_id, allowed=urgent, by=by)
    record = await settings.set_inbox(app_id, by=by)
    return record, await grants.granted(app_id)


def _print(app_id: str, record: "AppRecord", granted: "list[OrgGrant]", *, as_json: bool) -> None:
    if as_json:
        organisations = [
            {"platformCode": it.platform_code, "orgId": it.org_id, "name": it.name, "roles": it.roles} for it in granted
        ]
        rights = {"directory": record.app.directory, "urgent": record.app.urgent}
        print_json({"appId": app_id, **rights, "organisations": organisations})
        return
    out.print(f"Directory API of {escape(app_id)}: {'allowed' if record.app.directory else 'not allowed'}")
    out.print(f"Urgent messages: {'allowed' if record.app.urgent else 'not allowed'}")
    if not granted:
        out.print("Organisations that it may address: none")
        return
    out.print("Organisations that it may address, each with all below it:")
    for it in granted:
        roles = "all members" if it.roles is None else ", ".join(it.roles)
        out.print(f"  {it.platform_code}  {it.org_id}  {it.name}: {roles}", markup=False, soft_wrap=True)
