"""Queries about platforms, apps, tokens, quotas and call counts."""
