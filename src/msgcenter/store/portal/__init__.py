"""Queries about the portal: people, sessions, announcements, confirmations."""
