"""The transactions behind the actions: send, set status, pull, recall, update, decide approvals, fan out."""
