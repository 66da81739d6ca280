"""The sample programs of the reference, each run in its language against a real server."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from msgcenter.gateway.reference.reference import reference
from msgcenter.portal.texts.samples import Program, programs
from msgcenter_client import Client
from tests.conftest import Credentials, Server, SharedConnections
from tests.portal.scene import Scene
from tests.receiver import Receiver, receiving

CALLS = {call.name: call for call in reference()}
SEND = CALLS["sendMsg"].path
NEEDED = {
    "curl": ("bash", "curl", "openssl"),
    "Python": ("python3",),
    "Java": ("java", "javac"),
    "JavaScript": ("node",),
    "PHP": ("php",),
}
HOSTILE = """it's "quoted" \\ \\n `id` $(id) ${HOME} {braces} %s %d <?php ?> \"\"\" ''' JSON; 家长 👩‍🏫 \t end\\"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The receiver of the samples' webhooks."""
    with receiving() as started:
        yield started


@pytest.fixture
def scene(app: Credentials, client: Client, receiver: Receiver, shared_connections: SharedConnections) -> Scene:
    """The objects in the samples."""
    return Scene(app, client, receiver, shared_connections)


def need(language: str) -> None:
    """Skip the test if the machine lacks a language."""
    missing = [name for name in NEEDED[language] if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here: see `make languages`")


def environment(app: Credentials) -> dict[str, str]:
    """Return the environment that the programs need, without a proxy."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return kept | {"MSGCENTER_APP_ID": app.app_id, "MSGCENTER_APP_KEY": app.app_key, "LC_ALL": "C.UTF-8"}


def run(folder: Path, app: Credentials, *command: str) -> str:
    """Run a command in a folder and return its output; it must not fail."""
    done = subprocess.run(
        command, cwd=folder, env=environment(app), capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def written(folder: Path, server: Server, path: str, request: dict[str, Any], language: str) -> Program:
    """Return the path of a program, saved under its name."""
    program = next(candidate for candidate in programs(server.url, path, request) if candidate.language == language)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / program.file).write_text(program.text, encoding="utf-8")
    return program


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript", "PHP"])
def test_every_call_is_made(scene: Scene, server: Server, tmp_path: Path, language: str) -> None:
    need(language)
    for call in CALLS.values():
        request = scene.requests(call)[0]
        program = written(tmp_path, server, call.path, request, language)
        output = run(tmp_path, scene.app, *program.run.split())
        assert re.search(r'"retCode":\s*"000000"|"accessToken"', output), f"{call.name}: {output}"


def test_every_call_is_made_in_java(scene: Scene, server: Server, tmp_path: Path) -> None:
    need("Java")
    for call in CALLS.values():
        written(tmp_path / call.name, server, call.path, scene.requests(call)[0], "Java")
    # One compiler and one machine for all programs: their start is slow.
    (tmp_path / "All.java").write_text(
        "public class All {\n    public static void main(String[] arguments) throws Exception {\n"
        + "".join(f"        {name}.Call.main(arguments);\n" for name in CALLS)
        + "    }\n}\n",
        encoding="utf-8",
    )
    for name in CALLS:
        source = tmp_path / name / "Call.java"
        source.write_text(f"package {name};\n{source.read_text(encoding='utf-8')}", encoding="utf-8")
    files = [f"{name}/Call.java" for name in CALLS]
    run(tmp_path, scene.app, "javac", "-encoding", "UTF-8", "-Xlint:all", "-Werror", "All.java", *files)
    output = run(tmp_path, scene.app, "java", "-XX:TieredStopAtLevel=1", "All")
    assert output.count('"retCode":"000000"') == len(CALLS)


@pytest.mark.parametrize("language", NEEDED)
def test_a_text_arrives_unchanged(scene: Scene, server: Server, tmp_path: Path, language: str) -> None:
    need(language)
    request = {"receiverIds": [scene.user], "msgtype": "text", "text": {"content": HOSTILE}}
    program = written(tmp_path, server, SEND, request, language)
    run(tmp_path, scene.app, *program.run.split())
    (message,) = scene.client.messages()
    assert message.body == {"content": HOSTILE}


@pytest.mark.parametrize("language", NEEDED)
def test_a_refusal_is_shown(scene: Scene, server: Server, tmp_path: Path, language: str) -> None:
    need(language)
    program = written(tmp_path, server, SEND, {"receiverIds": [scene.user]}, language)
    done = subprocess.run(
        program.run.split(), cwd=tmp_path, env=environment(scene.app), capture_output=True, text=True, check=False
    )
    assert "100002" in done.stdout + done.stderr, "msgtype is missing"
    wrong = environment(scene.app) | {"MSGCENTER_APP_KEY": "0" * 32}
    done = subprocess.run(program.run.split(), cwd=tmp_path, env=wrong, capture_output=True, text=True, check=False)
    assert "200004" in done.stdout + done.stderr, "the key is wrong"
