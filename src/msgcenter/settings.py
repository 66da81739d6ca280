"""The settings: read from the environment once, checked, and passed on as a frozen object."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args
from urllib.parse import urlsplit
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
    ("apigateway", "eduopen", "healthz", "inbox", "metrics", "msgCenter", "oauth2", "openapi.json", "portal", "readyz")
)
"""First segments of the server's own paths. No base path starts with one, or paths would be ambiguous."""


class _Url(NamedTuple):
    prefixes: tuple[str, ...]
    example: str


_POSTGRES = _Url(("postgresql://", "postgres://"), "postgresql://user:password@host:5432/msgcenter")
_REDIS = _Url(("redis://", "rediss://", "unix://"), "redis://user:password@host:6379/0")


class SettingError(Exception):
    """A setting is invalid. The text is one line with its name, its value and the valid values."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of an installation. Times are in seconds, `slow_call_ms` in milliseconds.

    - `database_url`: None for the embedded PostgreSQL in `data_dir`; `secret_key`: None for the key stored there.
    - `direct_database_url`: the same database without a connection pooler, None if `database_url` leads to PostgreSQL
      itself.
    - `citus`: whether the database is distributed by Citus, over `citus_shards` shards. `citus_node_url`: a node other
      than the coordinator, for statements about one cell; None for the coordinator.
    - `redis_url`: the Redis or Valkey that all machines share, None for none.
    - `rate_limit`: calls per second of each app and API. `user_rate_limit`, `address_rate_limit`: requests per second
      outside the app API, of a user, and of an address without a valid token or session. `stream_limit`: live streams
      of a user. They apply to each server process; 0 means no limit.
    - `webhook_allow`: networks that webhooks may call although they are not public.
    - `time_zone`: time zone for displayed times; daily quotas reset at its midnight.
    - `statistics`: whether calls are counted.
    - `second_factor`: who must have one in the portal. None, if not set, means operators, but no one in a local demo.
    - `base_path`: the path of the website under which the server runs ("/msg"), "" for none.
    - `public_url`: the address of the server as people reach it, with its base path and without a slash at the end;
      links in mails and other channels begin with it. None for this machine, see `link_base`.
    - `trusted_proxies`: comma-separated addresses and networks whose X-Forwarded-… headers are used. The environment
      variable has uvicorn's name.
    - `header_timeout`: for all headers of a request; `body_timeout`: for a body or an answer without progress;
      `keep_alive`: for a connection between requests. `connection_limit`: connections of each process.
    """

    database_url: str | None = field(default=None, repr=False)
    direct_database_url: str | None = field(default=None, repr=False)
    citus: bool = False
    citus_shards: int = 32
    citus_node_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
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
    public_url: str | None = None
    trusted_proxies: str = "127.0.0.1"

    @property
    def link_base(self) -> str:
        """What links to this server begin with, without a slash at the end."""
        return self.public_url or f"http://127.0.0.1:{self.port}{self.base_path}"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment. Raises SettingError for the first invalid one."""
    reader = _Reader(os.environ if environment is None else environment)
    settings = Settings(
        database_url=reader.url("DATABASE_URL", _POSTGRES),
        direct_database_url=reader.url("DIRECT_DATABASE_URL", _POSTGRES),
        citus=reader.choice("CITUS", "off", ("on", "off")) == "on",
        citus_shards=reader.number("CITUS_SHARDS", Settings.citus_shards, 1, 1_024),
        citus_node_url=reader.url("CITUS_NODE_URL", _POSTGRES),
        redis_url=reader.url("REDIS_URL", _REDIS),
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
        public_url=reader.public_url("PUBLIC_URL"),
        trusted_proxies=reader.trusted_proxies(),
    )
    if settings.token_ttl < 2 * settings.clock_window:
        # A repeated token request gets the token of the first one, which must still be valid then.
        raise SettingError(
            f"{PREFIX}TOKEN_TTL is {settings.token_ttl}, but it takes at least twice {PREFIX}CLOCK_WINDOW "
            f"({settings.clock_window}), so at least {2 * settings.clock_window} seconds"
        )
    if settings.database_url is not None and settings.secret_key is None:
        raise SettingError(
            f"{PREFIX}SECRET_KEY is not set, but with {PREFIX}DATABASE_URL it takes at least {MINIMUM_SECRET} "
            "characters, the same for every process (make one: openssl rand -hex 32)"
        )
    if settings.direct_database_url is not None and settings.database_url is None:
        raise SettingError(
            f"{PREFIX}DIRECT_DATABASE_URL is set, but it takes {PREFIX}DATABASE_URL too, which leads to the same "
            "database through a connection pooler"
        )
    if settings.citus and settings.database_url is None:
        raise SettingError(
            f"{PREFIX}CITUS is on, but it takes {PREFIX}DATABASE_URL too, which leads to the coordinator"
        )
    if settings.citus_node_url is not None and not settings.citus:
        raise SettingError(f"{PREFIX}CITUS_NODE_URL is set, but it takes {PREFIX}CITUS=on too")
    return settings


def parsed_base_path(text: str) -> str | None:
    """Return a base path in its normal form: "/msg" for "/msg/", "" for "/"; None if it is invalid.

    It has segments of letters, digits and . _ ~ -, at most 200 characters in all, and does not start like one of the
    server's own paths.
    """
    path = text.strip().removesuffix("/")
    if not path:
        return ""
    fits = len(path) <= _MAX_BASE_PATH and _BASE_PATH.fullmatch(path)
    return path if fits and path.split("/")[1] not in OWN_PATHS else None


def default_data_dir() -> Path:
    """Return the default data folder: /var/lib/msgcenter for root, else the user's data folder."""
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
        value = self._get(name)
        if value and len(value.splitlines()) > 1:
            raise SettingError(f"{PREFIX}{name} is {value!r}, but it takes a path without line breaks")
        try:
            return Path(value).expanduser().absolute() if value else default
        except RuntimeError:
            raise SettingError(
                f"{PREFIX}{name} is {value!r}, but it takes a folder; there is no such user with a home folder"
            ) from None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self._get(name)
        if value is None:
            return default
        is_number = value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS
        if not (is_number and low <= int(value) <= high):
            shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
            raise SettingError(f"{PREFIX}{name} is {shown!r}, but it takes a whole number from {low} to {high}")
        return int(value)

    def optional_number(self, name: str, low: int, high: int) -> int | None:
        return None if self._get(name) is None else self.number(name, low, low, high)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = (self._get(name) or default).lower()
        if value not in allowed:
            raise SettingError(f"{PREFIX}{name} is {value!r}, but it takes one of {', '.join(allowed)}")
        return value

    def second_factor(self) -> SecondFactor | None:
        name = "SECOND_FACTOR"
        return None if self._get(name) is None else cast(SecondFactor, self.choice(name, "", get_args(SecondFactor)))

    def time_zone(self, name: str, default: str) -> str:
        value = self._get(name) or default
        try:
            ZoneInfo(value)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
            raise SettingError(
                f"{PREFIX}{name} is {shown!r}, but it takes a time zone, such as Asia/Shanghai"
            ) from None
        return value

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        parts = [part.strip() for part in (self._get(name) or "").split(",")]
        networks = []
        for part in filter(None, parts):
            try:
                networks.append(ip_network(part))
            except ValueError:
                shown = part if len(part) <= _SHOWN else part[:_SHOWN] + "…"
                raise SettingError(
                    f"{PREFIX}{name} has {shown!r}, but it takes addresses and networks, "
                    "such as 10.1.2.3,10.8.0.0/16,fd00::/8"
                ) from None
        return tuple(networks)

    def base_path(self, name: str) -> str:
        value = self._get(name) or ""
        path = parsed_base_path(value)
        if path is None:
            shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
            raise SettingError(
                f"{PREFIX}{name} is {shown!r}, but it takes a path such as /msg: letters, digits and . _ ~ - between "
                f"slashes, and not one that begins with {', '.join('/' + name for name in sorted(OWN_PATHS))}"
            )
        return path

    def public_url(self, name: str) -> str | None:
        value = self._get(name)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_valid, parts = False, urlsplit("")
        path = parsed_base_path(parts.path)
        if not is_valid or path is None or parts.username is not None or parts.query or parts.fragment:
            shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
            raise SettingError(
                f"{PREFIX}{name} is {shown!r}, but it takes the address of the server as people reach it, such as "
                "https://msg.example.org or https://www.example.org/msg"
            )
        return f"{parts.scheme}://{parts.netloc}{path}"

    def trusted_proxies(self) -> str:
        return self._environment.get("FORWARDED_ALLOW_IPS", "").strip() or Settings.trusted_proxies

    def secret(self, name: str) -> str | None:
        value = self._get(name)
        if value is not None and len(value) < MINIMUM_SECRET:
            raise SettingError(
                f"{PREFIX}{name} has {len(value)} characters, but it takes at least {MINIMUM_SECRET} "
                "(make one: openssl rand -hex 32)"
            )
        return value

    def url(self, name: str, kind: _Url) -> str | None:
        value = self._get(name)
        if value is not None and not value.startswith(kind.prefixes):
            # Do not echo a malformed URL: any part of it may be a password.
            scheme, separator, _ = value.partition("://")
            problem = f"begins with {scheme + separator!r}" if separator and scheme.isalnum() else "is no URL"
            raise SettingError(f"{PREFIX}{name} {problem}, but it takes a URL like {kind.example}")
        return value
