"""Queries about messages: bodies, audiences, idempotency keys, jobs."""
