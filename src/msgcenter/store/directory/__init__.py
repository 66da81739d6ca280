"""The directory: organisations, users, memberships, and the intervals in which they count."""
