"""Queries about platforms, apps, tokens, quotas, grant requests and call counts."""
