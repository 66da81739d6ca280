"""Rules for the repository, independent of the product."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import msgcenter

ROOT = Path(__file__).resolve().parents[1]

# In parts, so that this file keeps the rule too.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
    )
]


def committed_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def project(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text())


def locked() -> dict[str, list[str]]:
    """Return the locked versions of each package: several if they differ by platform or Python."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", (ROOT / "requirements.lock").read_text(), re.M):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def test_no_committed_file_names_a_package_registry() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in committed_files()
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert not named


def test_the_lock_works_behind_any_mirror() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    options = [line for line in lines if line.startswith("-")]
    urls = [line for line in lines if "://" in line or " @ " in line]
    assert not options + urls


@pytest.mark.parametrize("path", ["pyproject.toml", "sdk/python/pyproject.toml"])
def test_every_declared_dependency_is_locked(path: str) -> None:
    declared = project(path)
    lines: list[str] = list(declared["project"]["dependencies"])
    for group in declared.get("dependency-groups", {}).values():
        lines += [line for line in group if isinstance(line, str)]

    versions = locked()
    stale = []
    for requirement in map(Requirement, lines):
        name = canonicalize_name(requirement.name)
        if name == "msgcenter-client":
            continue
        if not any(requirement.specifier.contains(version) for version in versions.get(name, [])):
            stale.append(str(requirement))
    assert not stale, "run `make lock`"


def test_make_without_a_target_shows_every_target() -> None:
    phony = set(re.findall(r"^\.PHONY: *(.+)$", (ROOT / "Makefile").read_text(), re.M))
    assert {"setup", "run", "test", "check", "fmt", "lock", "bench", "clean"} <= phony

    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(re.findall(r"^  make ([a-z-]+) +\S", shown.stdout, re.M)) == phony
    assert "\033" not in shown.stdout  # colour is for terminals


def test_no_exception_object_is_raised_repeatedly() -> None:
    """An exception keeps the frames of every place that raised it. An object that is raised repeatedly leaks them."""
    kept = [
        f"{module.name}.{name}"
        for module in pkgutil.walk_packages(msgcenter.__path__, "msgcenter.")
        if module.name != "msgcenter.__main__"
        for name, value in vars(importlib.import_module(module.name)).items()
        if isinstance(value, BaseException)
    ]
    assert kept == []
