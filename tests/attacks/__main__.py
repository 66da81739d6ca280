"""`python -m tests.attacks`: attack a new server and print the results; exit code 1 if an attack succeeds.

Arguments go to pytest: `python -m tests.attacks -k header`.
"""

import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
_OPTIONS = ("-p", "no:terminal", "-p", "no:xdist", "-o", "addopts=--import-mode=importlib")
_OUTCOMES = {"passed": "holds", "failed": "GETS THROUGH", "skipped": "not tried"}


class _Table:
    """Prints a line for each attack, and at the end the reasons of those that succeeded."""

    def __init__(self) -> None:
        self._reasons: list[str] = []
        self._subject = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        path, _, attack = report.nodeid.partition("::")
        subject = Path(path).stem.removeprefix("test_").replace("_", " ")
        if subject != self._subject:
            self._subject = subject
            print(f"\n{subject}")
        print(f"  {attack.removeprefix('test_').replace('_', ' '):<100} {_OUTCOMES[report.outcome]}", flush=True)
        if report.failed:
            self._reasons.append(f"{report.nodeid}\n{_reason(report)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._reasons.append(f"{report.nodeid}\n{report.longreprtext}")

    def pytest_sessionfinish(self) -> None:
        for reason in self._reasons:
            print(f"\n{reason}")


def _reason(report: pytest.TestReport) -> str:
    """Return the message of the failed assertion, without its code and variables."""
    lines = [line.removeprefix("E").strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return "\n".join(f"  {line}" for line in lines[:4]) or report.longreprtext


if __name__ == "__main__":
    sys.exit(int(pytest.main([*_OPTIONS, str(_FOLDER), *sys.argv[1:]], plugins=[_Table()]) != 0))
