"""A peer in the same run: django-notifications-hq under gunicorn, in a Python environment of its own."""
