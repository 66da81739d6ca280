"""What apps do with messages: send, report, recall, update."""
