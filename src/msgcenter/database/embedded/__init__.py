"""The embedded PostgreSQL: the server of a wheel, run on the data folder while a process needs it."""
