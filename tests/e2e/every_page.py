"""Every page of the portal, taken from its route table, with the longest values in its tables and headings."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.team import Team
from msgcenter.actions.directory.grants import AddressingGrants
from msgcenter.actions.portal.people import People
from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import CHANNELS
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.directory import DirectoryUser, Membership, Org, UserChange
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Person
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.portal.routes import PAGES
from msgcenter_client import Client, Organisations
from tests.conftest import SECRET_KEY, Credentials, Server, wait_for
from tests.portal.conftest import PASSWORD, Visitor
from tests.portal.directory_scene import write_directory
from tests.receiver import receiving
from tests.scene import find_platform

LONG_WORD = "Bildungsinformationsaustauschdienstleistungsverwaltungsstelle1234"[:64]
LONG_NAME = "武汉市第一中学信息技术教研组" * 4
FILES = (".csv", "/branch", "/preview")
"""Pages that are downloads, or parts of pages."""
DIRECTORY = "/operator/directory"
LONG_CODE = LONG_WORD[:32].lower()
_LONG_TYPE = {"code": LONG_CODE, "name_zh": LONG_NAME, "name_en": LONG_WORD, "urgency": "low"}
_OF_A_PLATFORM = ("channels", "channel-rules")


@dataclass
class World:
    """The objects on the pages. `login` is an operator who is a member of both apps; `empty_app_id` has no objects."""

    login: str
    app_id: str
    empty_app_id: str
    values: dict[str, str]

    def paths(self) -> list[str]:
        """Return the path of every page that is shown on screen, with existing objects in its parameters."""
        paths = []
        for page in PAGES:
            if page.method != "GET" or page.path.endswith(FILES) or page.path.startswith(DIRECTORY):
                continue
            calls = ("sendMsg", "getAccessToken") if "{name}" in page.path else ("",)
            paths += [self._path(page.path, call) for call in calls]
        return [*paths, "/nothing", *self.with_queries()]

    def pages_of_the_empty_app(self) -> list[str]:
        """Return the paths of the pages of the app without messages and webhooks."""
        start = "/apps/{app_id}"
        paths = [page.path for page in PAGES if page.method == "GET" and page.path.startswith(start)]
        paths = [path for path in paths if path.count("{") == 1 and not path.endswith(FILES)]
        return [path.replace("{app_id}", self.empty_app_id) for path in paths]

    def _path(self, path: str, call: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda part: call or self.values[part[1]], path)

    def with_queries(self) -> list[str]:
        """Return pages that look different with a query."""
        template = {"platform": self.values["platform"], "code": LONG_CODE}
        return [
            "/docs?q=publisherId",
            f"/docs?q={LONG_WORD}",
            f"/operator/apps?q={LONG_WORD}{LONG_WORD}",
            f"/apps/{self.app_id}/messages?receiver={LONG_WORD}",
            f"/operator/audit?actor={self.login}",
            f"/apps/{self.app_id}/messages/{self.values['org_message_id']}?report={LONG_WORD}&org={LONG_WORD}",
            *(f"{DIRECTORY}{query}" for query in self._directory()),
            *(
                f"/operator/channels/gateway?{urlencode({'platform': self.values['platform'], 'channel': channel})}"
                for channel in CHANNELS
            ),
            *(f"/operator/{page}?{urlencode({'platform': self.values['platform']})}" for page in _OF_A_PLATFORM),
            f"/operator/templates/edit?{urlencode(template)}",
            f"/apps/{self.app_id}/templates/edit?{urlencode(template)}",
            f"/apps/{self.app_id}/templates/edit?{urlencode(template)}-own",
        ]

    def _directory(self) -> Iterator[str]:
        """Yield the pages about the directory, each with what it is about."""
        platform = {"platform": self.values["platform"]}
        for page, query in (
            ("", {"open": LONG_WORD}),
            ("", {"q": LONG_WORD[:5]}),
            ("/org", {"org": LONG_WORD}),
            ("/user", {"user": LONG_WORD}),
            ("/audience", {f"org.{LONG_WORD}": "1", "roles": "a" * 16, "find": "below"}),
        ):
            yield f"{page}?{urlencode(platform | query)}"


@contextmanager
def world_on(server: Server, database_url: str) -> Iterator[World]:
    """Fill a server with an app, people, messages, webhooks, requests and announcements whose names are long."""
    tail = secrets.token_hex(8)
    person, app, empty_app_id = wait_for(_people_and_apps(database_url, tail))
    operator, other = Visitor(server.url), Visitor(server.url)
    for visitor, login in ((operator, person.login), (other, f"other-{tail}@example.edu")):
        assert visitor.log_in(login).status_code == 303
    try:
        with receiving() as receiver, Client(server.url, app.app_id, app.app_key) as client:
            url = f"{receiver.url}/{LONG_WORD * 6}"
            answer = operator.post(f"/apps/{app.app_id}/webhooks", url=url, **{"event.message.read": "1"})
            webhook = re.search(r"data-copy>(wh_[0-9a-f]+)<", answer.text)
            assert webhook is not None, answer.text
            _set_channels(operator, app)
            message_id = _send_messages(client)
            receiver.until(lambda posts: len(posts) > 0)
            reason = LONG_WORD * 7
            operator.post(f"/apps/{app.app_id}/ask", kind="platform_inbox", reason=reason)
            operator.post("/operator/people/invite", page="/operator/people", role="developer", note=LONG_WORD * 3)
            invited = operator.post("/operator/people/invite", page="/operator/people", role="developer", note="")
            invitation = re.search(r"/invitation/([\w-]+)", invited.text)
            assert invitation is not None
            number = _announce(operator, other, app)
            yield World(
                person.login,
                app.app_id,
                empty_app_id,
                {
                    "app_id": app.app_id,
                    "webhook_id": webhook[1],
                    "message_id": message_id,
                    "invitation": invitation[1],
                    "number": number,
                    "platform": app.platform_code,
                    "org_message_id": client.send_text(Organisations(LONG_WORD, roles=["tea"]), LONG_WORD),
                },
            )
    finally:
        operator.http.close()
        other.http.close()


async def _people_and_apps(database_url: str, tail: str) -> tuple[Person, Credentials, str]:
    keys = KeyRing(SECRET_KEY)
    async with Database(database_url, connections=2) as database:
        people, apps = People(database), Apps(database, keys)
        login = f"{'wolfeschlegelsteinhausen' * 2}-{tail[:8]}@{'verwaltung' * 5}.{'bildung' * 8}.example.edu"
        person = await people.create(login, LONG_WORD, PASSWORD, "operator")
        await people.create(f"other-{tail}@example.edu", LONG_NAME, PASSWORD, "operator")
        platform = f"{tail}{'platformcode' * 2}"[:32]
        app_ids = [f"{LONG_WORD[:47]}{secrets.token_hex(8)}" for _ in range(2)]
        await apps.create(LONG_WORD, platform, app_id=app_ids[0])
        made = await apps.create(LONG_NAME, platform, app_id=app_ids[1])
        await _fill_directory(database, platform)
        for app_id in app_ids:
            await Team(database, apps).add(await apps.find(app_id), person.login, COMMAND)
            await AddressingGrants(database).grant(app_id, LONG_WORD, ["tea", "a" * 16], platform_code=None, by=COMMAND)
    return person, Credentials(made.app.app_id, made.app_key, platform, made.app.number), app_ids[0]


async def _fill_directory(database: Database, platform: str) -> None:
    orgs = [Org(LONG_WORD, "", LONG_WORD[:32], LONG_NAME), Org("below", LONG_WORD, "", LONG_WORD * 2)]
    users = [DirectoryUser(LONG_WORD, LONG_WORD * 2, "zh-CN", "Asia/Shanghai", disabled=True), DirectoryUser("u")]
    members = [
        Membership(org.org_id, user.user_id, role) for org in orgs for user in users for role in ("tea", "a" * 16)
    ]
    await write_directory(database, platform, orgs=orgs, users=users, members=members)
    mail = f"{LONG_WORD}@{'verwaltung' * 5}.{'bildung' * 8}.example.edu"
    change = UserChange(LONG_WORD, contacts=(("email", mail), ("mobile", "+8613800138000"), ("wecom", LONG_WORD)))
    writing = ContactWriting(KeyRing(SECRET_KEY), None, now_ms())
    await database.in_transaction(change_users, await find_platform(database, platform), [change], writing)


def _send_messages(client: Client) -> str:
    client.send_text(LONG_WORD, LONG_WORD * 60)
    client.send_link(
        LONG_WORD,
        title=LONG_WORD * 3,
        content=LONG_WORD * 3,
        business_id=LONG_WORD,
        pc_url=f"https://school.example.edu/{LONG_WORD * 9}",
        app_url="https://school.example.edu/m",
    )
    message_id = client.send_oa(
        [LONG_WORD, LONG_NAME, *(f"{n}{LONG_WORD}"[:64] for n in range(30))],
        LONG_WORD,
        business_id=LONG_WORD,
        pc_url="https://school.example.edu/1",
        app_url="https://school.example.edu/m/1",
        title=LONG_WORD * 3,
        form=[(LONG_WORD, LONG_WORD * 3)],
        approval=True,
    )
    client.set_status(LONG_WORD, [message_id])
    client.subscribe(LONG_WORD, [LONG_WORD])
    return message_id


def _set_channels(operator: Visitor, app: Credentials) -> None:
    """Give the platform a gateway, a message type, a policy and settings, and it and the app a template."""
    own = {"platform": app.platform_code, "own": "1", "delay": "10080", **{f"channel.{it}": "1" for it in CHANNELS}}
    gateway = {"field-url": f"https://sms.example.edu/{LONG_WORD * 3}", "field-secret": "", "field-text_limit": "300"}
    inbox_url = f"https://school.example.edu/{LONG_WORD * 3}/{{msgId}}"
    where = urlencode({"platform": app.platform_code, "channel": "sms", "provider": "http"})
    template = {
        "platform": app.platform_code,
        "code": LONG_CODE,
        "name": LONG_WORD * 2,
        "v1.name": LONG_CODE,
        "v1.kind": "text",
        "v1.sample": LONG_WORD * 3,
        "zh.kind": "text",
        "zh.text.content": f"{LONG_WORD * 9} {{{{ {LONG_CODE} }}}}",
        "then": "submit",
    }
    for path, fields in (
        (f"/operator/channels/gateway?{where}", {**gateway, "rate": "1", "daily_limit": "1000000"}),
        ("/operator/channel-rules/type", {**own, **_LONG_TYPE, "new": "1"}),
        ("/operator/channel-rules/policy", {**own, "app": app.app_id, "type": LONG_CODE}),
        ("/operator/channel-rules/settings", {**own, "digest_after": "1000", "inbox_url": inbox_url}),
        ("/operator/templates/edit", template),
        (f"/apps/{app.app_id}/templates/edit", {**template, "code": f"{LONG_CODE}-own"}),
    ):
        answer = operator.post(path, page="/account", **fields)
        assert answer.status_code == 303, answer.text


def _announce(author: Visitor, reviewer: Visitor, app: Credentials) -> str:
    home = "/operator/announcements"
    fields = {"platform": app.platform_code, "kind": "text", "then": "submit"}
    answer = author.post(f"{home}/new", **fields, **{"text.content": LONG_WORD * 9})
    assert answer.status_code == 303, answer.text
    path = re.sub(r"^/portal|\?.*", "", answer.headers["location"])
    reviewer.post(f"{path}/return", page="/account", version="1", reason=LONG_WORD * 6)
    changed = {"version": "1", "text.content": LONG_NAME + LONG_WORD * 8}
    assert author.post(f"{path}/edit", **fields, **changed).status_code == 303
    return path.rpartition("/")[2]
