"""Queries about channels: gateways, contacts, policies, plans, deliveries."""
