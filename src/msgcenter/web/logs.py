"""Logs: one line per event on standard error, JSON unless somebody is watching; each with the request it belongs to."""

import logging
import sys
from dataclasses import dataclass

import structlog

from msgcenter.web.request_id import present

_log = structlog.get_logger(__name__)


def configure_logs(level: str) -> None:
    """Send our events and those of the libraries to standard error from `level` (debug, info, warning, error) on."""
    watched = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        _add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if watched:
        # Not the tracebacks that show the values of variables: passwords and keys are among them.
        last: list[structlog.typing.Processor] = [
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # The pool tells every failed attempt to connect, with a traceback; a call that found no database says it once.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    root.setLevel(getattr(logging, level.upper()) if level == "debug" else logging.WARNING)


def _add_request_id(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if "request_id" not in event and (request_id := present.get()):
        event["request_id"] = request_id.decode()
    return event


@dataclass(frozen=True)
class RequestLog:
    """What is logged of requests that were answered: every one if `access`, and those of `slow_ms` or more (0: none).

    Never what was asked: addresses and bodies may hold tokens, messages and names.
    """

    access: bool = False
    slow_ms: int = 0

    @property
    def is_needed(self) -> bool:
        """Whether anything is logged at all."""
        return self.access or self.slow_ms > 0

    def answered(self, seconds: float, **what: object) -> None:
        """Log a request that took so long: what was called, by which app, and what came of it."""
        slow = 0 < self.slow_ms <= seconds * 1_000
        if not (slow or self.access):
            return
        shown = {name: value for name, value in what.items() if value is not None}
        if slow:
            _log.warning("a request was slow", ms=round(seconds * 1_000, 1), **shown)
        else:
            _log.info("request", ms=round(seconds * 1_000, 1), **shown)
