"""Entity tags of lists: a list with the tag that a client has is exactly the list that it has.

A model test makes random steps (those of `test_reach_model`, and new names for apps) and looks at lists after each of
them: whatever changes an answer must change its tag, and what changes nothing must keep it.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.json import encode
from msgspec.structs import replace

from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.user_tokens import AppName, Viewer
from msgcenter.database.database import Database
from msgcenter.domain import message as messages
from msgcenter.domain.message_id import now_ms
from msgcenter.inbox.etag import etag_of
from msgcenter.inbox.views import message_list_view
from msgcenter.messaging import pull
from msgcenter.store.apps.apps import find_app, set_branding
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.reading import Filter
from msgcenter.store.messages import audiences
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter_client import Client
from tests.actions.reach_steps import CHUNK, USERS, Step, sending, steps
from tests.actions.test_reach_model import Scene
from tests.conftest import examples
from tests.inbox.conftest import Browser
from tests.scene import Clock, event_loop, weighted

FILTERS: Sequence[Filter] = get_args(Filter)
LIMIT = 5
"""Messages of a list: some have more, so that their cursor matters."""


class Rename(NamedTuple):
    """An app gets another name."""

    app: int
    name: int


class Compare(NamedTuple):
    """A user looks at all lists of one app (0 or 1) or of all."""

    user: int
    app: int | None


StepHere: TypeAlias = Step | Rename | Compare


class View(NamedTuple):
    """A list that a user looks at, perhaps with the counts."""

    viewer: Compare
    filter: Filter
    with_counts: bool


# Few viewers, so that each looks again and again.
stories = st.lists(
    weighted(
        (3, sending),
        (6, steps),
        (1, st.builds(Rename, st.integers(0, 1), st.integers(0, 1))),
        (5, st.builds(Compare, st.integers(0, 1), st.sampled_from([None, 0]))),
    ),
    min_size=30,
    max_size=60,
)


class TaggedScene(Scene):
    """A scene that keeps the answers it has seen by their tags."""

    def __init__(self, database: Database, lease: NodeLease, clock: Clock, number: int) -> None:
        super().__init__(database, lease, clock, number)
        self.answers: dict[tuple[View, str], bytes] = {}
        self.tags: dict[tuple[View, bytes], str] = {}
        self.looks = 0

    async def rename(self, step: Rename) -> None:
        async with self.database.connection() as connection:
            await set_branding(connection, self.apps[step.app].app_id, f"name {step.name}", None)

    async def compare(self, step: Compare) -> None:
        viewer = await self.viewer_of(step)
        for filter_name in FILTERS:
            query = InboxQuery(filter_name, limit=LIMIT)
            without_content = await self.inbox.read_list(viewer, query, with_content=False)
            listed = await self.inbox.read_list(viewer, query)
            for with_counts in (False, True):
                tag = etag_of(listed, with_counts=with_counts)
                assert etag_of(without_content, with_counts=with_counts) == tag
                answer = encode(message_list_view(listed, with_counts=with_counts))
                self.keep(View(step, filter_name, with_counts), tag, answer)

    def keep(self, view: View, tag: str, answer: bytes) -> None:
        """Keep an answer and its tag. Each of them stands for the other."""
        self.looks += 1
        assert self.answers.setdefault((view, tag), answer) == answer, "a client would keep an old list"
        assert self.tags.setdefault((view, answer), tag) == tag, "a client would load the same list again"

    async def viewer_of(self, step: Compare) -> Viewer:
        """Return the viewer of a step, as a token gives it."""
        viewer = self.viewer(USERS[step.user])
        if step.app is None:
            return viewer
        async with self.database.connection() as connection:
            record = await find_app(connection, self.apps[step.app].app_id)
        assert record is not None
        return replace(viewer, app_number=record.app.number, app_name=AppName.of(record.app))


def test_every_change_of_a_list_changes_its_tag(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(now_ms())
    for name, module in list(sys.modules.items()):
        if name.startswith("msgcenter.") and hasattr(module, "now_ms") and name != "msgcenter.domain.message_id":
            monkeypatch.setattr(module, "now_ms", clock)
    monkeypatch.setattr(messages, "IMMEDIATE_RECEIVERS", CHUNK)
    monkeypatch.setattr(audiences, "CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(pull, "_ENTRIES_PER_COMMIT", 3)
    monkeypatch.setattr(feed, "_FAR_BEHIND", 2)
    repeated = 0
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        lease = run(NodeLease(database.url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(stories)
        def play(story: list[StepHere]) -> None:
            nonlocal scenes, repeated
            scenes += 1
            scene = TaggedScene(database, lease, clock, scenes)
            run(scene.play(story))  # type: ignore[arg-type]  # with the steps of this file
            repeated += scene.looks - len(scene.answers)

        try:
            play()
        finally:
            run(lease.__aexit__(None, None, None))
            run(database.__aexit__(None, None, None))
    assert repeated > 0, "some lists are looked at again without a change"


# --- Over HTTP ------------------------------------------------------------------------------------------------------


def test_an_unchanged_list_is_answered_304_until_it_changes(browser: Browser, client: Client, user: str) -> None:
    message_id = client.send_text(user, "one")
    for address in ("/messages", "/messages?counts=1", "/messages?filter=unread&limit=5", "/messages?q=one"):
        first = browser.http.get(address)
        assert first.headers["cache-control"] == "private, no-cache"
        assert "Authorization" in first.headers["vary"]
        known = {"if-none-match": first.headers["etag"]}
        again = browser.http.get(address, headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        browser.post("/messages/status", {"ids": [message_id], "read": True})
        changed = browser.http.get(address, headers=known)
        assert (changed.status_code, changed.headers["etag"] != first.headers["etag"]) == (200, True)
        assert changed.json() == browser.http.get(address).json()
        browser.post("/messages/status", {"ids": [message_id], "read": False})
        assert browser.http.get(address, headers=known).status_code == 304


@pytest.mark.parametrize(("header", "status"), [("*", 304), ('W/{tag}, "x"', 304), ('"x"', 200), ("", 200), ("{", 200)])
def test_if_none_match_is_a_list_of_tags(browser: Browser, header: str, status: int) -> None:
    tag = browser.http.get("/messages").headers["etag"]
    answer = browser.http.get("/messages", headers={"if-none-match": header.replace("{tag}", tag)})
    assert answer.status_code == status


def test_a_known_tag_opens_no_list_without_a_token(browser: Browser) -> None:
    tag = browser.http.get("/messages").headers["etag"]
    answer = browser.http.get("/messages", headers={"if-none-match": tag, "authorization": "Bearer x"})
    assert answer.status_code == 401
