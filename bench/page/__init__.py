"""How fast pages open in a browser on a slow network (`make bench-page`)."""
