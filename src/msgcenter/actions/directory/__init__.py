"""The directory: changing and reading it, importing and exporting it."""
