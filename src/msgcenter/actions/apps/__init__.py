"""Apps and platforms: registration, keys, tokens, rights, statistics."""
