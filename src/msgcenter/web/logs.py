"""Logs: one line per event on standard error, with its request id; as JSON unless it is a terminal."""

import logging
import sys
from dataclasses import dataclass

import structlog

from msgcenter.web.request_id import current_request_id

_log = structlog.get_logger(__name__)


def configure_logs(level: str) -> None:
    """Write events of `level` (debug, info, warning, error) and above to standard error, also those of libraries."""
    is_terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        _add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if is_terminal:
        # Plain tracebacks, without values of variables: passwords and keys are among them.
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
    # The pool logs each failed connection attempt with a traceback; a request without a database is logged once.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    root.setLevel(getattr(logging, level.upper()) if level == "debug" else logging.WARNING)


def _add_request_id(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if "request_id" not in event and (request_id := current_request_id.get()):
        event["request_id"] = request_id.decode()
    return event


@dataclass(frozen=True)
class RequestLog:
    """Logs answered requests: all if `access`, and those that took `slow_ms` or longer (0: none) as slow.

    It never logs URLs or bodies, which may contain tokens, messages and names.
    """

    access: bool = False
    slow_ms: int = 0

    @property
    def is_needed(self) -> bool:
        """Whether anything is logged at all."""
        return self.access or self.slow_ms > 0

    def answered(self, seconds: float, **fields: object) -> None:
        """Log a request that took `seconds`; `fields` name its call, app and outcome. None values are left out."""
        is_slow = 0 < self.slow_ms <= seconds * 1_000
        if not (is_slow or self.access):
            return
        fields = {name: value for name, value in fields.items() if value is not None}
        if is_slow:
            _log.warning("a request was slow", ms=round(seconds * 1_000, 1), **fields)
        else:
            _log.info("request", ms=round(seconds * 1_000, 1), **fields)
