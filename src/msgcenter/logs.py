"""Logs: one line per event on standard error, JSON unless somebody is watching."""

import logging
import sys

import structlog


def configure_logs(level: str) -> None:
    """Send our events and those of the libraries to standard error from `level` (debug, info, warning, error) on."""
    watched = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if watched:
        last: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer()]
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
