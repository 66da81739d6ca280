"""Webhooks of apps: registered, changed, tested, replayed."""
