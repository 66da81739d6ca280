"""The demo: an app that plays the main calls."""
