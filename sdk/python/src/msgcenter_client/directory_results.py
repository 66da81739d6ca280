"""The results of the calls about the directory."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

Membership: TypeAlias = tuple[str, str, str]
"""An organisation, a user and a role: `("class-3a", "parent-wang", "par")`."""


class InvalidItem(Struct, frozen=True):
    """An item that was not applied.

    index: its place among the items of the call, from 0. field: the field that is wrong. reason: why.
    """

    index: int
    field: str
    reason: str


class DirectoryChange(Struct, frozen=True):
    """What a call has changed.

    changed: the number of organisations, users or memberships that are different now.
    invalid_items: the items that could not be applied; the others were.
    """

    changed: int
    invalid_items: tuple[InvalidItem, ...] = ()


class Org(Struct, frozen=True):
    """An organisation. kind: the platform's own word, such as school or class; it may be ""."""

    id: str
    kind: str
    name: str


class OrgDetails(Struct, frozen=True):
    """An organisation and its place in the tree.

    org, parent: the organisation and the one above it; None for the top and above it.
    members: how many members the organisation itself has, by role.
    """

    org: Org | None
    parent: Org | None
    members: Mapping[str, int]


class Member(Struct, frozen=True):
    """A role of a user in an organisation. name: "" if the directory knows none."""

    org_id: str
    user_id: str
    role: str
    name: str
    disabled: bool
