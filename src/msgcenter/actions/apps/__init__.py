"""Apps and platforms: registration, keys, tokens, permissions, statistics."""
