"""What users and apps do with mailboxes: read, search, set statuses, subscribe to topics."""
