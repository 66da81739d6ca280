"""Options and arguments that several commands have."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]

# --- Commands that call a running server as an app --------------------------------------------------------------------

DEFAULT_SERVER = "http://127.0.0.1:8080"
CREDENTIALS = "Set the app's credentials in MSGCENTER_APP_ID and MSGCENTER_APP_KEY."

Server = Annotated[str, typer.Option(help="The server's URL.", envvar="MSGCENTER_SERVER", metavar="URL")]
AppId = Annotated[str, typer.Option(help="The app's appId.", envvar="MSGCENTER_APP_ID", metavar="ID")]
AppKey = Annotated[str, typer.Option(help="The app's appKey.", envvar="MSGCENTER_APP_KEY", metavar="KEY")]
PlatformCode = Annotated[
    str | None, typer.Option(help="The users' platform, if it is not the app's own.", metavar="CODE")
]
MessageId = Annotated[str, typer.Argument(help="A message id, as printed by send.", metavar="MESSAGE_ID")]
MessageIds = Annotated[list[str], typer.Argument(help="Message ids, as printed by send.", metavar="MESSAGE_ID")]

# --- The content of a message -----------------------------------------------------------------------------------------

Title = Annotated[str | None, typer.Option(help="Title; makes the message a link (needs --url).", metavar="TEXT")]
Head = Annotated[str | None, typer.Option(help="Head line; makes it an oa card (needs --url).", metavar="TEXT")]
Url = Annotated[str | None, typer.Option(help="Target of a click, on PC and phone.", metavar="URL")]
AppUrl = Annotated[str | None, typer.Option(help="Target of a click on the phone, if different.", metavar="URL")]
Image = Annotated[str | None, typer.Option(help="A picture (JPG or PNG).", metavar="URL")]
BusinessId = Annotated[str, typer.Option(help="Id of the business object in your own system.", metavar="ID")]
