"""Attacks on a running server, over raw sockets: tests, and a table by `python -m tests.attacks`."""
