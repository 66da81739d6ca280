"""The settings: the environment, read once, checked, frozen, passed down."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs

PREFIX = "MSGCENTER_"
MINIMUM_SECRET = 32
_MAX_DIGITS = 9
_SHOWN = 40
SecondFactor = Literal["operators", "everyone", "off"]
_LOG_LEVELS = ("debug", "info", "warning", "error")
_BASE_PATH = re.compile(r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_MAX_BASE_PATH = 200
OWN_PATHS = frozenset(
    ("apigateway", "healthz", "inbox", "metrics", "msgCenter", "oauth2", "openapi.json", "portal", "readyz")
)
"""How the server's own paths begin. No base path does, or nobody could tell whether a proxy has cut it off."""


class SettingError(Exception):
    """A setting cannot be used; the text is one line that names it, what it got and what it takes."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this installation runs. Times are seconds.

    `database_url` None means the embedded PostgreSQL in `data_dir`; `secret_key` None means the one kept there.
    `rate_limit` is calls per second for each app and API in each server process, 0 for none. `webhook_allow` are
    networks that webhooks may go to though they are not public. `user_rate_limit` and `address_rate_limit` are requests
    per second outside the app API, of a user and of an address without a valid token or session; `stream_limit` is
    live streams of a user. All three hold in each server process; 0 is no limit. `time_zone` is what the portal shows
    times in, and whose midnight a daily quota begins anew at. `statistics` is whether calls are counted.
    `second_factor` is who has to have one in the portal; None is what nobody has chosen: operators, and nobody in a
    demo on this machine. `base_path` is the path of the website under which everything is ("/msg"), "" if none;
    `trusted_proxies` are the addresses and networks whose X-Forwarded-… headers are believed, separated by commas,
    under the name that uvicorn gave it. `header_timeout` is for the whole head of a request, `body_timeout` for a body
    or an answer that makes no progress, `keep_alive` for a connection between requests; `connection_limit` is the
    connections that each process takes.
    """

    database_url: str | None = field(default=None, repr=False)
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    secret_key: str | None = field(default=None, repr=False)
    token_ttl: int = 7_200
    clock_window: int = 600
    user_token_ttl: int = 3_600
    rate_limit: int = 100
    user_rate_limit: int = 20
    address_rate_limit: int = 50
    stream_limit: int = 20
    queue_limit: int = 10_000
    database_connections: int = 10
    header_timeout: int = 20
    body_timeout: int = 30
    keep_alive: int = 75
    connection_limit: int = 10_000
    log_level: str = "info"
    webhook_allow: tuple[IPv4Network | IPv6Network, ...] = ()
    time_zone: str = "Asia/Shanghai"
    statistics: bool = True
    second_factor: SecondFactor | None = None
    access_log: bool = False
    slow_call_ms: int = 1_000
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    metrics_token: str | None = field(default=None, repr=False)
    base_path: str = ""
    trusted_proxies: str = "127.0.0.1"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that the environment asks for. Raises SettingError for the first wrong one."""
    reader = _Reader(os.environ if environment is None else environment)
    settings = Settings(
        database_url=reader.database_url(),
        data_dir=reader.folder("DATA_DIR", default_data_dir()),
        host=reader.text("HOST", Settings.host),
        port=reader.number("PORT", Settings.port, 0, 65_535),
        secret_key=reader.secret("SECRET_KEY"),
        token_ttl=reader.number("TOKEN_TTL", Settings.token_ttl, 60, 30 * 86_400),
        clock_window=reader.number("CLOCK_WINDOW", Settings.clock_window, 5, 86_400),
        user_token_ttl=reader.number("USER_TOKEN_TTL", Settings.user_token_ttl, 60, 86_400),
        rate_limit=reader.number("RATE_LIMIT", Settings.rate_limit, 0, 1_000_000),
        user_rate_limit=reader.number("USER_RATE_LIMIT", Settings.user_rate_limit, 0, 1_000_000),
        address_rate_limit=reader.number("ADDRESS_RATE_LIMIT", Settings.address_rate_limit, 0, 1_000_000),
        stream_limit=reader.number("STREAM_LIMIT", Settings.stream_limit, 0, 10_000),
        queue_limit=reader.number("QUEUE_LIMIT", Settings.queue_limit, 1, 1_000_000),
        database_connections=reader.number("DATABASE_CONNECTIONS", Settings.database_connections, 4, 1_000),
        header_timeout=reader.number("HEADER_TIMEOUT", Settings.header_timeout, 1, 600),
        body_timeout=reader.number("BODY_TIMEOUT", Settings.body_timeout, 1, 600),
        keep_alive=reader.number("KEEP_ALIVE", Settings.keep_alive, 1, 3_600),
        connection_limit=reader.number("CONNECTION_LIMIT", Settings.connection_limit, 16, 1_000_000),
        log_level=reader.choice("LOG_LEVEL", Settings.log_level, _LOG_LEVELS),
        webhook_allow=reader.networks("WEBHOOK_ALLOW"),
        time_zone=reader.time_zone("TIME_ZONE", Settings.time_zone),
        statistics=reader.choice("STATISTICS", "on", ("on", "off")) == "on",
        second_factor=reader.second_factor(),
        access_log=reader.choice("ACCESS_LOG", "off", ("on", "off")) == "on",
        slow_call_ms=reader.number("SLOW_CALL_MS", Settings.slow_call_ms, 0, 600_000),
        metrics_host=reader.text("METRICS_HOST", Settings.metrics_host),
        metrics_port=reader.optional_number("METRICS_PORT", 1, 65_535),
        metrics_token=reader.secret("METRICS_TOKEN"),
        base_path=reader.base_path("BASE_PATH"),
        trusted_proxies=reader.trusted_proxies(),
    )
    if settings.token_ttl < 2 * settings.clock_window:
        # A repeated token request is answered with the first one's token, which must still be alive then.
        raise SettingError(
            f"{PREFIX}TOKEN_TTL is {settings.token_ttl}, but it takes at least twice {PREFIX}CLOCK_WINDOW "
            f"({settings.clock_window}), so at least {2 * settings.clock_window} seconds"
        )
    if settings.database_url is not None and settings.secret_key is None:
        raise SettingError(
            f"{PREFIX}SECRET_KEY is not set, but with {PREFIX}DATABASE_URL it takes at least {MINIMUM_SECRET} "
            "characters, the same for every process (make one: openssl rand -hex 32)"
        )
    return settings


def parsed_base_path(given: str) -> str | None:
    """Return a base path as it is used: "/msg" for "/msg/", "" for "/"; None if it is no base path.

    It is made of segments of letters, digits and . _ ~ -, at most 200 characters, and does not begin as one of the
    server's own paths does.
    """
    path = given.strip().removesuffix("/")
    if not path:
        return ""
    fits = len(path) <= _MAX_BASE_PATH and _BASE_PATH.fullmatch(path)
    return path if fits and path.split("/")[1] not in OWN_PATHS else None


def default_data_dir() -> Path:
    """Return the folder for data when none is given: /var/lib/msgcenter as root, else the user's data folder."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/msgcenter")
    return platformdirs.user_data_path("msgcenter", appauthor=False)


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def _get(self, name: str) -> str | None:
        return self._environment.get(PREFIX + name, "").strip() or None

    def text(self, name: str, default: str) -> str:
        return self._get(name) or default

    def folder(self, name: str, default: Path) -> Path:
        given = self._get(name)
        if given and len(given.splitlines()) > 1:
            raise SettingError(f"{PREFIX}{name} is {given!r}, but it takes a path without line breaks")
        try:
            return Path(given).expanduser().absolute() if given else default
        except RuntimeError:
            raise SettingError(
                f"{PREFIX}{name} is {given!r}, but it takes a folder; there is no such user with a home folder"
            ) from None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        given = self._get(name)
        if given is None:
            return default
        digits = given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS
        if not (digits and low <= int(given) <= high):
            shown = given if len(given) <= _SHOWN else given[:_SHOWN] + "…"
            raise SettingError(f"{PREFIX}{name} is {shown!r}, but it takes a whole number from {low} to {high}")
        return int(given)

    def optional_number(self, name: str, low: int, high: int) -> int | None:
        return None if self._get(name) is None else self.number(name, low, low, high)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        given = (self._get(name) or default).lower()
        if given not in allowed:
            raise SettingError(f"{PREFIX}{name} is {given!r}, but it takes one of {', '.join(allowed)}")
        return given

    def second_factor(self) -> SecondFactor | None:
        name = "SECOND_FACTOR"
        return None if self._get(name) is None else cast(SecondFactor, self.choice(name, "", get_args(SecondFactor)))

    def time_zone(self, name: str, default: str) -> str:
        given = self._get(name) or default
        try:
            ZoneInfo(given)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            shown = given if len(given) <= _SHOWN else given[:_SHOWN] + "…"
            raise SettingError(
                f"{PREFIX}{name} is {shown!r}, but it takes a time zone, such as Asia/Shanghai"
            ) from None
        return given

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        parts = [part.strip() for part in (self._get(name) or "").split(",")]
        found = []
        for part in filter(None, parts):
            try:
                found.append(ip_network(part))
            except ValueError:
                shown = part if len(part) <= _SHOWN else part[:_SHOWN] + "…"
                raise SettingError(
                    f"{PREFIX}{name} has {shown!r}, but it takes addresses and networks, "
                    "such as 10.1.2.3,10.8.0.0/16,fd00::/8"
                ) from None
        return tuple(found)

    def base_path(self, name: str) -> str:
        given = self._get(name) or ""
        path = parsed_base_path(given)
        if path is None:
            shown = given if len(given) <= _SHOWN else given[:_SHOWN] + "…"
            raise SettingError(
                f"{PREFIX}{name} is {shown!r}, but it takes a path such as /msg: letters, digits and . _ ~ - between "
                f"slashes, and not one that begins with {', '.join('/' + name for name in sorted(OWN_PATHS))}"
            )
        return path

    def trusted_proxies(self) -> str:
        return self._environment.get("FORWARDED_ALLOW_IPS", "").strip() or Settings.trusted_proxies

    def secret(self, name: str) -> str | None:
        given = self._get(name)
        if given is not None and len(given) < MINIMUM_SECRET:
            raise SettingError(
                f"{PREFIX}{name} has {len(given)} characters, but it takes at least {MINIMUM_SECRET} "
                "(make one: openssl rand -hex 32)"
            )
        return given

    def database_url(self) -> str | None:
        given = self._get("DATABASE_URL")
        if given is not None and not given.startswith(("postgresql://", "postgres://")):
            # Of something that is no URL, every part may be a password.
            scheme, separator, _ = given.partition("://")
            got = f"begins with {scheme + separator!r}" if separator and scheme.isalnum() else "is no URL"
            raise SettingError(
                f"{PREFIX}DATABASE_URL {got}, but it takes a URL like postgresql://user:password@host:5432/msgcenter"
            )
        return given
