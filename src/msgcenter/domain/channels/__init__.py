"""Channels: how a message reaches people who are not looking at their inbox."""
