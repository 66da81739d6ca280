"""What operators and users decide about channels."""
