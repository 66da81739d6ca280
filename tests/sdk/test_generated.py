"""The sync client is generated from the async client, and `make check` notices when the two differ."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/generate_sync_client.py"
PACKAGE = ROOT / "sdk/python/src/msgcenter_client"


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], check=False, capture_output=True, text=True)


def test_the_committed_sync_client_is_what_the_async_client_generates() -> None:
    check = generate("--check")
    assert (check.returncode, check.stderr) == (0, "")


def test_a_change_of_one_side_fails_the_check_until_it_is_generated(tmp_path: Path) -> None:
    package = tmp_path / "msgcenter_client"
    shutil.copytree(PACKAGE, package)
    source, target = package / "async_topic_methods.py", package / "topic_methods.py"
    source.write_text(source.read_text().replace("async def subscribe(", "async def join("))
    (package / "client.py").write_text("# edited by hand\n")

    check = generate("--check", "--package", package)
    message = "Run `make generate`. Generated SDK modules out of date: client.py, topic_methods.py\n"
    assert (check.returncode, check.stderr) == (1, message)
    assert "def join(" not in target.read_text()

    assert generate("--package", package).returncode == 0
    assert "    def join(" in target.read_text()
    assert (package / "client.py").read_text() == (PACKAGE / "client.py").read_text()
    assert generate("--check", "--package", package).returncode == 0


def test_make_check_compares_the_generated_client() -> None:
    plan = subprocess.run(["make", "-n", "check"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "scripts/generate_sync_client.py --check" in plan.stdout
