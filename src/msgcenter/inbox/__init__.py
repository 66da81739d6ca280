"""The inbox for users: API, live stream, page and component (docs/inbox.md)."""
