"""What the HTTP surfaces share: limits outside the app API, checks of addresses, files, headers of every answer."""
