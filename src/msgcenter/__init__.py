"""MsgCenter: a self-hosted message centre."""

__version__ = "0.1.0"
