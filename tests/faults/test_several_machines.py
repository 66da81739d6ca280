"""Two machines on one PostgreSQL, with PgBouncer in between and Redis: what they share, and what survives faults."""

import asyncio
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.database.database import Database
from msgcenter_client import Client
from tests.cli.program import Shell
from tests.cli.test_doctor import findings
from tests.conftest import (
    Credentials,
    Raw,
    Server,
    create_database,
    drop_database,
    new_app,
    running_server,
    wait_for,
)
from tests.inbox.conftest import Browser, Stream, opened_stream, user_token
from tests.monitor.test_metrics import TOKEN, scraped, total, until
from tests.services import Service, running_pgbouncer, running_redis

READERS = ("reader-0", "reader-1", "reader-2")
TRY_AGAIN = {"500002", "500003"}


@dataclass
class Site:
    """Two servers with data folders of their own, and what they share."""

    direct_url: str
    pooled_url: str
    redis_url: str
    redis: Service
    pgbouncer: Service
    folders: tuple[Path, Path]
    stack: ExitStack
    servers: list[Server] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of both servers."""
        return {"DIRECT_DATABASE_URL": self.direct_url, "REDIS_URL": self.redis_url, "METRICS_TOKEN": TOKEN}

    def start(self, number: int) -> Server:
        """Start a server; 0 or 1."""
        started = running_server(self.pooled_url, self.folders[number], **self.settings)
        return self.stack.enter_context(started)

    def metric(self, name: str) -> list[float]:
        """Return the value of a metric on each machine."""
        return [total(scraped(server.url, TOKEN), f"msgcenter_{name}") for server in self.servers]

    def until_redis_is(self, value: float) -> None:
        """Wait until both servers say whether Redis answers: 1 or 0."""
        until(lambda: self.metric("redis_up") == [value, value])


@pytest.fixture(scope="module")
def site(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two running servers."""
    url = wait_for(create_database(postgres, template))
    folders = (tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two"))
    with (
        running_redis(tmp_path_factory.mktemp("redis")) as (redis_url, redis),
        running_pgbouncer(url) as (pooled_url, pgbouncer),
        ExitStack() as stack,
    ):
        made = Site(url, pooled_url, redis_url, redis, pgbouncer, folders, stack)
        made.servers = [made.start(0), made.start(1)]
        made.until_redis_is(1)
        yield made
    wait_for(drop_database(postgres, url))


@pytest.fixture
def app(site: Site) -> Credentials:
    """An app of the test's own."""
    return wait_for(new_app(site.direct_url))


@pytest.fixture
def raws(site: Site, app: Credentials) -> Iterator[list[Raw]]:
    """Raw HTTP to both servers with one token."""
    secret = {"client_id": app.app_id, "client_secret": app.app_key}
    opened = [Raw(server, "") for server in site.servers]
    answer = opened[0].http.post("/oauth2/token", data={"grant_type": "client_credentials", **secret})
    for each in opened:
        each.token = answer.json()["access_token"]
    yield opened
    for each in opened:
        each.http.close()


def set_limits(site: Site, app: Credentials, rates: dict[str, int] | None, quota: int | None = None) -> None:
    """Change an app's limits, as an operator does."""

    async def change() -> None:
        async with Database(site.direct_url, connections=2) as database:
            await AppSettings(database).set_limits(app.app_id, rates, quota)

    asyncio.run(change())


def test_both_machines_count_the_servers_and_their_processes(site: Site) -> None:
    assert site.metric("servers") == [2, 2]
    assert site.metric("server_processes") == [2, 2]
    assert site.metric("workers") == [1, 1]


def test_the_doctor_says_what_an_outage_of_redis_means(site: Site) -> None:
    shell = Shell(site.pooled_url, site.folders[0], forked=True, **site.settings, PORT="0")
    assert findings(shell, code=1)["redis"]["verdict"] == "ok"
    missing = findings(shell, code=1, REDIS_URL="redis://user:hunter2@127.0.0.1:9/0")["redis"]
    assert (missing["verdict"], "hunter2" in str(missing)) == ("warning", False)
    assert "rate limits count per process" in missing["advice"]


def test_one_rate_limit_over_both_machines(site: Site, app: Credentials, raws: list[Raw]) -> None:
    set_limits(site, app, {"getUnreadCount": 4})

    def accepts(raw: Raw) -> bool:
        code = raw.post("getUnreadCount", {"publisherId": "nobody"}).json()["retCode"]
        assert code in {"000000", "400001"}
        return bool(code == "000000")

    def other_refuses_its_first_call() -> bool:
        """Use up one window on the first machine. It may end before the call to the other one."""
        one, other = raws
        while not accepts(one):  # until the window ends that an earlier try used up
            pass
        while accepts(one):
            pass
        return not accepts(other)

    until(other_refuses_its_first_call)


def test_one_quota_over_both_machines(site: Site, app: Credentials, raws: list[Raw]) -> None:
    set_limits(site, app, None, quota=5)
    body = {"receiverIds": ["u"], "msgtype": "text", "text": {"content": "x"}}
    codes = [raws[number % 2].post("sendMsg", body).json()["retCode"] for number in range(7)]
    assert codes == ["000000"] * 5 + ["400002"] * 2


class Load:
    """Clients that send and read messages on either machine, and repeat a call on the other one if it fails."""

    def __init__(self, site: Site, token: str) -> None:
        self._site = site
        self._token = token
        self._stopping = threading.Event()
        self._progress = threading.Condition()
        self._threads = [threading.Thread(target=self._work, args=(user,)) for user in READERS]
        self.failures: list[BaseException] = []
        self.acknowledged: defaultdict[str, list[str]] = defaultdict(list)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def continues(self) -> None:
        """Wait until each client has sent and read some more messages."""
        with self._progress:
            goals = {user: len(self.acknowledged[user]) + 5 for user in READERS}
            reached = self._progress.wait_for(
                lambda: self.failures or all(len(self.acknowledged[user]) >= goals[user] for user in READERS), 60
            )
        assert reached, "calls no longer succeed"
        assert not self.failures, self.failures

    def _work(self, user: str) -> None:
        try:
            with httpx.Client(trust_env=False, timeout=20) as http:
                for number in count():
                    if self._stopping.is_set():
                        return
                    text = f"{user} {number}"
                    message = {"receiverIds": [user], "msgtype": "text", "text": {"content": text}, "requestId": text}
                    message_id = self._call(http, "sendMsg", message)["msgId"]
                    self._call(http, "modMsgStatus", {"publisherId": user, "msgId": [message_id], "isRead": 1})
                    with self._progress:
                        self.acknowledged[user].append(text)
                        self._progress.notify_all()
        except BaseException as error:
            self.failures.append(error)
            raise

    def _call(self, http: httpx.Client, name: str, body: Mapping[str, object]) -> dict[str, Any]:
        for number in cycle((0, 1)):
            url = f"{self._site.servers[number].url}/msgCenter/message/{name}"
            try:
                answer: dict[str, Any] = http.post(url, params={"accessToken": self._token}, json=body).json()
            except (httpx.HTTPError, ValueError):
                time.sleep(0.02)
                continue
            if answer["retCode"] in TRY_AGAIN:
                time.sleep(0.02)
                continue
            assert answer["retCode"] == "000000", answer
            return answer
        raise AssertionError


def until_live(site: Site, app: Credentials, stream: Stream) -> None:
    """Send messages on the first machine until the stream on the second one gets one of them as a live event."""
    with Client(site.servers[0].url, app.app_id, app.app_key) as client:
        sent: set[str] = set()

        def arrives() -> bool:
            sent.add(client.send_text("watcher", "news"))
            while not stream.events.empty():
                name, data = stream.events.get()
                if name == "message" and data["id"] in sent:
                    return True
            return False

        until(arrives)


@pytest.mark.kill
def test_nothing_is_lost_and_events_arrive_again_after_each_fault(
    site: Site, app: Credentials, raws: list[Raw]
) -> None:
    token = user_token(raws[0], "watcher")
    with Load(site, raws[0].token) as load:
        with opened_stream(site.servers[1], token) as stream:
            load.continues()
            until_live(site, app, stream)

            site.redis.send(signal.SIGSTOP)
            site.until_redis_is(0)
            load.continues()
            site.redis.send(signal.SIGCONT)
            site.until_redis_is(1)
            until_live(site, app, stream)

            site.redis.kill()
            site.until_redis_is(0)
            load.continues()
            site.redis.start()
            site.until_redis_is(1)
            until_live(site, app, stream)

        site.pgbouncer.kill()
        site.pgbouncer.start()
        load.continues()

        site.servers[0].stop(signal.SIGKILL)
        load.continues()
        site.servers[0] = site.start(0)
        load.continues()
        with opened_stream(site.servers[1], token) as stream:
            until_live(site, app, stream)
    for user, texts in load.acknowledged.items():
        with Browser(site.servers[1], user_token(raws[1], user)) as browser:
            messages = all_messages(browser)
        found = [message["body"]["content"] for message in messages if message["readAt"] is not None]
        assert len(set(found)) == len(found), "a message is there twice"
        assert set(texts) <= set(found), "an acknowledged message or its status is lost"
    output = "".join(site.servers[1].output)
    assert "Redis does not answer" in output
    assert "Traceback" not in output


def all_messages(browser: Browser) -> list[dict[str, Any]]:
    """Return all messages of an inbox."""
    messages: list[dict[str, Any]] = []
    cursor: dict[str, object] = {}
    while True:
        page = browser.get("/messages", limit=100, **cursor)
        messages += page["messages"]
        if page["nextCursor"] is None:
            return messages
        cursor = {"cursor": page["nextCursor"]}
