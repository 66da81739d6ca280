"""Write the SDK's sync client from its async client, the only one that is written by hand.

unasyncd does the transformation. Its own command is not used because its `--check` does not compare files.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from unasyncd.transformers import TreeTransformer

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sdk/python/src/msgcenter_client"

MODULES = {
    "async_client.py": "client.py",
    "async_directory_methods.py": "directory_methods.py",
    "async_send_methods.py": "send_methods.py",
    "async_sent_methods.py": "sent_methods.py",
    "async_topic_methods.py": "topic_methods.py",
    "async_webhook_methods.py": "webhook_methods.py",
}
"""The async modules and what is generated from each."""

NAMES = {
    "AsyncClient": "Client",
    "AsyncDirectoryMethods": "DirectoryMethods",
    "AsyncSendMethods": "SendMethods",
    "AsyncSentMethods": "SentMethods",
    "AsyncTopicMethods": "TopicMethods",
    "AsyncWebhookMethods": "WebhookMethods",
    "msgcenter_client.async_directory_methods.AsyncDirectoryMethods": (
        "msgcenter_client.directory_methods.DirectoryMethods"
    ),
    "msgcenter_client.async_send_methods.AsyncSendMethods": "msgcenter_client.send_methods.SendMethods",
    "msgcenter_client.async_sent_methods.AsyncSentMethods": "msgcenter_client.sent_methods.SentMethods",
    "msgcenter_client.async_topic_methods.AsyncTopicMethods": "msgcenter_client.topic_methods.TopicMethods",
    "msgcenter_client.async_webhook_methods.AsyncWebhookMethods": "msgcenter_client.webhook_methods.WebhookMethods",
    "httpx.AsyncClient": "httpx.Client",
    "httpx.AsyncBaseTransport": "httpx.BaseTransport",
    "aclose": "close",
}
"""Replacements in addition to those of unasyncd."""

WORDS = {"for asyncio": "for threads", "Tasks of one event loop": "Threads"}
"""What docstrings say differently about the sync client."""


def generate(source: Path) -> str:
    """Return the sync module for an async one, formatted as `make fmt` does."""
    transform = TreeTransformer(
        exclude=(),
        transform_docstrings=True,
        extra_name_replacements={**NAMES, **WORDS},
        infer_type_checking_imports=False,
    )
    note = f"# Generated from {source.name} by `make generate`. Do not edit.\n\n"
    code = note + transform(source.read_text())
    code = _ruff(code, "check", "--fix-only")
    # `async for` has no `yield from`; a plain `for` does.
    code = _ruff(code, "check", "--fix-only", "--unsafe-fixes", "--select=UP028")
    return _ruff(code, "format")


def _ruff(code: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--quiet", f"--config={ROOT / 'pyproject.toml'}", "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Write or check every generated module; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the SDK's sync client from its async client.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a module is out of date")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="the folder of msgcenter_client")
    arguments = parser.parse_args()
    stale: list[str] = []
    for source_name, target_name in MODULES.items():
        target = arguments.package / target_name
        code = generate(arguments.package / source_name)
        if not target.exists() or target.read_text() != code:
            stale.append(target_name)
            if not arguments.check:
                target.write_text(code)
                print(f"wrote {target}")
    if stale and arguments.check:
        print(f"Run `make generate`. Generated SDK modules out of date: {', '.join(stale)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
