"""The npm package of the component, as users get it: packed, installed, bundled and opened in a browser."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from msgcenter.inbox.files import STATIC
from msgcenter_client import Client
from tests.conftest import Credentials, Server, wait_for
from tests.e2e.websites import allow_website

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "sdk" / "web"
needs_npm = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm") and (ROOT / "node_modules" / "esbuild").exists()),
    reason="no Node.js and npm with the packages of package.json here (make node)",
)


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as `npm pack` makes it."""
    folder = tmp_path_factory.mktemp("package")
    npm(PACKAGE, "pack", "--pack-destination", str(folder))
    (packed,) = folder.glob("*.tgz")
    return packed


def npm(folder: Path, *arguments: str) -> None:
    """Run npm in a folder."""
    done = subprocess.run(["npm", *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=200)
    if (
        done.returncode
        and "install" in arguments
        and re.search(r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN", done.stderr)
    ):
        pytest.skip("npm reaches no registry here")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def built(tarball: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example with the packed package installed, and with its bundle built."""
    folder = tmp_path / "example"
    shutil.copytree(ROOT / "examples" / request.param, folder, ignore=shutil.ignore_patterns("node_modules"))
    npm(folder, "install", "--no-audit", "--no-fund", str(tarball))
    npm(folder, "run", "build")
    return folder


@contextmanager
def example_website(folder: Path, server: Server, app: Credentials, user: str) -> Iterator[str]:
    """Run `examples/server.py` on a folder; yield its origin."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "examples" / "server.py"), str(folder)]
    command += ["--msgcenter", server.url, "--user", user, "--port", str(port)]
    environment = {**os.environ, "MSGCENTER_APP_ID": app.app_id, "MSGCENTER_APP_KEY": app.app_key}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"Open http://localhost:{port}\n".encode()
            yield f"http://localhost:{port}"
        finally:
            process.terminate()


@needs_npm
@pytest.mark.parametrize("built", ["page", "react"], indirect=True)
def test_an_example_shows_the_inbox(
    chromium: Browser,
    built: Path,
    server: Server,
    shared_database: str,
    app: Credentials,
    client: Client,
    user: str,
) -> None:
    client.send_text(user, "from the package")
    if (built / "tsconfig.json").exists():
        npm(built, "run", "types")
    with example_website(built, server, app, user) as origin:
        wait_for(allow_website(shared_database, app.app_id, origin))
        context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 1000})
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(origin)
        expect(page.get_by_text("Unread messages: 1")).to_be_visible()
        if built.joinpath("main.js").exists():
            page.get_by_role("button", name="Messages, 1 unread").click()
        expect(page.get_by_text("from the package")).to_be_visible()
        client.send_text(user, "and live")
        expect(page.get_by_text("and live")).to_be_visible()
        expect(page.get_by_text("Unread messages: 2")).to_be_visible()
        context.close()
    assert errors == []


@needs_npm
def test_the_package_has_what_its_users_need(tarball: Path) -> None:
    listing = subprocess.run(["tar", "-tzf", str(tarball)], check=True, capture_output=True, text=True).stdout.split()
    assert sorted(listing) == [
        "package/LICENSE",
        "package/README.md",
        "package/README.zh-CN.md",
        "package/custom-elements.json",
        "package/dist/msg-inbox.js",
        "package/index.d.ts",
        "package/package.json",
        "package/react.d.ts",
    ]


# --- The descriptions say what the sources do -------------------------------------------------------------------------


def described() -> dict[str, set[str]]:
    """Return the names in custom-elements.json."""
    manifest = json.loads((PACKAGE / "custom-elements.json").read_text())
    (element,) = manifest["modules"][0]["declarations"]
    return {
        kind: {item["name"] for item in element[kind]} for kind in ("attributes", "members", "events", "cssProperties")
    }


def test_the_manifest_describes_the_element() -> None:
    source = (STATIC / "inbox-element.js").read_text()
    scripts = "".join(path.read_text() for path in STATIC.glob("*.js"))
    names = described()
    observed = re.search(r"observedAttributes = \[(.*?)\]", source, re.DOTALL)
    assert observed is not None
    read = set(re.findall(r'"([a-z]+)"', observed[1])) | set(re.findall(r'getAttribute\("([a-z]+)"\)', source))
    assert names["attributes"] == read
    assert names["events"] == set(re.findall(r'"(msg-inbox:[a-z-]+)"', scripts))
    assert names["cssProperties"] == set(re.findall(r"var\((--msg-[a-z-]+)", scripts))
    public = set(re.findall(r"^  (?:async |get |set )?([a-z]\w*)\(.*\) \{$", source, re.MULTILINE))
    callbacks = {"constructor", "connectedCallback", "disconnectedCallback", "attributeChangedCallback"}
    assert names["members"] == public - callbacks - {"makeBell"}  # which msg-inbox.js overrides


@pytest.mark.parametrize("document", ["index.d.ts", "README.md", "README.zh-CN.md", "../../docs/inbox.md"])
def test_every_description_names_the_same(document: str) -> None:
    text = (PACKAGE / document).read_text()
    names = described()
    assert set(re.findall(r"msg-inbox:[a-z-]+", text)) == names["events"]
    for name in names["attributes"] | (names["members"] - {"mode"}):
        assert re.search(rf"\b{name}\b", text), name
    if document.endswith(".md"):
        assert set(re.findall(r"--msg-[a-z-]+", text)) == names["cssProperties"]


def test_the_package_has_the_version_of_the_server() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == version[1]
