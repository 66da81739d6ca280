"""The addresses that webhooks may connect to, checked at the time of the connection."""

import asyncio
import ssl
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import httpcore
import pytest

from msgcenter.delivery.webhook_post import Poster
from msgcenter.domain.network import LOOPBACK, AddressRules, ForbiddenAddressError, is_public
from msgcenter.domain.webhook import new_secret
from msgcenter.outbound.guarded_network import GuardedNetwork, Resolver
from tests.receiver import Receiver, receiving

NOT_PUBLIC = [
    *("0.0.0.0", "10.0.0.1", "127.0.0.1", "127.8.9.1", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.1"),
    *(
        "192.0.0.1",
        "192.0.0.9",
        "192.0.0.200",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
    ),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "3fff::1"),
    *("100::1", "2001::1", "2001:1::1", "2001:20::1", "2001:1ff:ffff::1", "64:ff9b:1::1", "5f00::1", "4000::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::192.0.0.1", "::ffff:192.0.0.200", "2002:c000:1::1"),
]
PUBLIC = ["9.9.9.9", "114.114.114.114", "2606:4700::1111", "2400:3200::1", "::ffff:9.9.9.9", "64:ff9b::9.9.9.9"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(ForbiddenAddressError):
        AddressRules().check([address], encrypted=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed_by_https_only(address: str) -> None:
    AddressRules().check([address], encrypted=True)
    with pytest.raises(ForbiddenAddressError):
        AddressRules().check([address], encrypted=False)


def test_a_host_with_one_forbidden_address_is_refused() -> None:
    with pytest.raises(ForbiddenAddressError):
        AddressRules().check(["9.9.9.9", "10.0.0.1"], encrypted=True)


def test_operators_may_allow_more_networks() -> None:
    rules = AddressRules([ip_network("10.8.0.0/16"), ip_network("fd00::/8")])
    rules.check(["10.8.1.1", "fd12::1", "::ffff:10.8.1.1"], encrypted=False)
    for address in ("10.9.0.1", "fc00::1", "::ffff:10.9.0.1", "127.0.0.1", "::1"):
        with pytest.raises(ForbiddenAddressError):
            rules.check([address], encrypted=True)


# --- Connections ----------------------------------------------------------------------------------------------------


class Names:
    """A name server with prepared answers that records the queries."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.queries: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.queries.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


async def post(url: str, names: object, rules: AddressRules) -> str | None:
    """Post something and return the error, None after a success."""
    async with Poster(names, rules, timeout=10) as poster:  # type: ignore[arg-type]
        return (await poster.post(url, "msg_1", b"{}", [new_secret()])).error


def port_of(receiver: Receiver) -> str:
    return receiver.url.rpartition(":")[2]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_refused_by_default(receiver: Receiver, host: str) -> None:
    names = Resolver()
    for scheme in ("http", "https"):
        error = await post(f"{scheme}://{host}:{port_of(receiver)}/", names, AddressRules())
        assert error == "the host's address is not public"
    names.close()
    assert receiver.posts == []


async def test_a_name_that_changes_to_a_private_address_is_refused(receiver: Receiver) -> None:
    names = Names(["9.9.9.9"], ["127.0.0.1"])
    AddressRules().check(await names("hook.example", 443), encrypted=True)  # as at the registration
    error = await post(f"https://hook.example:{port_of(receiver)}/", names, AddressRules())
    assert error == "the host's address is not public"
    assert receiver.posts == []


async def test_a_name_with_one_forbidden_address_is_not_called(receiver: Receiver) -> None:
    names = Names(["127.0.0.1", "10.0.0.1"])
    error = await post(f"http://hook.example:{port_of(receiver)}/", names, AddressRules(LOOPBACK))
    assert error == "the host's address is not public"
    assert receiver.posts == []


async def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["203.0.113.1"])
    assert await post(f"http://hook.example:{port_of(receiver)}/x", names, AddressRules(LOOPBACK)) is None
    assert names.queries == ["hook.example"]
    (post_received,) = receiver.posts
    assert post_received.headers["host"] == f"hook.example:{port_of(receiver)}"


async def test_the_next_address_is_tried_if_one_does_not_answer(receiver: Receiver) -> None:
    names = Names(["127.0.0.9", "127.0.0.1"])
    assert await post(f"http://hook.example:{port_of(receiver)}/x", names, AddressRules(LOOPBACK)) is None


async def test_tls_verifies_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    server_names: list[str | None] = []

    class Stream(httpcore.AsyncNetworkStream):
        async def start_tls(
            self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore.AsyncNetworkStream:
            assert ssl_context.check_hostname
            server_names.append(server_hostname)
            raise httpcore.ConnectError("enough")

        async def aclose(self) -> None:
            pass

    async def connect(self: object, host: str, *_: object) -> Stream:
        assert host == "9.9.9.9"
        return Stream()

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    assert await post("https://hook.example/", Names(["9.9.9.9"]), AddressRules()) == "no connection: enough"
    assert server_names == ["hook.example"]


async def test_proxies_of_the_environment_are_ignored(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await post(receiver.url, Resolver(), AddressRules(LOOPBACK)) is None


async def test_unix_sockets_are_not_supported() -> None:
    network = GuardedNetwork(Names(["127.0.0.1"]), AddressRules(LOOPBACK), encrypted=False)
    with pytest.raises(NotImplementedError):
        await network.connect_unix_socket("/run/x")


# --- Failures -------------------------------------------------------------------------------------------------------


async def test_each_failure_is_described() -> None:
    rules = AddressRules(LOOPBACK)
    assert await post("http://127.0.0.1:9/", Resolver(), rules) == "no connection: All connection attempts failed"
    assert await post("http://no.invalid/", Resolver(), rules) == "no connection: the host name was not found"
    assert await post("http://hook.example/", Names([]), rules) == "no connection: the host has no address"

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await post(f"http://127.0.0.1:{port}/", Resolver(), rules)
        assert error is not None
        assert error.startswith("the answer is not HTTP")


async def test_a_response_that_never_ends_times_out() -> None:
    disconnected = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                writer.write(b"x-more: x\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            writer.close()
            disconnected.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Poster(Resolver(), AddressRules(LOOPBACK), timeout=0.3) as poster:
        outcome = await poster.post(f"http://127.0.0.1:{port}/", "msg_1", b"{}", [new_secret()])
    assert (outcome.verdict, outcome.error) == ("failing", "no answer within 0.3 seconds")
    await disconnected.wait()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "retry_after"),
    [
        (200, {}, "delivered", 0),
        (299, {}, "delivered", 0),
        (301, {"Location": "http://127.0.0.1/"}, "refused", 0),
        (400, {}, "refused", 0),
        (401, {}, "refused", 0),
        (408, {}, "failing", 0),
        (410, {}, "gone", 0),
        (429, {"Retry-After": "120"}, "failing", 120_000),
        (500, {"Retry-After": "soon"}, "failing", 0),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "failing", 0),
        (503, {"Retry-After": "9" * 40}, "failing", 10**9),
    ],
)
async def test_the_status_decides_the_verdict(
    receiver: Receiver, status: int, headers: dict[str, str], verdict: str, retry_after: int
) -> None:
    receiver.answer = lambda _: (status, headers, b"")
    async with Poster(Resolver(), AddressRules(LOOPBACK), timeout=10) as poster:
        outcome = await poster.post(receiver.url, "msg_1", b"{}", [new_secret()])
    assert (outcome.verdict, outcome.status) == (verdict, status)
    assert outcome.retry_after == retry_after
