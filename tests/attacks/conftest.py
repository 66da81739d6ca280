"""The attacked server, and people who log in at its portal."""

from collections.abc import Iterator

import pytest

from tests.conftest import Server, running_server
from tests.portal.conftest import company, developer, operator

__all__ = ["company", "developer", "operator", "target"]


@pytest.fixture(scope="package")
def target(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with default settings, shared by the attacks only."""
    with running_server(shared_database, tmp_path_factory.mktemp("target")) as started:
        yield started
