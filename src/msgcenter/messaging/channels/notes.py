"""The notes that channels send: built from messages as they are now."""

from collections.abc import Sequence

from msgcenter.domain.channels.links import Links
from msgcenter.domain.channels.note import Note
from msgcenter.messaging.channels.note_of import digest_of, note_of
from msgcenter.messaging.channels.views import View


class Notes:
    """Builds notes with the links of an installation."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def note(self, views: Sequence[View]) -> Note:
        """Return the note of a message to a person, or the digest of several to the same person by one channel."""
        if len(views) == 1:
            return self._of_message(views[0])
        first = views[0]
        link = self._links.inbox(first.recipient, first.choices.inbox_url)
        return digest_of([self._of_message(view) for view in views], link=link)

    def _of_message(self, view: View) -> Note:
        checked = view.checked
        message = checked.message
        assert message is not None, "only messages that exist are sent"
        unsubscribe = None if checked.is_mandatory else self._links.unsubscribe(view.recipient, checked.channel)
        return note_of(
            message,
            checked.person,
            checked.channel,
            app_name=view.app.name,
            link=self._links.message(view.recipient, message.id, view.choices.inbox_url),
            unsubscribe_url=unsubscribe,
            urgency=checked.urgency,
            template=view.template,
        )
