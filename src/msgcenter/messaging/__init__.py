"""The transactions that make messages happen: send, set status, pull, recall, update, fan out."""
