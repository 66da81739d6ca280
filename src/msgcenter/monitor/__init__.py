"""What goes on in the server's processes, for operators: totals of calls, health, metrics."""
