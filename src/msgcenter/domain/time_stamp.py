"""The `timeStamp` of a token request: milliseconds or seconds since 1970."""

_SECONDS_DIGITS = 11


def milliseconds_of(timestamp: str) -> int:
    """Return the time that digits mean, in ms since 1970: up to 11 digits are seconds."""
    return int(timestamp) * (1_000 if len(timestamp) <= _SECONDS_DIGITS else 1)
