"""The embedded PostgreSQL, for real: who keeps it running, what it survives, where it can live."""

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from msgcenter.database.embedded.errors import EmbeddedDatabaseError
from msgcenter.database.embedded.postgres import embedded_postgres

FAST = {"fsync": "off"}

# Holds the database until its input ends, and lives through Ctrl-C.
HOLDER = """
import os
import signal
import sys
from pathlib import Path
from msgcenter.database.embedded.postgres import embedded_postgres

with embedded_postgres(Path(sys.argv[1]), settings={"fsync": "off"}) as url:
    # Not by print: the signal may come while the line below is still being printed.
    signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
    print(url, flush=True)
    sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")


@pytest.fixture
def new_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder that is not there yet; whatever a failed test left running on it is ended."""
    yield tmp_path / "data"
    for process in servers_below(tmp_path):
        process.kill()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    with embedded_postgres(folder, settings=FAST):
        return folder


@pytest.fixture
def data_dir(new_dir: Path, template: Path) -> Path:
    """A folder with an empty database that was stopped; copied, which takes a tenth of making one."""
    subprocess.run(["cp", "-a", template, new_dir], check=True)
    return new_dir


def servers_below(folder: Path) -> list[psutil.Process]:
    processes = psutil.process_iter(["name", "cwd"])
    below = f"{folder.resolve()}/"
    return [it for it in processes if it.info["name"] == "postgres" and (it.info["cwd"] or "").startswith(below)]


def ask(url: str, query: str = "select 1") -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(answer())


def answers(url: str) -> bool:
    try:
        return ask(url) == 1
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def server(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come true"
        time.sleep(0.01)


def kill_tree(process: psutil.Process) -> None:
    tree = [process, *process.children(recursive=True)]
    for member in tree:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    wait_until(lambda: not any(is_running(member) for member in tree))


@contextmanager
def holder(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Another process, in a process group of its own, that enters the database and leaves when its input ends."""
    command = [sys.executable, "-W", "error", "-c", HOLDER, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave(process: "subprocess.Popen[str]") -> None:
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0, errors


def test_answers_while_held_and_stops_after(new_dir: Path) -> None:
    with embedded_postgres(new_dir, settings=FAST) as url:
        assert ask(url, "select current_database()") == "msgcenter"
        assert ask(url, "show server_encoding") == "UTF8"
        assert ask(url, "show timezone") == "UTC"
        assert ask(url, "select lower('ÄЖ')") == "äж"
        postmaster = server(new_dir)
    assert not is_running(postmaster)
    assert servers_below(new_dir.parent) == []


def test_data_is_kept_over_a_restart(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as url:
        ask(url, "create table kept as select 42 as value")
    with embedded_postgres(data_dir, settings=FAST) as url:
        assert ask(url, "select value from kept") == 42


def test_a_process_may_enter_it_twice(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as outer:
        with embedded_postgres(data_dir) as inner:
            assert ask(inner) == 1
        assert ask(outer) == 1
        postmaster = server(data_dir)
    assert not is_running(postmaster)


def test_an_error_inside_comes_out_unchanged_and_stops_it(data_dir: Path) -> None:
    def fail() -> None:
        with embedded_postgres(data_dir, settings=FAST):
            raise FileNotFoundError("mine")

    with pytest.raises(FileNotFoundError, match="mine"):
        fail()
    assert servers_below(data_dir) == []


def test_durable_unless_told_otherwise(new_dir: Path) -> None:
    with embedded_postgres(new_dir) as url:
        assert [ask(url, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
        assert ask(url, "show shared_buffers") == "256MB"
        assert ask(url, "show listen_addresses") == ""
    with embedded_postgres(new_dir, settings={**FAST, "max_connections": "37", "work_mem": "5MB"}) as url:
        assert [ask(url, f"show {name}") for name in ("fsync", "max_connections", "work_mem")] == ["off", "37", "5MB"]
    assert (new_dir / "postgres" / "postgresql.conf").read_text().count("msgcenter.conf") == 1


def test_folder_is_for_its_owner_alone(new_dir: Path) -> None:
    with embedded_postgres(new_dir, settings=FAST):
        assert stat.S_IMODE(new_dir.stat().st_mode) & 0o066 == 0
        assert stat.S_IMODE((new_dir / "postgres").stat().st_mode) == 0o700


@as_root
def test_root_opens_folders_for_passing_only(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_postgres(closed / "data", settings=FAST):
        assert server(closed / "data").uids().real != 0
        assert server(closed / "data").gids().real != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o701


def test_other_processes_keep_it_running(new_dir: Path) -> None:
    with holder(new_dir) as first, holder(new_dir) as second, holder(new_dir) as third:
        urls = {told(process) for process in (first, second, third)}
        assert len(urls) == 1
        url = urls.pop()
        postmaster = server(new_dir)
        leave(first)
        with embedded_postgres(new_dir):
            pass
        leave(second)
        assert ask(url) == 1
        leave(third)
    assert not is_running(postmaster)


@pytest.mark.kill
def test_a_killed_holder_counts_no_more(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as url:
        postmaster = server(data_dir)
        with holder(data_dir) as process:
            assert told(process)
            process.kill()
            process.wait()
        assert ask(url) == 1
    assert not is_running(postmaster)


@pytest.mark.kill
def test_a_server_without_holders_is_taken_over(data_dir: Path) -> None:
    with holder(data_dir) as process:
        assert told(process)
        process.kill()
        process.wait()
    postmaster = server(data_dir)
    assert is_running(postmaster)
    with embedded_postgres(data_dir) as url:
        assert ask(url) == 1
        assert server(data_dir) == postmaster
    assert not is_running(postmaster)


@pytest.mark.kill
@pytest.mark.parametrize("remains", ["as left", "number taken by another process", "empty"])
def test_comes_up_after_the_whole_server_was_killed(data_dir: Path, remains: str) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    with holder(data_dir) as process:
        ask(told(process), "create table kept as select 42 as value")
        process.kill()
        process.wait()
        kill_tree(server(data_dir))
    if remains == "empty":
        pid_file.write_text("")
    elif remains == "number taken by another process":
        for path in (pid_file, data_dir / "postgres" / ".s.PGSQL.5432.lock"):
            path.write_text("\n".join([str(os.getpid()), *path.read_text().splitlines()[1:]]) + "\n")
    with embedded_postgres(data_dir) as url:
        assert ask(url, "select value from kept") == 42


@pytest.mark.kill
def test_comes_up_again_beside_a_holder_whose_server_was_killed(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as outer:
        kill_tree(server(data_dir))
        with embedded_postgres(data_dir) as inner:
            assert ask(inner) == 1
        assert ask(outer) == 1
        postmaster = server(data_dir)
    assert not is_running(postmaster)


@pytest.mark.kill
def test_a_session_that_outlives_its_server_does_not_block_the_next(data_dir: Path) -> None:
    async def scenario(url: str) -> int:
        connection = await asyncpg.connect(url)
        asleep = asyncio.ensure_future(connection.execute("select pg_sleep(600)"))
        await asyncio.sleep(0)
        postmaster = server(data_dir)
        await asyncio.to_thread(wait_until, lambda: any("SELECT" in name for name in titles(postmaster)))
        session = connection.get_server_pid()
        # A stopped session does not notice that its server is gone.
        os.kill(session, signal.SIGSTOP)
        postmaster.kill()
        asleep.cancel()
        connection.terminate()
        await asyncio.gather(asleep, return_exceptions=True)
        return session

    with holder(data_dir) as process:
        url = told(process)
        process.kill()
        process.wait()
        session = psutil.Process(asyncio.run(scenario(url)))
    with embedded_postgres(data_dir) as url:
        assert ask(url) == 1
    assert not is_running(session)


def titles(postmaster: psutil.Process) -> list[str]:
    return [" ".join(child.cmdline()) for child in postmaster.children()]


@pytest.mark.kill
def test_an_interrupted_first_start_leaves_nothing_half_done(new_dir: Path) -> None:
    (new_dir / "postgres.new" / "base").mkdir(parents=True)
    (new_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded_postgres(new_dir, settings=FAST) as url:
        assert ask(url) == 1


@pytest.mark.kill
def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with holder(data_dir) as process:
        url = told(process)
        postmaster = server(data_dir)
        os.killpg(process.pid, signal.SIGINT)
        assert told(process) == "interrupted"
        assert os.getpgid(postmaster.pid) != process.pid
        assert ask(url) == 1
        leave(process)
    assert not is_running(postmaster)


@pytest.mark.kill
def test_ctrl_c_while_it_starts_leaves_nothing_running(new_dir: Path) -> None:
    with holder(new_dir) as process:
        wait_until((new_dir / "postgres" / "postmaster.pid").exists)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    wait_until(lambda: servers_below(new_dir) == [])


@pytest.mark.parametrize("name", ["with a space", "comma, quote ' \" and $HOME", "用户消息", "long-" + "x" * 150])
def test_lives_in_any_folder_and_may_be_moved(data_dir: Path, name: str) -> None:
    folder = data_dir.rename(data_dir.with_name(name))
    with embedded_postgres(folder, settings=FAST) as url:
        assert ask(url) == 1
        postmaster = server(folder)
    assert not is_running(postmaster)


def test_does_not_depend_on_the_environment(new_dir: Path) -> None:
    odd = {"LC_ALL": "xx_YY.UTF-8", "TZ": "Nowhere/City", "PGPORT": "1", "PGDATA": "/nowhere", "PGOPTIONS": "-c bad=1"}
    for environment in ({}, odd):
        with holder(new_dir, {"HOME": "/empty", "PATH": os.environ["PATH"], **environment}) as process:
            assert ask(told(process), "select current_database()") == "msgcenter"
            leave(process)


def test_postgresql_does_not_inherit_our_settings(data_dir: Path) -> None:
    secrets = {"MSGCENTER_SECRET_KEY": "k" * 40, "MSGCENTER_METRICS_TOKEN": "t" * 40}
    with holder(data_dir, {**os.environ, **secrets}) as process:
        assert told(process)
        postmaster = server(data_dir)
        environments = [member.environ() for member in (postmaster, *postmaster.children(recursive=True))]
        assert len(environments) > 1
        assert not [name for found in environments for name in found if name.startswith("MSGCENTER_")]
        leave(process)


def test_says_what_postgresql_says_when_it_does_not_start(data_dir: Path) -> None:
    with (
        pytest.raises(EmbeddedDatabaseError, match=r"start\.log ends:\n.*max_connections"),
        embedded_postgres(data_dir, settings={"max_connections": "many"}),
    ):
        pass
    with embedded_postgres(data_dir, settings=FAST) as url:
        assert ask(url) == 1


def test_says_which_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedDatabaseError, match=r"data folder .*/file"), embedded_postgres(tmp_path / "file"):
        pass


def test_refuses_a_folder_that_is_served_on_another_machine(data_dir: Path) -> None:
    with (data_dir / ".postgres-holders").open("w") as holders:
        holders.write("elsewhere")
        holders.flush()
        fcntl.flock(holders, fcntl.LOCK_SH)
        with pytest.raises(EmbeddedDatabaseError, match="in use on elsewhere"), embedded_postgres(data_dir):
            pass


@pytest.mark.parametrize("line_break", ["\n", "\r", "\u2028"])
def test_a_path_with_a_line_break_is_refused_and_nothing_is_made(tmp_path: Path, line_break: str) -> None:
    folder = tmp_path / f"two{line_break}lines"
    with pytest.raises(EmbeddedDatabaseError, match="contains a line break"), embedded_postgres(folder):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kill
def test_a_killed_server_is_started_again_while_it_is_held(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with embedded_postgres(data_dir, settings=FAST) as url, holder(data_dir) as process:
        assert told(process)
        ask(url, "create table kept as select 42 as value")
        for _ in range(2):
            killed = server(data_dir)
            kill_tree(killed)
            wait_until(lambda: answers(url), 60)
            assert server(data_dir) != killed
        assert ask(url, "select value from kept") == 42
        leave(process)
        postmaster = server(data_dir)
    assert not is_running(postmaster)
    assert "has ended; starting it again" in caplog.text


@pytest.mark.kill
def test_a_removed_database_is_not_replaced_by_an_empty_one(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with embedded_postgres(data_dir, settings=FAST):
        kill_tree(server(data_dir))
        (data_dir / "postgres").rename(data_dir / "removed")
        wait_until(lambda: "has been removed" in caplog.text)
        assert not (data_dir / "postgres").exists()
