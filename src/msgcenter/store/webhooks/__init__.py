"""Queries about webhooks: their registration, the outbox of events, deliveries.

In the schema, a webhook is a row of `webhook_endpoint`, its public id is `endpoint_id`, and the public id of a delivery
is `webhook_delivery.webhook_id`.
"""
