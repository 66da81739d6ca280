"""Queries about webhooks: endpoints, the outbox, deliveries."""
