"""Creates the cluster, its configuration and the database `msgcenter`."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from msgcenter.database.embedded.cluster import Cluster
from msgcenter.database.embedded.errors import EmbeddedDatabaseError, ServerLostError
from msgcenter.database.embedded.programs import run_program
from msgcenter.database.embedded.socket_folder import DATABASE, PORT, SUPERUSER

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    # Relative to PostgreSQL's data folder, so that the server can use any path, however long or unusual.
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "cluster_name": "msgcenter",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Until a table is analysed, PostgreSQL does not know that all its keys begin with the same cell.
    "autovacuum_naptime": "10s",
    "jit": "off",
    "track_functions": "none",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # One file for each day of the week, so that the log never covers more than a week.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
"""Settings of the embedded server."""

_CONFIGURATION_NOTE = (
    "# Written at every start; put settings of your own into postgresql.conf, below the line that includes this file.\n"
)
_NO_CONNECTION = 2
"""The exit code of psql if there is no connection, or no longer."""
# \gexec executes the rows of the result. There are none if the database exists.
_CREATE_DATABASE = r"""
select 'create database msgcenter' where not exists (select from pg_database where datname = 'msgcenter') \gexec
"""


def create_cluster(cluster: Cluster, *, durable: bool) -> None:
    """Create the cluster. Raises EmbeddedDatabaseError.

    It is created in another folder and then renamed, so that an interrupted attempt leaves nothing half done. Without
    `durable`, its files are not flushed to the disk.
    """
    new = Cluster(cluster.folder, cluster.folder / "postgres.new", cluster.programs, cluster.user)
    shutil.rmtree(new.data, ignore_errors=True)
    new.data.mkdir(mode=0o700)
    new.give_to_server(new.data)
    # PostgreSQL's built-in collation gives the same order on every machine and after every update.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--auth-local=trust", "--auth-host=reject")
    sync = () if durable else ("--no-sync",)
    result = new.run("initdb", "-D", ".", "-U", SUPERUSER, "--no-instructions", *locale, *access, *sync)
    if result.returncode != 0:
        raise EmbeddedDatabaseError(f"A database could not be created in {cluster.folder}: {result.stderr.strip()}")
    new.data.rename(cluster.data)


def write_settings(cluster: Cluster, settings: Mapping[str, str]) -> None:
    """Write `settings` to msgcenter.conf, and include that file in postgresql.conf."""
    compression = "lz4" if "--with-lz4" in cluster.run("pg_config", "--configure").stdout else "pglz"
    lines = [f"{name} = {_quoted(value)}\n" for name, value in {"wal_compression": compression, **settings}.items()]
    cluster.replace_file("msgcenter.conf", _CONFIGURATION_NOTE + "".join(lines))
    configuration = (cluster.data / "postgresql.conf").read_text()
    include = "include_if_exists 'msgcenter.conf'\n"
    if include not in configuration:
        cluster.replace_file("postgresql.conf", f"{configuration.rstrip()}\n\n{include}")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n") + "'"


def ensure_database(cluster: Cluster, socket_folder: Path) -> None:
    """Create the database in the running server unless it exists.

    Raises ServerLostError if the server takes no connection, and EmbeddedDatabaseError.
    """
    target = ("-h", str(socket_folder), "-p", str(PORT), "-U", SUPERUSER, "-d", "postgres")
    command = ["-XAtqw", "-v", "ON_ERROR_STOP=1", *target]
    result = run_program(cluster.programs / "psql", command, script=_CREATE_DATABASE)
    if result.returncode != 0:
        error = ServerLostError if result.returncode == _NO_CONNECTION else EmbeddedDatabaseError
        raise error(
            f"PostgreSQL in {cluster.data} has no database {DATABASE}: {result.stderr.strip()}\n{cluster.log_end()}"
        )
