"""`msgcenter doctor`: check an installation and advise on problems."""

import asyncio
import platform
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from msgcenter import __version__
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import WrongSecretKeyError
from msgcenter.application.database import database_of, database_url, running_database
from msgcenter.application.secret_key import key_ring
from msgcenter.cli.console import err, out, print_json
from msgcenter.cli.server.open_files import connections_that_fit, files_allowed, files_needed
from msgcenter.database.citus import diagnose_citus, knows_cells
from msgcenter.database.diagnosis import Diagnosis, diagnose
from msgcenter.database.embedded.errors import EmbeddedDatabaseError
from msgcenter.database.embedded.postmaster import observe
from msgcenter.database.migrate import MINIMUM_VERSION, SchemaError
from msgcenter.database.pooler import keeps_statements, missing_settings
from msgcenter.domain.refusal import Refusal
from msgcenter.settings import PREFIX, SettingError, Settings, read_settings
from msgcenter.store.channels.gateways import list_gateways

Verdict = Literal["ok", "warning", "problem"]
_MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}
_DISK_PROBLEM = 1 << 30
_DISK_WARNING = 5 << 30
_CLOCK_WARNING_SECONDS = 2.0
_SLOW_REDIS_SECONDS = 0.02


class CheckResult(NamedTuple):
    """The result of one check; its fields are the keys of `--json`. `advice` is empty if nothing needs to be done."""

    verdict: Verdict
    subject: str
    found: str
    advice: str = ""


def examine(*, as_json: bool) -> int:
    """Run all checks, print their results and return the exit code: 1 if there is a problem."""
    with err.status("Checking…"):
        results = list(_checks())
    has_problems = any(result.verdict == "problem" for result in results)
    if as_json:
        print_json({"ok": not has_problems, "findings": [result._asdict() for result in results]})
    else:
        _print_results(results)
    return int(has_problems)


def _print_results(results: list[CheckResult]) -> None:
    indent = " " * (max(len(result.subject) for result in results) + 4)
    for result in results:
        out.print(f"{_MARKS[result.verdict]} [bold]{result.subject:<{len(indent) - 2}}[/]", end="")
        out.print(result.found, markup=False, soft_wrap=True)
        if result.advice:
            out.print(f"{indent}→ {result.advice}", markup=False, soft_wrap=True)
    verdicts = {result.verdict for result in results}
    if "problem" in verdicts:
        out.print("\n[red]Solve the problems above before you run MsgCenter.[/]")
    elif "warning" in verdicts:
        out.print("\nMsgCenter can run; see the advice above.")
    else:
        out.print("\n[green]No problems found.[/]")


def _checks() -> Iterator[CheckResult]:
    yield CheckResult("ok", "version", f"MsgCenter {__version__}, Python {platform.python_version()}")
    try:
        settings = read_settings()
    except SettingError as error:
        yield CheckResult("problem", "settings", str(error), "fix the variable, then run msgcenter doctor again")
        return
    yield CheckResult("ok", "settings", "all variables are valid")
    yield _disk(settings.data_dir)
    yield _port(settings)
    yield _open_files(settings)
    if settings.database_url is None:
        yield from _embedded(settings.data_dir)
    if settings.redis_url is not None:
        yield asyncio.run(_redis(settings.redis_url))
    try:
        with running_database(settings) as complete:
            yield from _database(complete, embedded=settings.database_url is None)
    except (EmbeddedDatabaseError, SettingError) as error:
        found, _, advice = str(error).partition("\n")
        yield CheckResult("problem", "database", found, advice)


def _disk(data_dir: Path) -> CheckResult:
    folder = data_dir
    try:
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
    except OSError as error:
        found = f"{data_dir}: {error.strerror or error}"
        return CheckResult("problem", "disk", found, "set MSGCENTER_DATA_DIR to a folder that this user can write to")
    found = f"{free / (1 << 30):.1f} GiB free for {data_dir}"
    if free < _DISK_PROBLEM:
        return CheckResult(
            "problem", "disk", found, "free some space, or set MSGCENTER_DATA_DIR to a folder on a larger disk"
        )
    if free < _DISK_WARNING:
        return CheckResult("warning", "disk", found, "free some space soon: PostgreSQL stops when its disk is full")
    return CheckResult("ok", "disk", found)


def _port(settings: Settings) -> CheckResult:
    where = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
    with suppress(httpx.HTTPError, httpx.InvalidURL):
        answer = httpx.get(f"http://{where}/healthz", trust_env=False, timeout=2)
        if answer.headers.get("x-request-id"):
            return _server(where)
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return CheckResult(
                "problem", "port", f"{where}: {error.strerror}", "set MSGCENTER_PORT (or serve --port) to a free port"
            )
    return CheckResult("ok", "port", f"{where} is free")


def _server(where: str) -> CheckResult:
    """Check whether the server that answers is ready."""
    advice = "see its log and the results below"
    try:
        answer = httpx.get(f"http://{where}/readyz", trust_env=False, timeout=10)
    except httpx.HTTPError as error:
        return CheckResult("warning", "port", f"a MsgCenter server on {where} does not answer /readyz: {error}", advice)
    if answer.status_code != 200:
        with suppress(ValueError, KeyError, TypeError):
            found = f"a MsgCenter server on {where} is not ready: {answer.json()['reason']}"
            return CheckResult("warning", "port", found, advice)
        return CheckResult("warning", "port", f"a MsgCenter server on {where} is not ready", advice)
    return CheckResult("ok", "port", f"a MsgCenter server answers on {where}")


async def _redis(url: str) -> CheckResult:
    from msgcenter.redis.connection import FAILURES, MINIMUM_VERSION, diagnose_redis

    subject, address = "redis", without_password(url)
    try:
        facts = await diagnose_redis(url)
    except (*FAILURES, ValueError) as error:
        found = f"no answer from {address}: {' '.join(str(error).split()) or repr(error)}"
        advice = (
            f"check {PREFIX}REDIS_URL, and that Redis is running; without it, rate limits count per process, and "
            "inboxes learn of changes within 20 seconds"
        )
        return CheckResult("warning", subject, found, advice)
    found = f"{facts.name} {facts.version} at {address} answers in {facts.seconds * 1_000:.1f} ms"
    if facts.is_too_old:
        return CheckResult("problem", subject, found, f"use Redis {MINIMUM_VERSION} or newer, or Valkey")
    if facts.is_cluster:
        return CheckResult("problem", subject, f"{found}, but it is part of a cluster", "use a single server")
    if facts.seconds > _SLOW_REDIS_SECONDS:
        return CheckResult("warning", subject, found, "use one that is nearer or less busy: every call waits for it")
    return CheckResult("ok", subject, found)


def _embedded(data_dir: Path) -> Iterator[CheckResult]:
    """Check the embedded PostgreSQL before this command starts it."""
    try:
        state = observe(data_dir)
    except OSError:
        return  # starting it fails for the same reason, with a better message
    subject, log = "postgresql", f"see the reason in {data_dir / 'postgres' / 'log'}"
    if state.is_running and state.is_held:
        yield CheckResult("ok", subject, "was running")
    elif state.is_running:
        found = "was running although no MsgCenter process uses it: the last one was killed"
        yield CheckResult("warning", subject, found, "nothing to do: it stops when this command ends")
    elif state.is_held:
        found = "was not running although a MsgCenter process uses it"
        yield CheckResult("warning", subject, found, log)
    elif state.was_killed:
        yield CheckResult("warning", subject, "was not running: it was killed or the machine went down", log)
    elif state.exists:
        yield CheckResult("ok", subject, "was not running: no MsgCenter process uses it")
    if state.recoveries:
        last = datetime.fromtimestamp(state.recoveries[-1]).astimezone()
        found = f"recoveries from a crash in the last 24 hours: {len(state.recoveries)}, the last at {last:%H:%M:%S %Z}"
        yield CheckResult("warning", "recoveries", found, f"no acknowledged data was lost; {log}")


def _open_files(settings: Settings) -> CheckResult:
    needed = files_needed(settings)
    allowed = files_allowed(needed, raise_limit=False)
    if allowed >= needed:
        return CheckResult("ok", "open files", f"ulimit -n allows what a server process may need: {needed}")
    limit = connections_that_fit(settings, allowed)
    found = f"ulimit -n is {allowed}, but a server process may need {needed}: connections are limited to {limit}"
    advice = f"raise it (systemd: LimitNOFILE={needed}), or lower MSGCENTER_CONNECTION_LIMIT to {limit}"
    return CheckResult("warning", "open files", found, advice)


def _database(settings: Settings, *, embedded: bool) -> Iterator[CheckResult]:
    kind = "embedded" if embedded else "external"
    url = settings.direct_database_url or database_url(settings)
    try:
        facts = asyncio.run(diagnose(url))
    except Refusal as refusal:
        name = "DATABASE_URL" if settings.direct_database_url is None else "DIRECT_DATABASE_URL"
        advice = f"check {PREFIX}{name}, that PostgreSQL is running, and that it accepts this machine"
        cause = " ".join(str(refusal.__cause__).split())
        yield CheckResult("problem", "database", f"no answer from the {kind} database: {cause}", advice)
        return
    except SchemaError as error:
        yield CheckResult("problem", "database", str(error))
        return
    size = f"{facts.size / (1 << 20):.0f} MiB"
    if facts.version < MINIMUM_VERSION:
        advice = f"upgrade to PostgreSQL {MINIMUM_VERSION} or newer"
        yield CheckResult("problem", "database", f"PostgreSQL {facts.version_text} is too old", advice)
        return
    yield CheckResult("ok", "database", f"{kind} PostgreSQL {facts.version_text}, {size}")
    yield CheckResult("ok", "address", without_password(url))
    yield from _database_facts(facts)
    if settings.citus:
        yield _citus(url)
    if settings.citus_node_url is not None:
        yield _citus_node(settings.citus_node_url)
    if settings.direct_database_url is not None:
        yield asyncio.run(_pooler(database_url(settings), citus=settings.citus))
    if not facts.pending:
        yield _secret_key(settings)
        yield from asyncio.run(_gateways(settings))


def _citus(url: str) -> CheckResult:
    state = asyncio.run(diagnose_citus(url))
    if state is None:
        advice = f"create the extension on every node and add the nodes, or set {PREFIX}CITUS=off"
        return CheckResult("problem", "citus", "the database does not have the extension citus", advice)
    if state.missing:
        found = f"tables that are not distributed: {', '.join(state.missing)}"
        return CheckResult("warning", "citus", found, "run msgcenter migrate, or start the server")
    found = (
        f"tables that are distributed: {len(state.distributed)}; shards of each: {state.shards}; nodes: {state.nodes}"
    )
    return CheckResult("ok", "citus", found)


def _citus_node(url: str) -> CheckResult:
    subject, address = "citus node", without_password(url)
    try:
        is_known = asyncio.run(knows_cells(url))
    except Refusal as refusal:
        cause = " ".join(str(refusal.__cause__).split())
        advice = f"check {PREFIX}CITUS_NODE_URL, and that the node is running and accepts this machine"
        return CheckResult("problem", subject, f"no answer from {address}: {cause}", advice)
    if not is_known:
        found = f"{address} does not know the distributed tables"
        advice = f"name a node of the same cluster in {PREFIX}CITUS_NODE_URL (its metadata must be synchronised)"
        return CheckResult("problem", subject, found, advice)
    return CheckResult("ok", subject, f"{address} knows the distributed tables")


async def _pooler(url: str, *, citus: bool) -> CheckResult:
    subject, address = "pooler", without_password(url)
    try:
        missing, keeps = await missing_settings(url, citus=citus), await keeps_statements(url)
    except Refusal as refusal:
        cause = " ".join(str(refusal.__cause__).split())
        advice = f"check {PREFIX}DATABASE_URL, and that the pooler is running and reaches PostgreSQL"
        return CheckResult("problem", subject, f"no answer from {address}: {cause}", advice)
    if missing:
        found = f"its sessions lack settings that statements rely on: {', '.join(missing)}"
        advice = "run msgcenter migrate, then RECONNECT in PgBouncer's console"
        return CheckResult("problem", subject, found, advice)
    if not keeps:
        found = f"{address} keeps no prepared statements, so PostgreSQL plans each statement anew"
        advice = "use PgBouncer 1.21 or newer with max_prepared_statements = 500, then restart MsgCenter"
        return CheckResult("warning", subject, found, advice)
    return CheckResult("ok", subject, f"{address} keeps prepared statements; the session settings are in force")


def without_password(url: str) -> str:
    """Return a database URL without its password, for display."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "password"]
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host, query=urlencode(query, safe="/")))


def _database_facts(facts: Diagnosis) -> Iterator[CheckResult]:
    if facts.pending:
        advice = "run msgcenter migrate, or start the server"
        yield CheckResult("warning", "migrations", "pending: " + ", ".join(facts.pending), advice)
    else:
        yield CheckResult("ok", "migrations", "up to date")
    difference = abs(facts.clock_ahead)
    if difference > _CLOCK_WARNING_SECONDS:
        found = f"the clocks of this machine and the database differ by {difference:.1f} s"
        yield CheckResult("warning", "clock", found, "synchronise both with the same time server (NTP)")
    else:
        yield CheckResult("ok", "clock", "this machine and the database agree")
    if not facts.durable:
        advice = "set fsync = on and synchronous_commit = on in PostgreSQL"
        yield CheckResult("problem", "durability", "a crash can lose acknowledged messages", advice)
    used = f"in use: {facts.connections} of {facts.max_connections}"
    if facts.connections > 0.8 * facts.max_connections:
        advice = "raise max_connections, or lower MSGCENTER_DATABASE_CONNECTIONS"
        yield CheckResult("warning", "connections", used, advice)
    else:
        yield CheckResult("ok", "connections", used)
    if facts.held_jobs:
        advice = "see the server's log for the reason; pgq (PgQueuer) lists and requeues them"
        yield CheckResult("warning", "jobs", f"failed and on hold: {facts.held_jobs}", advice)
    else:
        yield CheckResult("ok", "jobs", f"waiting: {facts.waiting_jobs}")


def _secret_key(settings: Settings) -> CheckResult:
    async def check() -> None:
        async with database_of(settings) as database:
            await Apps(database, key_ring(settings)).check_secret_key()

    try:
        asyncio.run(check())
    except WrongSecretKeyError:
        advice = "set MSGCENTER_SECRET_KEY to the key that this database was first used with"
        return CheckResult("problem", "secret key", "the app keys were sealed with another key", advice)
    return CheckResult("ok", "secret key", "unseals the app keys")


async def _gateways(settings: Settings) -> list[CheckResult]:
    """Check the gateways of channels that are on; there may be none."""
    async with database_of(settings) as database, database.connection() as connection:
        gateways = [gateway for gateway in await list_gateways(connection) if gateway.disabled_at is None]
    failing = [gateway for gateway in gateways if gateway.failures]
    results = [
        CheckResult(
            "warning",
            "channels",
            f"{gateway.platform.code} {gateway.channel}: failures in a row: {gateway.failures}, {gateway.last_error}",
            f"put it right, then run msgcenter channel test {gateway.platform.code} {gateway.channel}",
        )
        for gateway in failing
    ]
    if gateways and not failing:
        results.append(CheckResult("ok", "channels", f"gateways that work: {len(gateways)}"))
    return results
