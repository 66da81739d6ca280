"""The embedded PostgreSQL with real processes: how long it runs, what it survives, which folders it can use."""

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil
import pytest

from msgcenter.database.embedded.errors import EmbeddedDatabaseError
from msgcenter.database.embedded.postgres import embedded_postgres
from tests.database.embedded_server import (
    answers,
    fetch_value,
    holder,
    is_running,
    kill_tree,
    leave,
    read_line,
    server,
    servers_below,
    wait_until,
)

FAST = {"fsync": "off"}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")


@pytest.fixture
def new_dir(tmp_path: Path) -> Iterator[Path]:
    """The path of a folder that does not exist. Servers that a failed test left running on it are killed."""
    yield tmp_path / "data"
    for process in servers_below(tmp_path):
        process.kill()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose server was stopped."""
    folder = tmp_path_factory.mktemp("template") / "data"
    with embedded_postgres(folder, settings=FAST):
        return folder


@pytest.fixture
def data_dir(new_dir: Path, template: Path) -> Path:
    """A data folder with an empty database and no server. A copy takes a tenth of the time of creating one."""
    subprocess.run(["cp", "-a", template, new_dir], check=True)
    return new_dir


def test_it_answers_while_it_is_held_and_stops_after(new_dir: Path) -> None:
    with embedded_postgres(new_dir, settings=FAST) as url:
        assert fetch_value(url, "select current_database()") == "msgcenter"
        assert fetch_value(url, "show server_encoding") == "UTF8"
        assert fetch_value(url, "show timezone") == "UTC"
        assert fetch_value(url, "select lower('ÄЖ')") == "äж"
        postmaster = server(new_dir)
    wait_until(lambda: not is_running(postmaster))
    assert servers_below(new_dir.parent) == []


def test_data_survives_a_restart(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as url:
        fetch_value(url, "create table kept as select 42 as value")
    with embedded_postgres(data_dir, settings=FAST) as url:
        assert fetch_value(url, "select value from kept") == 42


def test_one_process_may_hold_it_twice(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as outer:
        with embedded_postgres(data_dir) as inner:
            assert fetch_value(inner) == 1
        assert fetch_value(outer) == 1
        postmaster = server(data_dir)
    wait_until(lambda: not is_running(postmaster))


def test_an_error_in_the_block_is_passed_on_and_stops_the_server(data_dir: Path) -> None:
    def fail() -> None:
        with embedded_postgres(data_dir, settings=FAST):
            raise FileNotFoundError("mine")

    with pytest.raises(FileNotFoundError, match="mine"):
        fail()
    assert servers_below(data_dir) == []


def test_commits_are_durable_by_default(new_dir: Path) -> None:
    with embedded_postgres(new_dir) as url:
        assert [fetch_value(url, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
            "on"
        ] * 3
        assert fetch_value(url, "show shared_buffers") == "256MB"
        assert fetch_value(url, "show listen_addresses") == ""
    with embedded_postgres(new_dir, settings={**FAST, "max_connections": "37", "work_mem": "5MB"}) as url:
        assert [fetch_value(url, f"show {name}") for name in ("fsync", "max_connections", "work_mem")] == [
            "off",
            "37",
            "5MB",
        ]
    assert (new_dir / "postgres" / "postgresql.conf").read_text().count("msgcenter.conf") == 1


def test_only_the_owner_may_enter_the_folder(new_dir: Path) -> None:
    with embedded_postgres(new_dir, settings=FAST):
        assert stat.S_IMODE(new_dir.stat().st_mode) & 0o066 == 0
        assert stat.S_IMODE((new_dir / "postgres").stat().st_mode) == 0o700


@as_root
def test_for_root_parent_folders_become_passable_but_not_listable(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_postgres(closed / "data", settings=FAST):
        assert server(closed / "data").uids().real != 0
        assert server(closed / "data").gids().real != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o701


def test_it_runs_until_the_last_process_leaves(new_dir: Path) -> None:
    with holder(new_dir) as first, holder(new_dir) as second, holder(new_dir) as third:
        urls = {read_line(process) for process in (first, second, third)}
        assert len(urls) == 1
        url = urls.pop()
        postmaster = server(new_dir)
        leave(first)
        with embedded_postgres(new_dir):
            pass
        leave(second)
        assert fetch_value(url) == 1
        leave(third)
    wait_until(lambda: not is_running(postmaster))


@pytest.mark.kill
def test_a_killed_holder_no_longer_counts(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as url:
        postmaster = server(data_dir)
        with holder(data_dir) as process:
            assert read_line(process)
            process.kill()
            process.wait()
        assert fetch_value(url) == 1
    wait_until(lambda: not is_running(postmaster))


@pytest.mark.kill
def test_the_next_holder_takes_over_a_server_without_holders(data_dir: Path) -> None:
    with holder(data_dir) as process:
        assert read_line(process)
        process.kill()
        process.wait()
    postmaster = server(data_dir)
    assert is_running(postmaster)
    with embedded_postgres(data_dir) as url:
        assert fetch_value(url) == 1
        assert server(data_dir) == postmaster
    wait_until(lambda: not is_running(postmaster))


@pytest.mark.kill
@pytest.mark.parametrize("remains", ["as left", "number belongs to another process", "empty"])
def test_it_starts_after_the_whole_server_was_killed(data_dir: Path, remains: str) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    with holder(data_dir) as process:
        fetch_value(read_line(process), "create table kept as select 42 as value")
        process.kill()
        process.wait()
        kill_tree(server(data_dir))
    if remains == "empty":
        pid_file.write_text("")
    elif remains == "number belongs to another process":
        for path in (pid_file, data_dir / "postgres" / ".s.PGSQL.5432.lock"):
            path.write_text("\n".join([str(os.getpid()), *path.read_text().splitlines()[1:]]) + "\n")
    with embedded_postgres(data_dir) as url:
        assert fetch_value(url, "select value from kept") == 42


@pytest.mark.kill
def test_a_new_holder_starts_it_again_after_it_was_killed(data_dir: Path) -> None:
    with embedded_postgres(data_dir, settings=FAST) as outer:
        kill_tree(server(data_dir))
        with embedded_postgres(data_dir) as inner:
            assert fetch_value(inner) == 1
        assert fetch_value(outer) == 1
        postmaster = server(data_dir)
    wait_until(lambda: not is_running(postmaster))


@pytest.mark.kill
def test_a_session_that_outlives_its_server_does_not_block_the_next_start(data_dir: Path) -> None:
    async def scenario(url: str) -> int:
        connection = await asyncpg.connect(url)
        sleeping = asyncio.ensure_future(connection.execute("select pg_sleep(600)"))
        await asyncio.sleep(0)
        postmaster = server(data_dir)
        await asyncio.to_thread(wait_until, lambda: any("SELECT" in name for name in titles(postmaster)))
        session = connection.get_server_pid()
        # A stopped session does not notice that its server has ended.
        os.kill(session, signal.SIGSTOP)
        postmaster.kill()
        sleeping.cancel()
        connection.terminate()
        await asyncio.gather(sleeping, return_exceptions=True)
        return session

    with holder(data_dir) as process:
        url = read_line(process)
        process.kill()
        process.wait()
        session = psutil.Process(asyncio.run(scenario(url)))
    with embedded_postgres(data_dir) as url:
        assert fetch_value(url) == 1
    wait_until(lambda: not is_running(session))


@pytest.mark.kill
def test_a_server_that_is_killed_while_a_holder_starts_is_started_again(data_dir: Path) -> None:
    def kill_when_asked(postmaster: psutil.Process) -> None:
        wait_until(lambda: any(child.name() == "psql" for child in psutil.Process().children()))
        postmaster.kill()

    with holder(data_dir) as process:
        read_line(process)
        process.kill()
        process.wait()
    postmaster = server(data_dir)
    postmaster.suspend()  # as busy as one that has not yet noticed its kill: it looks ready and does not answer
    with ThreadPoolExecutor(1) as thread:
        killing = thread.submit(kill_when_asked, postmaster)
        with embedded_postgres(data_dir) as url:
            assert fetch_value(url) == 1
        killing.result()


def titles(postmaster: psutil.Process) -> list[str]:
    """Return the command lines of the server's processes, which show what each of them does."""
    return [" ".join(child.cmdline()) for child in postmaster.children()]


@pytest.mark.kill
def test_an_interrupted_first_start_leaves_nothing_half_done(new_dir: Path) -> None:
    (new_dir / "postgres.new" / "base").mkdir(parents=True)
    (new_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded_postgres(new_dir, settings=FAST) as url:
        assert fetch_value(url) == 1


@pytest.mark.kill
def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with holder(data_dir) as process:
        url = read_line(process)
        postmaster = server(data_dir)
        os.killpg(process.pid, signal.SIGINT)
        assert read_line(process) == "interrupted"
        assert os.getpgid(postmaster.pid) != process.pid
        assert fetch_value(url) == 1
        leave(process)
    wait_until(lambda: not is_running(postmaster))


@pytest.mark.kill
def test_ctrl_c_during_the_start_leaves_nothing_running(new_dir: Path) -> None:
    with holder(new_dir) as process:
        wait_until((new_dir / "postgres" / "postmaster.pid").exists)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    wait_until(lambda: servers_below(new_dir) == [])


@pytest.mark.parametrize("name", ["with a space", "comma, quote ' \" and $HOME", "用户消息", "long-" + "x" * 150])
def test_the_folder_may_have_any_name_and_may_be_moved(data_dir: Path, name: str) -> None:
    folder = data_dir.rename(data_dir.with_name(name))
    with embedded_postgres(folder, settings=FAST) as url:
        assert fetch_value(url) == 1
        postmaster = server(folder)
    wait_until(lambda: not is_running(postmaster))


def test_it_does_not_depend_on_the_environment(new_dir: Path) -> None:
    unusual = {
        "LC_ALL": "xx_YY.UTF-8",
        "TZ": "Nowhere/City",
        "PGPORT": "1",
        "PGDATA": "/nowhere",
        "PGOPTIONS": "-c bad=1",
    }
    for environment in ({}, unusual):
        with holder(new_dir, {"HOME": "/empty", "PATH": os.environ["PATH"], **environment}) as process:
            assert fetch_value(read_line(process), "select current_database()") == "msgcenter"
            leave(process)


def test_postgresql_does_not_inherit_our_settings(data_dir: Path) -> None:
    secrets = {"MSGCENTER_SECRET_KEY": "k" * 40, "MSGCENTER_METRICS_TOKEN": "t" * 40}
    with holder(data_dir, {**os.environ, **secrets}) as process:
        assert read_line(process)
        postmaster = server(data_dir)
        environments = [member.environ() for member in (postmaster, *postmaster.children(recursive=True))]
        assert len(environments) > 1
        assert not [name for environment in environments for name in environment if name.startswith("MSGCENTER_")]
        leave(process)


def test_a_failed_start_shows_the_end_of_the_log(data_dir: Path) -> None:
    with (
        pytest.raises(EmbeddedDatabaseError, match=r"start\.log ends:\n.*max_connections"),
        embedded_postgres(data_dir, settings={"max_connections": "many"}),
    ):
        pass
    with embedded_postgres(data_dir, settings=FAST) as url:
        assert fetch_value(url) == 1


def test_an_unusable_folder_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedDatabaseError, match=r"data folder .*/file"), embedded_postgres(tmp_path / "file"):
        pass


def test_a_folder_in_use_on_another_machine_is_refused(data_dir: Path) -> None:
    with (data_dir / ".postgres-holders").open("w") as holders:
        holders.write("elsewhere")
        holders.flush()
        fcntl.flock(holders, fcntl.LOCK_SH)
        with pytest.raises(EmbeddedDatabaseError, match="in use on elsewhere"), embedded_postgres(data_dir):
            pass


@pytest.mark.parametrize("line_break", ["\n", "\r", "\u2028"])
def test_a_path_with_a_line_break_is_refused_and_nothing_is_created(tmp_path: Path, line_break: str) -> None:
    folder = tmp_path / f"two{line_break}lines"
    with pytest.raises(EmbeddedDatabaseError, match="contains a line break"), embedded_postgres(folder):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kill
def test_a_killed_server_is_started_again_while_it_is_held(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with embedded_postgres(data_dir, settings=FAST) as url, holder(data_dir) as process:
        assert read_line(process)
        fetch_value(url, "create table kept as select 42 as value")
        for _ in range(2):
            killed = server(data_dir)
            kill_tree(killed)
            wait_until(lambda: answers(url), 60)
            assert server(data_dir) != killed
        assert fetch_value(url, "select value from kept") == 42
        leave(process)
        postmaster = server(data_dir)
    wait_until(lambda: not is_running(postmaster))
    assert "has ended; starting it again" in caplog.text


@pytest.mark.kill
def test_a_removed_database_is_not_replaced_by_an_empty_one(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with embedded_postgres(data_dir, settings=FAST):
        kill_tree(server(data_dir))
        (data_dir / "postgres").rename(data_dir / "removed")
        wait_until(lambda: "has been removed" in caplog.text)
        assert not (data_dir / "postgres").exists()
