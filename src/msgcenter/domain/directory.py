"""The directory: a platform's organisations in a tree, its users, and who has which role in which organisation.

A change names what it sets; None keeps what is there. Memberships and the tree are intervals of feed positions
(docs/decisions/0024-directory.md).
"""

from typing import NamedTuple

from msgcenter.domain.channels.contacts import Contacts

NEVER = 2**62 - 1
"""The position from which the memberships of a disabled user count: after every message."""
MAX_DEPTH = 12
"""Levels of the tree of organisations; a top organisation is at level 1."""
MAX_ITEMS = 1_000
"""Maximum of items in a call that changes the directory."""
MAX_ORG_ID = 64
MAX_KIND = 32
MAX_ROLE = 16
MAX_NAME = 128
MAX_LOCALE = 35
MAX_TIME_ZONE = 64
MAX_ORG_IDS = 100
"""Maximum of organisations that a message is addressed to."""
MAX_ROLES = 20
"""Maximum of roles that a message is addressed to."""
BLOCK = 2_000
"""Maximum of memberships that a transaction changes in a cell, so that messages wait for milliseconds only."""


class Org(NamedTuple):
    """An organisation. `parent_id` is "" for a top organisation; `kind` is the platform's own word, or ""."""

    org_id: str
    parent_id: str
    kind: str
    name: str


class OrgChange(NamedTuple):
    """What to set in an organisation, which may be new: then `name` is needed, and it is a top organisation by default.

    `parent_id` "" makes it a top organisation. With `deleted`, the other fields do not count.
    """

    org_id: str
    parent_id: str | None = None
    kind: str | None = None
    name: str | None = None
    deleted: bool = False


class DirectoryUser(NamedTuple):
    """A user of the directory; "" is an unknown name, locale or time zone.

    Messages to organisations do not reach a user who is disabled.
    """

    user_id: str
    name: str = ""
    locale: str = ""
    time_zone: str = ""
    disabled: bool = False


class UserChange(NamedTuple):
    """What to set for a user, who may be new to the directory.

    `contacts` are the contact points to set. `deleted` ends the memberships and removes the user from the directory,
    with all contact points; the mailbox stays.
    """

    user_id: str
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    disabled: bool | None = None
    deleted: bool = False
    contacts: Contacts = ()

    def applied_to(self, user: DirectoryUser) -> DirectoryUser:
        """Return the user after the change."""
        return DirectoryUser(
            user.user_id,
            user.name if self.name is None else self.name,
            user.locale if self.locale is None else self.locale,
            user.time_zone if self.time_zone is None else self.time_zone,
            user.disabled if self.disabled is None else self.disabled,
        )


class Membership(NamedTuple):
    """A role of a user in an organisation."""

    org_id: str
    user_id: str
    role: str


class FormerMembership(NamedTuple):
    """A membership to end; `role` None ends all roles of the user in the organisation."""

    org_id: str
    user_id: str
    role: str | None = None
