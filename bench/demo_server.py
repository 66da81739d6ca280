"""A temporary `msgcenter demo` and the browser to open it, for the page benchmark and the screenshots."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PROGRAM = [sys.executable, "-m", "msgcenter"]
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")


class DemoError(Exception):
    """The demo did not start. The text is what it printed."""


@dataclass(frozen=True)
class DemoServer:
    """A running demo: its URL, its app's credentials, and the links to the inboxes of its users."""

    url: str
    app_id: str
    app_key: str
    inbox_links: dict[str, str]
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run a command on the demo's data and return its output."""
        command = [*_PROGRAM, *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout


@contextmanager
def demo_server(**settings: str) -> Iterator[DemoServer]:
    """Run `msgcenter demo` in a temporary folder. The names of `settings` lack MSGCENTER_. Raises DemoError."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MSGCENTER_")}
        environment |= {"MSGCENTER_DATA_DIR": directory, "COLUMNS": "500", "NO_COLOR": "1"}
        environment |= {f"MSGCENTER_{name}": value for name, value in settings.items()}
        process = subprocess.Popen(
            [*_PROGRAM, "demo", "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output = "".join(_lines_until(process, "for operators"))
            app = re.search(r"MSGCENTER_APP_ID=(\S+) MSGCENTER_APP_KEY=(\S+)", output)
            links = dict(re.findall(r"^(\S+)\s+(http\S+/inbox#token=\S+)$", output, re.MULTILINE))
            url = re.search(r"is serving on (http\S+)", output)
            if app is None or url is None or not links:
                raise DemoError(output)
            yield DemoServer(url[1], app[1], app[2], links, environment)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _lines_until(process: "subprocess.Popen[str]", text: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if text in line:
            return


def chromium_path() -> str:
    """Return the path of a Chromium. Exits with a message if there is none."""
    path = os.environ.get("MSGCENTER_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        sys.exit("Chromium is missing (Debian, Ubuntu: apt-get install chromium fonts-noto-cjk fonts-inter).")
    return path
