"""What a channel tells a person: a message, or several in a digest, in one language."""

from collections.abc import Mapping

from msgspec import Struct

from msgcenter.domain.content import Kind
from msgcenter.domain.language import Language


class Note(Struct, frozen=True, kw_only=True):
    """A message as a channel tells it to one person, in `language`.

    `title` is one line; `text` may have several, and may be empty. `head` and `colour` (AARRGGBB) are the head of a
    card, `fields` its rows (label and value). `link` opens the message in the inbox. `sender` is who sends it, in
    words. Times are ms since 1970; `time_zone` is the person's. `unsubscribe_url` turns the channel off with one click;
    None for mandatory messages. `digest` has the messages of a digest, newest first; then the other fields are of the
    digest. `parts` are the texts that a template has for the channel, by name (`subject`, `html`, `text`, …); they
    replace the default ones.
    """

    message_id: int
    kind: Kind
    language: Language
    title: str
    head: str = ""
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    image_url: str = ""
    colour: str = ""
    app_name: str = ""
    sender: str = ""
    sent_at: int = 0
    time_zone: str = "Asia/Shanghai"
    link: str = ""
    unsubscribe_url: str | None = None
    is_urgent: bool = False
    unread: int | None = None
    digest: tuple["Note", ...] = ()
    parts: Mapping[str, str] = {}
