"""Worker processes: what the parent passes to them through the environment, and their application."""

import os
from pathlib import Path

from starlette.types import ASGIApp

from msgcenter.application.wiring import application
from msgcenter.settings import PREFIX, Settings, read_settings
from msgcenter.web.logs import configure_logs

WORKERS_FOLDER = f"{PREFIX}WORKERS_FOLDER"
"""The variable with the folder that the worker processes share. It is set by their parent and is no setting."""


def worker_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which `read_settings` in a worker process reads the same settings.

    `settings` are those that `database.running_database` has completed.
    """
    assert settings.database_url is not None
    assert settings.secret_key is not None
    return {
        f"{PREFIX}DATABASE_URL": settings.database_url,
        f"{PREFIX}SECRET_KEY": settings.secret_key,
        f"{PREFIX}DATA_DIR": str(settings.data_dir),
        f"{PREFIX}LOG_LEVEL": settings.log_level,
        **({} if settings.metrics_port is None else {f"{PREFIX}METRICS_PORT": str(settings.metrics_port)}),
    }


def worker_application() -> ASGIApp:
    """Return the application of a worker process, whose environment its parent has prepared."""
    settings = read_settings()
    configure_logs(settings.log_level)
    return application(settings, Path(os.environ[WORKERS_FOLDER]))
