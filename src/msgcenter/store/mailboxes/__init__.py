"""Queries about mailboxes: pages, the feed, receipts, topics, known users."""
