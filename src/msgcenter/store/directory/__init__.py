"""The directory: organisations, users, memberships, the intervals in which they count, and what apps may address."""
