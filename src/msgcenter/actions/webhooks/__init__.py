"""Webhooks of apps: registration and deliveries."""
