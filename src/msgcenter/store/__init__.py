"""The queries: one function for each, in packages by subject. No rules and no permissions."""
