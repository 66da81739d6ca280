"""Background work: jobs that deliver large and scheduled messages, and the delivery of webhooks."""
