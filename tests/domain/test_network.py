"""Which network addresses count as one subscriber."""

import pytest

from msgcenter.domain.network import subscriber_of


@pytest.mark.parametrize(
    ("address", "subscriber"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::17", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::17", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
        ("", ""),
        ("x" * 300, "x" * 64),
        ("\0\xff", "\0\xff"),
    ],
)
def test_limits_count_an_ipv6_subscriber_by_64_bits(address: str, subscriber: str) -> None:
    assert subscriber_of(address) == subscriber
