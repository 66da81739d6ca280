"""The bundles for browsers are up to date with the sources."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from msgcenter.inbox.files import BUNDLES as INBOX_BUNDLES
from msgcenter.portal.assets import BUNDLES as PORTAL_BUNDLES

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif(
    not (shutil.which("node") and (ROOT / "node_modules" / "esbuild").exists()),
    reason="no Node.js with the packages of package.json here",
)
def test_bundles_equal_their_sources() -> None:
    done = subprocess.run(
        ["node", "scripts/bundle.mjs", "--check"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bundles_import_nothing_before_it_is_needed() -> None:
    scripts = [*INBOX_BUNDLES.glob("*.js"), *PORTAL_BUNDLES.glob("*.js")]
    assert len(scripts) >= 6
    for script in scripts:
        code = script.read_text().replace("import.meta", "")
        # What is loaded later is a file of ours, at an address that the page knows only then.
        later = re.findall(r"\bimport\(([^)]*)\)", code)
        assert [
            target for target in later if not re.fullmatch(r"`\$\{\w+\}/(inbox/\w+\.js|\$\{\w+\})`", target)
        ] == [], script.name
        assert not re.search(r"""\bimport\s*["'{*]|[}\w*]\s*from\s*["']""", code), script.name
