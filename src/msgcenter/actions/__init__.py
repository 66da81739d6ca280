"""Every state change and every permission check."""
