"""The transactions that send messages elsewhere."""
