"""What the tests of channels share: a network on which this machine may be called, and a fake server."""

from collections.abc import Iterator

import pytest

from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from tests.channels.fake_server import FakeServer, serving


@pytest.fixture
def network() -> Iterator[Network]:
    """A network without the internet: only this machine is allowed."""
    resolver = Resolver(2)
    yield Network(resolver, AddressRules(LOOPBACK))
    resolver.close()


@pytest.fixture
def public_network() -> Iterator[Network]:
    """The network of an installation that allows nothing but public addresses."""
    resolver = Resolver(2)
    yield Network(resolver, AddressRules())
    resolver.close()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server in the place of a gateway."""
    with serving() as fake:
        yield fake
