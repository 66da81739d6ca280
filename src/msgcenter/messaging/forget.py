"""Removing a person: what is known of a user goes, and read states stay under an anonymous id."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Recipient
from msgcenter.domain.directory import UserChange
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.messaging.pull import pull_within
from msgcenter.store.channels import contacts, due_plans
from msgcenter.store.channels import forgetting as channels
from msgcenter.store.directory import members
from msgcenter.store.mailboxes import forgetting
from msgcenter.store.mailboxes.forgetting import ChunkPlace, Replacement


class Removed(NamedTuple):
    """How much of a user was removed or made anonymous.

    `entries` are the messages in the mailbox, `audiences` the lists of receivers that named the user, `waiting` the
    messages that were on their way by a channel.
    """

    is_known: bool
    in_directory: bool
    memberships: int
    entries: int
    audiences: int
    subscriptions: int
    contacts: int
    browsers: int
    preferences: bool
    waiting: int


async def forget(
    connection: Connection, recipient: Recipient, anonymous_id: str, chunks: Sequence[ChunkPlace], now: int
) -> Removed:
    """Remove a user, and put `anonymous_id`, which is in the same cell, in the user's place where receipts need one.

    `chunks` are the audience chunks that contain the user. Runs inside a transaction; `now` is ms since 1970.
    """
    platform, cell, user_id = recipient.platform, recipient.cell, recipient.user_id
    replacement = Replacement(cell, user_id, anonymous_id)
    # Parts that planners have computed for this user are computed again. First, because planners hold these rows before
    # others.
    await due_plans.end_leases(connection, platform.first_cell, now)
    memberships = len(await members.of_users(connection, cell, [user_id]))
    points = await contacts.remove_all(connection, cell, [user_id])
    in_directory = await change_users(connection, platform, [UserChange(user_id, deleted=True)])
    # What was published until now is the mailbox's; receipts know it by what it has pulled.
    await pull_within(connection, recipient, now)
    ids = await forgetting.message_ids(connection, cell, user_id)
    await forgetting.rename_approver(connection, platform.first_cell, ids, replacement)
    subscriptions = await forgetting.end_subscriptions(connection, replacement)
    await forgetting.rename_members(connection, replacement)
    audiences = await forgetting.rename_in_chunks(connection, replacement, chunks)
    browsers = await channels.remove_subscriptions(connection, cell, user_id)
    preferences = await channels.remove_preferences(connection, cell, user_id)
    waiting = await channels.remove_waiting(connection, cell, user_id)
    await channels.rename_settled(connection, cell, user_id, anonymous_id)
    entries = await forgetting.rename_pages(connection, replacement)
    return Removed(
        is_known=await forgetting.rename_mailbox(connection, replacement),
        in_directory=bool(in_directory),
        memberships=memberships,
        entries=entries,
        audiences=audiences,
        subscriptions=subscriptions,
        contacts=points,
        browsers=browsers,
        preferences=preferences,
        waiting=waiting,
    )
