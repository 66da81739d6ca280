"""Queries about the portal: people, sessions, invitations, members of apps, announcements, confirmations."""
