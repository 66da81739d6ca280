"""All mutations, by subject."""

from tests.mutations import apps, channels, clients, database, directory, limits, mailboxes, messages, pages, webhooks

MUTATIONS = (
    *apps.MUTATIONS,
    *limits.MUTATIONS,
    *messages.MUTATIONS,
    *mailboxes.MUTATIONS,
    *database.MUTATIONS,
    *channels.MUTATIONS,
    *webhooks.MUTATIONS,
    *pages.MUTATIONS,
    *clients.MUTATIONS,
    *directory.MUTATIONS,
)
