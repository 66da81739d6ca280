"""What apps do with messages: send, query, recall, update, remind."""
