"""What the processes of several machines share in Redis or Valkey: counts for rate limits, and whether it answers."""
