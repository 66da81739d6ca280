"""The demo's mail catcher: a mail server that keeps what it gets in memory, and a page that shows it."""
