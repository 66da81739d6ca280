"""Prove that the tests catch mistakes: `make mutations`, or `python -m tests.mutations [NAME ...]`.

For each mutation, a copy of the checkout gets the mistake and the tests that must catch it run there. Prints a table,
and exits with 1 if a mutation survives. Names select mutations by a part of their name.
"""

import argparse
import itertools
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgcenter.database.embedded.postgres import embedded_postgres
from tests.conftest import QUICK, TEST_DATABASE
from tests.mutations.mutation import Mutation, apply
from tests.mutations.mutations import MUTATIONS

ROOT = Path(__file__).parents[2]
_LEFT_OUT = (".*", "__pycache__", "node_modules", "build", "dist")
_SECONDS = 600
"""How long the tests of a mutation may take: a mistake may let them wait for ever."""
_ALL_SECONDS = 3_600
_PASSED = 0
_VERDICTS = {_PASSED: "SURVIVED", 1: "caught", -1: "no end"}
"""What an exit code of pytest means. Tests that do not end have caught a mistake, unless the machine is very busy."""
_modified = itertools.count(1)


class Checkout:
    """A copy of the checkout, in which one mutation at a time is tried."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        paths = [folder / "src", folder / "sdk/python/src", folder]
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONPYCACHEPREFIX": str(folder / ".compiled"),
            TEST_DATABASE: database_url,
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def test(self, *tests: str, seconds: int = _SECONDS) -> tuple[int, str]:
        """Run tests; return the exit code of pytest, -1 after a time-out, and the output."""
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", *tests]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -1, f"no end after {seconds} s"
        return done.returncode, done.stdout

    @contextmanager
    def mutated(self, mutation: Mutation) -> Iterator[None]:
        """Keep the mistake in the copy until the end of the block."""
        path = self.folder / mutation.path
        text = path.read_text(encoding="utf-8")
        _write(path, apply(mutation, text))
        try:
            yield
        finally:
            _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write a source so that Python compiles it again: it compares times in seconds, and sizes."""
    path.write_text(text, encoding="utf-8")
    stamp = time.time() + next(_modified)
    os.utime(path, (stamp, stamp))


def main() -> int:
    """Try the mutations; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of the name of a mutation; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="mutations that are tried at a time (default: 2)")
    arguments = parser.parse_args()
    chosen = [m for m in MUTATIONS if not arguments.names or any(name in m.name for name in arguments.names)]
    for mutation in chosen:
        apply(mutation, (ROOT / mutation.path).read_text(encoding="utf-8"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutations-")))
        folder.chmod(0o711)  # PostgreSQL runs as a user of its own where this user is root
        url = stack.enter_context(embedded_postgres(folder / "postgres", settings=QUICK | {"max_connections": "300"}))
        checkouts: queue.SimpleQueue[Checkout] = queue.SimpleQueue()
        for number in range(arguments.jobs):
            checkouts.put(Checkout(folder / f"checkout-{number}", url))

        def attempt(mutation: Mutation | None) -> tuple[int, str, float]:
            checkout, began = checkouts.get(), time.monotonic()
            try:
                if mutation is None:
                    tests = sorted({test for m in chosen for test in m.tests})
                    return *checkout.test(*tests, seconds=_ALL_SECONDS), time.monotonic() - began
                with checkout.mutated(mutation):
                    return *checkout.test(*mutation.tests), time.monotonic() - began
            finally:
                checkouts.put(checkout)

        code, output, took = attempt(None)
        if code != _PASSED:
            print(output)
            print("The tests fail without a mutation.")
            return 1
        print(f"{'without a mutation':<90} passed    {took:4.0f} s", flush=True)
        with ThreadPoolExecutor(arguments.jobs) as threads:
            survived = 0
            for mutation, (code, output, took) in zip(chosen, threads.map(attempt, chosen), strict=True):
                if code not in _VERDICTS:
                    print(output)
                    print(f"pytest ended with {code} for the mutation {mutation.name!r}.")
                    return 1
                survived += code == _PASSED
                print(f"{mutation.name:<90} {_VERDICTS[code]:<9} {took:4.0f} s", flush=True)
    print(f"Mutations: {len(chosen)}, caught: {len(chosen) - survived}, survived: {survived}")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
