"""The settings: defaults, allowed values, and the errors for wrong values."""

import os
import re
from dataclasses import fields
from pathlib import Path

import platformdirs
import pytest

from msgcenter.settings import SettingError, Settings, default_data_dir, read_settings

URL = "postgresql://user:hunter2@db.example.org:5432/msgcenter"
SECRET = "s" * 32
BOTH = {"MSGCENTER_DATABASE_URL": URL, "MSGCENTER_SECRET_KEY": SECRET}


def read(**variables: str) -> Settings:
    """Return the settings for some variables, named without their prefix."""
    return read_settings({f"MSGCENTER_{name}": value for name, value in variables.items()})


def refused(**variables: str) -> str:
    """Return the error for some variables."""
    with pytest.raises(SettingError) as wrong:
        read(**variables)
    text = str(wrong.value)
    assert "\n" not in text
    return text


def test_an_empty_environment_gives_these_defaults() -> None:
    assert read() == Settings(
        database_url=None,
        direct_database_url=None,
        redis_url=None,
        data_dir=default_data_dir(),
        host="127.0.0.1",
        port=8_080,
        secret_key=None,
        token_ttl=7_200,
        clock_window=600,
        user_token_ttl=3_600,
        rate_limit=100,
        user_rate_limit=20,
        address_rate_limit=50,
        stream_limit=20,
        queue_limit=10_000,
        database_connections=10,
        header_timeout=20,
        body_timeout=30,
        keep_alive=75,
        connection_limit=10_000,
        log_level="info",
        webhook_allow=(),
        time_zone="Asia/Shanghai",
        statistics=True,
        second_factor=None,
        access_log=False,
        slow_call_ms=1_000,
        metrics_host="127.0.0.1",
        metrics_port=None,
        metrics_token=None,
        base_path="",
        public_url=None,
        trusted_proxies="127.0.0.1",
    )


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSGCENTER_PORT", "9999")
    assert read_settings().port == 9_999
    assert read_settings({}).port == 8_080


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("https://msg.example.org", "https://msg.example.org"),
        ("https://msg.example.org/", "https://msg.example.org"),
        ("http://10.1.2.3:8080", "http://10.1.2.3:8080"),
        ("https://www.example.org/msg/", "https://www.example.org/msg"),
    ],
)
def test_links_begin_with_the_public_url(setting: str, url: str) -> None:
    assert read(PUBLIC_URL=setting).link_base == url


def test_without_a_public_url_links_lead_to_this_machine() -> None:
    assert read(PORT="9999", BASE_PATH="/msg").link_base == "http://127.0.0.1:9999/msg"


@pytest.mark.parametrize(
    "setting",
    [
        "msg.example.org",
        "ftp://msg.example.org",
        "https://",
        "https://msg.example.org:port",
        "https://user:secret@msg.example.org",
        "https://msg.example.org/?a=1",
        "https://msg.example.org/#top",
        "https://msg.example.org/inbox",
        "https://msg.example.org/a b",
    ],
)
def test_an_invalid_public_url_is_refused(setting: str) -> None:
    assert "such as https://msg.example.org" in refused(PUBLIC_URL=setting)


@pytest.mark.parametrize(("user", "root"), [(0, True), (1_000, False)])
def test_the_data_folder_is_a_system_or_a_user_directory(
    user: int, root: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    users_own = platformdirs.user_data_path("msgcenter", appauthor=False)
    assert default_data_dir() == (Path("/var/lib/msgcenter") if root else users_own)


def test_a_data_folder_may_be_relative_or_in_a_home() -> None:
    assert read(DATA_DIR="data").data_dir == Path.cwd() / "data"
    assert read(DATA_DIR="~/data").data_dir == Path.home() / "data"
    assert read(DATA_DIR="/srv/data").data_dir == Path("/srv/data")


def test_a_data_folder_of_an_unknown_user_is_refused() -> None:
    text = refused(DATA_DIR="~no-such-user/data")
    assert text.startswith("MSGCENTER_DATA_DIR is '~no-such-user/data', but it takes ")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read(PORT="", HOST=" ", SECRET_KEY="", DATABASE_URL="", LOG_LEVEL="", DATA_DIR="") == read()


NUMBERS = [
    ("PORT", 0, 65_535),
    ("TOKEN_TTL", 60, 2_592_000),
    ("CLOCK_WINDOW", 5, 86_400),
    ("USER_TOKEN_TTL", 60, 86_400),
    ("RATE_LIMIT", 0, 1_000_000),
    ("USER_RATE_LIMIT", 0, 1_000_000),
    ("ADDRESS_RATE_LIMIT", 0, 1_000_000),
    ("STREAM_LIMIT", 0, 10_000),
    ("QUEUE_LIMIT", 1, 1_000_000),
    ("DATABASE_CONNECTIONS", 4, 1_000),
    ("HEADER_TIMEOUT", 1, 600),
    ("BODY_TIMEOUT", 1, 600),
    ("KEEP_ALIVE", 1, 3_600),
    ("CONNECTION_LIMIT", 16, 1_000_000),
    ("SLOW_CALL_MS", 0, 600_000),
]


@pytest.mark.parametrize(("name", "low", "high"), NUMBERS)
def test_a_number_may_equal_its_bounds(name: str, low: int, high: int) -> None:
    for value in (low, high):
        # The life of a token and the window of the clock depend on each other; another test covers that.
        others = {"TOKEN_TTL": {"CLOCK_WINDOW": "5"}, "CLOCK_WINDOW": {"TOKEN_TTL": "2592000"}}.get(name, {})
        read_values = read(**{name: f" {value} "}, **others)
        assert getattr(read_values, name.lower()) == value


@pytest.mark.parametrize(("name", "low", "high"), NUMBERS)
@pytest.mark.parametrize("value", ["-1", "1.5", "1e3", "ten", "0x10", "1_000", "٣", "²", "9" * 30, "9" * 5_000])
def test_a_wrong_number_is_refused_in_one_line(name: str, low: int, high: int, value: str) -> None:
    text = refused(**{name: value})
    assert text.startswith(f"MSGCENTER_{name} is {value[:20]!r}"[:-1])
    assert text.endswith(f"but it takes a whole number from {low} to {high}")
    assert len(text) < 200


@pytest.mark.parametrize(("name", "low", "high"), NUMBERS)
def test_a_number_outside_its_bounds_is_refused(name: str, low: int, high: int) -> None:
    for value in {str(high + 1), str(max(0, low - 1))} - {str(low)}:
        assert refused(**{name: value}) == (
            f"MSGCENTER_{name} is {value!r}, but it takes a whole number from {low} to {high}"
        )


@pytest.mark.parametrize(("value", "on"), [("on", True), ("off", False), ("OFF", False)])
def test_statistics_are_on_or_off(value: str, *, on: bool) -> None:
    assert read(STATISTICS=value).statistics is on


def test_other_values_of_a_switch_are_refused() -> None:
    assert refused(STATISTICS="no") == "MSGCENTER_STATISTICS is 'no', but it takes one of on, off"


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "INFO", "Warning"])
def test_log_levels_are_read_in_any_case(level: str) -> None:
    assert read(LOG_LEVEL=level).log_level == level.lower()


def test_another_log_level_is_refused() -> None:
    text = refused(LOG_LEVEL="trace")
    assert text == "MSGCENTER_LOG_LEVEL is 'trace', but it takes one of debug, info, warning, error"


# --- Tokens and the clock -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ttl", "window"), [("1200", "600"), ("60", "30"), ("172800", "86400")])
def test_a_token_outlives_both_sides_of_the_window(ttl: str, window: str) -> None:
    assert read(TOKEN_TTL=ttl, CLOCK_WINDOW=window).token_ttl == int(ttl)


@pytest.mark.parametrize(("ttl", "window"), [("1199", "600"), ("60", "31")])
def test_a_token_that_would_end_within_the_window_is_refused(ttl: str, window: str) -> None:
    text = refused(TOKEN_TTL=ttl, CLOCK_WINDOW=window)
    assert text.startswith(f"MSGCENTER_TOKEN_TTL is {ttl}, but it takes at least twice MSGCENTER_CLOCK_WINDOW")
    assert f"at least {2 * int(window)} seconds" in text


# --- Networks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "networks"),
    [
        ("", []),
        ("10.1.2.3", ["10.1.2.3/32"]),
        (" 127.0.0.0/8 , ::1,", ["127.0.0.0/8", "::1/128"]),
        ("fd00::/8", ["fd00::/8"]),
    ],
)
def test_networks_allowed_for_webhooks(setting: str, networks: list[str]) -> None:
    assert [str(network) for network in read(WEBHOOK_ALLOW=setting).webhook_allow] == networks


@pytest.mark.parametrize("part", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "*", "1" * 99])
def test_a_wrong_network_is_refused(part: str) -> None:
    text = refused(WEBHOOK_ALLOW=f"127.0.0.1,{part}")
    assert text.startswith(f"MSGCENTER_WEBHOOK_ALLOW has {part[:20]!r}"[:-1])
    assert "but it takes addresses and networks, such as 10.1.2.3,10.8.0.0/16" in text


# --- Secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_an_external_database_needs_a_secret_key(scheme: str) -> None:
    url = f"{scheme}://db.example.org/msgcenter"
    complete = read(DATABASE_URL=url, SECRET_KEY=SECRET)
    assert (complete.database_url, complete.secret_key) == (url, SECRET)
    text = refused(DATABASE_URL=url)
    assert text.startswith("MSGCENTER_SECRET_KEY is not set, but with MSGCENTER_DATABASE_URL it takes at least 32 ")
    assert "openssl rand -hex 32" in text


def test_the_embedded_database_accepts_a_secret_key() -> None:
    assert read(SECRET_KEY=SECRET).secret_key == SECRET


def test_a_short_secret_key_is_refused_and_not_shown() -> None:
    text = refused(SECRET_KEY="hunter2")
    assert text.startswith("MSGCENTER_SECRET_KEY has 7 characters, but it takes at least 32 ")
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:hunter2@db/msgcenter",
        "user:hunter2@db/msgcenter",
        "hunter2@db/msgcenter",
        "hunter2",
        "//hunter2",
        "http://hunter2@db",
        "postgresql:hunter2@db",
        "dbname=msgcenter password=hunter2",
    ],
)
def test_a_wrong_database_url_is_refused_without_its_password(url: str) -> None:
    text = refused(DATABASE_URL=url, SECRET_KEY=SECRET)
    assert text.startswith("MSGCENTER_DATABASE_URL ")
    assert text.endswith("but it takes a URL like postgresql://user:password@host:5432/msgcenter")
    assert "hunter2" not in text
    assert SECRET not in text


def test_a_direct_url_belongs_to_the_url_of_a_pooler() -> None:
    assert read(DATABASE_URL=URL, DIRECT_DATABASE_URL=URL + "2", SECRET_KEY=SECRET).direct_database_url == URL + "2"
    text = refused(DIRECT_DATABASE_URL=URL)
    assert text.startswith("MSGCENTER_DIRECT_DATABASE_URL is set, but it takes MSGCENTER_DATABASE_URL too")
    assert "hunter2" not in text


def test_citus_needs_the_url_of_its_coordinator() -> None:
    settings = read(DATABASE_URL=URL, SECRET_KEY=SECRET, CITUS="on", CITUS_SHARDS="64")
    assert (settings.citus, settings.citus_shards) == (True, 64)
    assert not read().citus
    node = read(DATABASE_URL=URL, SECRET_KEY=SECRET, CITUS="on", CITUS_NODE_URL="postgresql://w1,w2:5433/msgcenter")
    assert node.citus_node_url == "postgresql://w1,w2:5433/msgcenter"
    assert refused(CITUS_NODE_URL=URL).startswith("MSGCENTER_CITUS_NODE_URL is set, but it takes MSGCENTER_CITUS=on")
    assert refused(CITUS="on").startswith("MSGCENTER_CITUS is on, but it takes MSGCENTER_DATABASE_URL too")


@pytest.mark.parametrize(
    "url", ["redis://:hunter2@cache:6379/0", "rediss://user:hunter2@cache/1", "unix:///run/redis.sock?password=hunter2"]
)
def test_a_redis_url_is_kept_and_not_shown(url: str) -> None:
    settings = read(REDIS_URL=url)
    assert settings.redis_url == url
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("url", ["cache:hunter2", "http://hunter2@cache", "hunter2"])
def test_a_wrong_redis_url_is_refused_without_its_password(url: str) -> None:
    text = refused(REDIS_URL=url)
    assert text.startswith("MSGCENTER_REDIS_URL ")
    assert text.endswith("but it takes a URL like redis://user:password@host:6379/0")
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "wrong", [{"PORT": "x"}, {"TOKEN_TTL": "60"}, {"LOG_LEVEL": "x"}, {"DATABASE_CONNECTIONS": "1"}]
)
def test_errors_about_other_variables_show_no_secret(wrong: dict[str, str]) -> None:
    text = refused(DATABASE_URL=URL, SECRET_KEY=SECRET, **wrong)
    assert "hunter2" not in text
    assert SECRET not in text


def test_printed_settings_hide_their_secrets() -> None:
    shown = repr(read_settings(BOTH))
    assert "hunter2" not in shown
    assert SECRET not in shown


def test_metrics_have_a_separate_port_only_if_configured() -> None:
    assert read(METRICS_PORT="9464").metrics_port == 9_464
    for wrong in ("0", "65536", "x", "-1"):
        assert refused(METRICS_PORT=wrong).startswith(f"MSGCENTER_METRICS_PORT is {wrong!r}, but it takes a whole")


def test_a_short_metrics_token_is_refused_and_not_shown() -> None:
    text = refused(METRICS_TOKEN="hunter2")
    assert text.startswith("MSGCENTER_METRICS_TOKEN has 7 characters, but it takes at least 32 ")
    assert "hunter2" not in text
    settings = read(METRICS_TOKEN="t" * 32)
    assert settings.metrics_token == "t" * 32
    assert "tttt" not in repr(settings)


@pytest.mark.parametrize(("setting", "logs"), [("on", True), ("ON", True), ("off", False), ("", False)])
def test_the_setting_turns_the_access_log_on(setting: str, logs: bool) -> None:
    assert read(ACCESS_LOG=setting).access_log is logs
    assert refused(ACCESS_LOG="maybe") == "MSGCENTER_ACCESS_LOG is 'maybe', but it takes one of on, off"


def test_a_base_path_may_end_with_a_slash() -> None:
    assert [read(BASE_PATH=path).base_path for path in ("/msg", "/msg/", "/a/b", "/")] == ["/msg", "/msg", "/a/b", ""]


@pytest.mark.parametrize("setting", ["msg", "//", "/a/../b", '/"', "https://school.example/msg", "/portal", "/inbox/x"])
def test_an_invalid_base_path_is_refused(setting: str) -> None:
    text = refused(BASE_PATH=setting)
    assert text.startswith(f"MSGCENTER_BASE_PATH is {setting!r}, but it takes a path such as /msg")
    assert "/portal" in text


def test_trusted_proxies_are_read_from_uvicorns_variable() -> None:
    assert read_settings({"FORWARDED_ALLOW_IPS": "10.0.0.0/8"}).trusted_proxies == "10.0.0.0/8"


# --- Documentation --------------------------------------------------------------------------------------------------


def test_the_manual_names_every_variable_with_its_default_and_bounds() -> None:
    manual = (Path(__file__).parents[1] / "docs" / "operating.md").read_text()
    found = re.findall(r"^\| `MSGCENTER_([A-Z_]+)` \|([^|]*)\|([^|]*)\|", manual, re.MULTILINE)
    rows = {name: (default, takes) for name, default, takes in found}
    # One variable has no prefix: its name comes from uvicorn.
    assert "\n| `FORWARDED_ALLOW_IPS` | `127.0.0.1` |" in manual
    assert {name.lower() for name in rows} == {field.name for field in fields(Settings)} - {"trusted_proxies"}
    for name, low, high in NUMBERS:
        default, takes = rows[name]
        assert default.strip(" `") == str(getattr(Settings, name.lower()))
        assert takes.strip().startswith(f"{low}–{high}")
