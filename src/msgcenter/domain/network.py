"""Network addresses: those that the server may call for an app, and those that belong to one subscriber."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

# The special-purpose address registries of IANA (RFC 6890), as far as they are not for ordinary hosts of the internet.
# They are named here because the lists in Python's ipaddress differ from version to version.
_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_UNICAST = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
"""Parts of `_UNICAST`. 6to4 is not among them: its embedded IPv4 address is checked."""
_NAT64 = IPv6Network("64:ff9b::/96")
_LONGEST_NAME = 64


class ForbiddenAddressError(Exception):
    """An address that the server may not call. The text does not contain the address."""


class AddressRules:
    """Allows public addresses and those in `allowed`."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def check(self, addresses: Iterable[str], *, encrypted: bool) -> None:
        """Raise ForbiddenAddressError unless all may be called. Without encryption, only those in `allowed` may."""
        for text in addresses:
            address = ip_address(text.partition("%")[0])
            if self._is_allowed(address):
                continue
            if not is_public(address):
                raise ForbiddenAddressError("the host's address is not public")
            if not encrypted:
                raise ForbiddenAddressError("public addresses need https")

    def _is_allowed(self, address: Address) -> bool:
        forms = [address, *_embedded(address)] if _is_mapped(address) else [address]
        return any(form in network for form in forms for network in self._allowed if form.version == network.version)


def is_public(address: Address) -> bool:
    """Return whether an address, and any IPv4 address embedded in it, belongs to the public internet.

    >>> is_public(ip_address("9.9.9.9")), is_public(ip_address("::ffff:10.0.0.1"))
    (True, False)
    """
    if not all(is_public(inner) for inner in _embedded(address)):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _SPECIAL_V4)
    if _is_mapped(address) or address in _NAT64:
        return True  # the embedded address is public
    return address.is_global and address in _UNICAST and not any(address in network for network in _SPECIAL_V6)


@lru_cache(maxsize=4_096)
def subscriber_of(address: str) -> str:
    """Return the key under which limits count a subscriber: an IPv4 address, or the /64 network of an IPv6 address.

    An IPv4-mapped IPv6 address counts as its IPv4 address. Another text, such as a socket path, is its own key.

    >>> subscriber_of("2001:db8::17"), subscriber_of("::ffff:192.0.2.7")
    ('2001:db8::/64', '192.0.2.7')
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST_NAME]
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((parsed, 64), strict=False))


def _is_mapped(address: Address) -> bool:
    return isinstance(address, IPv6Address) and address.ipv4_mapped is not None


def _embedded(address: Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that are embedded in an IPv6 address: mapped, 6to4, NAT64."""
    if isinstance(address, IPv4Address):
        return []
    inner_addresses = [address.ipv4_mapped, address.sixtofour]
    if address in _NAT64:
        inner_addresses.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [inner for inner in inner_addresses if inner is not None]
