"""Queries about retention: the rules of platforms, and the removal of old messages."""
