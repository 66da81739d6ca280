"""What users and apps do with mailboxes: read, set statuses, subscribe."""
