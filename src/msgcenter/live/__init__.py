"""Tells whoever watches that mailboxes have changed."""
