"""The monitoring of the server for operators: call counters, health, metrics."""
