"""The composition root: the only package that imports every layer. `wiring.application` is the ASGI application."""
