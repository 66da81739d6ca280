"""The wire protocol for apps (docs/protocol.md): HTTP and JSON in, actions, envelopes out."""
