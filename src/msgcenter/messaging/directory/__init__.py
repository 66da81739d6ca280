"""The transactions that change the directory: organisations, users, memberships.

Each locks the platform's directory first, then makes users known, and takes positions of the cells' feeds last, in the
order of the cells. The memberships and paths that it opens or closes begin or end at these positions. Until the commit,
nobody can publish in the cells or read a later position. So who pulls a message sees all changes before it, and no
mailbox has to be locked (docs/decisions/0024-directory.md).
"""
