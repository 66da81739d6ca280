"""Connections to other servers: the guarded network that webhooks and channels use."""
