"""Run the server: one process, or a parent with several workers. The first process owns the embedded database."""

import errno
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from tempfile import TemporaryDirectory
from typing import cast

import httpx
import structlog
import uvicorn
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from msgcenter.application.wiring import application
from msgcenter.application.workers import WORKERS_FOLDER, worker_application, worker_environment
from msgcenter.cli.server.http_edge import Edge
from msgcenter.cli.server.http_protocol import Http11Protocol
from msgcenter.cli.server.open_files import connections_that_fit, files_allowed, files_needed
from msgcenter.settings import PREFIX, SettingError, Settings
from msgcenter.web.logs import configure_logs

_log = structlog.get_logger(__name__)
OnReady = Callable[[str], None]
_GRACE_SECONDS = 10
_BACKLOG = 2_048


def listen(settings: Settings, prefix: str = "") -> socket.socket:
    """Return a listening socket, so that a taken port is reported before anything else starts.

    `prefix`: METRICS_ for the metrics port. Raises SettingError.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingError(_cannot_listen(settings, error, prefix)) from None
    listener.set_inheritable(True)
    return listener


def _cannot_listen(settings: Settings, error: OSError, prefix: str) -> str:
    if prefix:
        return (
            f"{PREFIX}METRICS_PORT: cannot listen on port {settings.port} of {settings.host} "
            f"({error.strerror or error}). Choose another port or another {PREFIX}METRICS_HOST."
        )
    if error.errno == errno.EADDRINUSE:
        other = settings.port + 1 if settings.port < 65_535 else 0
        option = f"make run ARGS='--port {other}'" if "MAKELEVEL" in os.environ else f"--port {other}"
        return (
            f"Port {settings.port} of {settings.host} is taken by another program. Choose another port: {option}, "
            f"or {PREFIX}PORT={other} in the environment (0 selects a free port)."
        )
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {settings.port}. Choose one above 1023 with --port or {PREFIX}PORT."
    return (
        f"{settings.host} is not an address of this machine ({error.strerror or error}). "
        f"Choose another with --host or {PREFIX}HOST (127.0.0.1: this machine only, 0.0.0.0: every network)."
    )


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket for clients on this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - shown, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    """Return whether a listening socket accepts connections only from this machine."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def run_server(
    settings: Settings,
    listener: socket.socket,
    *,
    workers: int,
    on_ready: OnReady,
    more_routes: Sequence[BaseRoute] = (),
) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` is called with the URL, in a thread, once the server answers.

    `more_routes` are those of the demo, which has one worker. Raises SettingError if the metrics port is taken.
    """
    listeners = [listener]
    if settings.metrics_port is not None:
        metrics_settings = replace(settings, host=settings.metrics_host, port=settings.metrics_port)
        listeners.append(listen(metrics_settings, "METRICS_"))
        settings = replace(settings, metrics_port=listeners[1].getsockname()[1])
    try:
        _serve(settings, listeners, workers, on_ready, more_routes)
    finally:
        for metrics_listener in listeners[1:]:
            metrics_listener.close()


def _serve(
    settings: Settings,
    listeners: list[socket.socket],
    workers: int,
    on_ready: OnReady,
    more_routes: Sequence[BaseRoute],
) -> None:
    os.environ.update(worker_environment(settings))  # worker processes read their settings from it
    configure_logs(settings.log_level)
    listener = listeners[0]
    _warn_without_tls(listener)
    edge = _edge(settings)
    threading.Thread(target=_call_when_ready, args=(url_of(listener), on_ready), daemon=True).start()
    if workers == 1:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(_config(settings, edge, more_routes=more_routes)).run(sockets=listeners)
    else:
        with TemporaryDirectory(prefix="msgcenter-") as folder:
            os.environ[WORKERS_FOLDER] = folder
            Multiprocess(_config(settings, edge, workers), sockets=listeners).run()


def _warn_without_tls(listener: socket.socket) -> None:
    if not is_loopback(listener):
        _log.warning(
            "serving other machines without TLS: tokens and messages can be intercepted",
            host=listener.getsockname()[0],
            remedy="listen on 127.0.0.1 behind a reverse proxy with TLS (docs/operating.md, Behind nginx)",
        )


def _edge(settings: Settings) -> Edge:
    """Return the connection limits of each process, bounded by the number of files it may open."""
    needed = files_needed(settings)
    files = files_allowed(needed, raise_limit=True)
    limit = connections_that_fit(settings, files)
    if limit < settings.connection_limit:
        _log.warning(
            "ulimit -n is too low for the configured number of connections",
            ulimit=files,
            connections=limit,
            remedy=f"raise it to {needed} (systemd: LimitNOFILE={needed}), or lower {PREFIX}CONNECTION_LIMIT",
        )
    return Edge(settings.header_timeout, settings.body_timeout, limit)


def worker() -> ASGIApp:
    """Return the application of a worker process. The worker ends with its parent, even if that is killed.

    An orphaned worker would keep the port without being managed by anything.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return worker_application()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _config(settings: Settings, edge: Edge, workers: int = 1, more_routes: Sequence[BaseRoute] = ()) -> uvicorn.Config:
    return uvicorn.Config(
        application(settings, more_routes=more_routes) if workers == 1 else "msgcenter.cli.server.serving:worker",
        factory=workers > 1,
        workers=workers,
        loop="uvloop",
        http=cast("type[Http11Protocol]", partial(Http11Protocol, edge=edge)),  # uvicorn only calls it
        timeout_keep_alive=settings.keep_alive,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application reads them itself, including the base path (web/base_path.py)
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _call_when_ready(url: str, on_ready: OnReady) -> None:
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                break
        time.sleep(0.05)
    on_ready(url)
