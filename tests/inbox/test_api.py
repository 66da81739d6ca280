"""The inbox API (docs/inbox.md)."""

import time

import httpx
import pytest

from msgcenter_client import Client
from tests.conftest import Raw
from tests.inbox.conftest import Browser, user_token


def approval(client: Client, user: str, head: str = "Leave") -> str:
    """Send a pending approval and return its id."""
    return client.send_oa(
        user, head, business_id="b-1", pc_url="https://a.example/1", app_url="https://a.example/m", approval=True
    )


def test_messages_are_listed_newest_first_with_their_bodies(browser: Browser, client: Client, user: str) -> None:
    text = client.send_text(user, "你好")
    link = client.send_link(
        user, title="T", content="C", business_id="b-7", pc_url="https://a.example/", app_url="https://a.example/m"
    )
    card = approval(client, user)
    listed = browser.get("/messages")
    assert [message["id"] for message in listed["messages"]] == [card, link, text]
    assert [message["kind"] for message in listed["messages"]] == ["oa", "link", "text"]
    assert listed["nextCursor"] is None
    assert listed["messages"][2]["body"] == {"content": "你好"}
    assert listed["messages"][1]["body"]["title"] == "T"
    assert listed["messages"][0]["approval"] == {"closedAt": None, "closedBy": None}
    assert listed["messages"][2]["approval"] is None
    assert browser.get(f"/messages/{link}") == listed["messages"][1]


def test_the_pages_of_a_list_have_every_message_once(browser: Browser, client: Client, user: str) -> None:
    sent = [client.send_text(user, str(number)) for number in range(25)]
    seen: list[str] = []
    cursor = None
    while True:
        page = browser.get("/messages", limit=7, **({"cursor": cursor} if cursor else {}))
        seen += [message["id"] for message in page["messages"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == sent[::-1]


def test_lists_are_filtered_by_state_and_kind(browser: Browser, client: Client, user: str) -> None:
    first, second = client.send_text(user, "one"), client.send_text(user, "two")
    todo = approval(client, user)
    client.set_status(user, [first])
    assert browser.ids(filter="unread") == [todo, second]
    assert browser.ids(filter="todo") == [todo]
    assert browser.ids(kind="text") == [second, first]
    assert browser.ids(kind="oa", filter="unread") == [todo]
    client.set_status(None, [todo])
    assert browser.ids(filter="todo") == []
    assert browser.get(f"/messages/{todo}")["approval"]["closedAt"] is not None


@pytest.mark.parametrize("query", ["消防", "DRILL", "drill "])
def test_search_finds_chinese_and_any_case(browser: Browser, client: Client, user: str, query: str) -> None:
    matching = client.send_text(user, "明天消防演练 Drill at nine")
    client.send_text(user, "something else")
    client.send_link(
        user,
        title="other",
        content="other",
        business_id="drill",
        pc_url="https://a.example/drill",
        app_url="https://a.example/消防",
    )
    assert browser.ids(q=query) == [matching]


FORMS = [
    ("ＡＰＰ　１２３", "app 123"),
    ("app 123", "ＡＰＰ　１２３"),
    ("ｶﾞｯｺｳ", "ガッコウ"),
    ("カ\u3099ッコウ", "ガッコウ"),
    ("e\u0301cole", "École"),
    ("ÉCOLE", "e\u0301cole"),
    ("Straße", "STRASSE"),
    ("ΟΔΟΣ", "οδος"),
    ("①班", "1班"),
    ("ﬁnal", "FINAL"),
    ("（通知）", "(通知)"),
    ("100% _sure\\", "100% _SURE\\"),
    ("한", "\u1112\u1161\u11ab"),
]


@pytest.mark.parametrize(("text", "query"), FORMS)
def test_search_finds_every_form_of_a_text(browser: Browser, client: Client, user: str, text: str, query: str) -> None:
    matching = client.send_text(user, f"before {text} after")
    client.send_text(user, "something else")
    assert browser.ids(q=query) == [matching]
    assert browser.ids(q=text) == [matching]


def test_search_distinguishes_dotless_i(browser: Browser, client: Client, user: str) -> None:
    dotless, dotted = client.send_text(user, "ısı"), client.send_text(user, "isi")
    assert browser.ids(q="ısı") == [dotless]
    assert browser.ids(q="ISI") == [dotted]


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "%%", "a_c", "a%c"])
def test_a_search_has_no_wildcards(browser: Browser, client: Client, user: str, wildcard: str) -> None:
    client.send_text(user, "abc")
    matching = client.send_text(user, f"it is {wildcard} here")
    assert browser.ids(q=wildcard) == [matching]


@pytest.mark.parametrize("blank", ["", " ", "\u3000", "\t \n", "\u200b", " \u00a0\u2060"])
def test_a_blank_search_lists_everything(browser: Browser, client: Client, user: str, blank: str) -> None:
    sent = [client.send_text(user, text) for text in ("one", "two words")]
    assert browser.ids(q=blank) == sent[::-1]


def test_search_covers_all_texts_of_a_card_but_not_its_urls(browser: Browser, client: Client, user: str) -> None:
    matching = client.send_oa(
        user,
        "HEAD１",
        business_id="b",
        pc_url="https://a.example/1",
        app_url="https://a.example/m",
        title="TITLE２",
        content="CONTENT３",
        form=[("KEY４", "VALUE５")],
        author="AUTHOR６",
    )
    for query in ("head1", "title2", "content3", "key4", "value5", "author6"):
        assert browser.ids(q=query) == [matching]
    assert browser.ids(q="a.example") == []


def test_a_search_continues_through_a_large_mailbox(browser: Browser, client: Client, user: str) -> None:
    matching = client.send_text(user, "the needle")
    for number in range(450):
        client.send_text(user, f"hay {number}")
    ids: list[str] = []
    cursor = None
    while True:
        page = browser.get("/messages", q="needle", **({"cursor": cursor} if cursor else {}))
        ids += [message["id"] for message in page["messages"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert ids == [matching]


def test_counts_follow_all_changes(browser: Browser, client: Client, user: str) -> None:
    ids = [client.send_text(user, str(number)) for number in range(4)]
    todo = approval(client, user)
    counts = browser.get("/counts")
    assert (counts["unread"], counts["todo"]) == (5, 1)
    assert [app["unread"] for app in counts["apps"]] == [5]
    assert browser.post("/messages/status", {"ids": ids[:1], "read": True})["counts"]["unread"] == 4
    client.set_status(user, ids[1:2])
    assert browser.get("/counts")["unread"] == 3
    client.set_status(None, [todo])
    assert browser.get("/counts") == {**browser.get("/counts"), "unread": 2, "todo": 0}
    assert client.unread_count(user) == 2


def test_setting_status_returns_the_ids_that_the_user_has(browser: Browser, client: Client, user: str) -> None:
    mine, others = client.send_text(user, "mine"), client.send_text("somebody-else", "not mine")
    answer = browser.post("/messages/status", {"ids": [mine, others, "77", "x"], "read": True})
    assert answer["changed"] == [mine]


def test_read_all_reads_up_to_a_message_and_can_be_undone(browser: Browser, client: Client, user: str) -> None:
    ids = [client.send_text(user, str(number)) for number in range(3)]
    client.set_status(user, ids[:1])
    answer = browser.post("/messages/read-all", {"upTo": ids[1]})
    assert answer["changed"] == [ids[1]]
    assert answer["counts"]["unread"] == 1
    assert browser.post("/messages/status", {"ids": answer["changed"], "read": False})["counts"]["unread"] == 2


def unread(browser: Browser) -> list[str]:
    """Return the ids of the unread messages."""
    return browser.ids(filter="unread", limit=100)


@pytest.mark.parametrize(
    "parameters", [{"q": "ＤＲＩＬＬ"}, {"kind": "link"}, {"filter": "todo"}, {"q": "drill", "kind": "oa"}]
)
def test_read_all_reads_what_a_list_with_the_same_parameters_shows(
    browser: Browser, client: Client, user: str, parameters: dict[str, str]
) -> None:
    for number in range(3):
        client.send_text(user, f"Drill {number}")
        client.send_text(user, f"Lunch {number}")
        approval(client, user, f"Drill {number}")
        approval(client, user, f"Leave {number}")
        client.send_link(
            user,
            title=f"L {number}",
            content="C",
            business_id="b",
            pc_url="https://a.example/",
            app_url="https://a.example/m",
        )
    before = unread(browser)
    shown = browser.ids(limit=100, **parameters)
    assert 3 <= len(shown) < len(before)
    newest = before[0]
    answer = browser.post("/messages/read-all", {"upTo": newest, **parameters})
    assert answer["changed"] == shown
    assert unread(browser) == [message_id for message_id in before if message_id not in shown]
    assert answer["counts"]["unread"] == len(before) - len(shown)
    assert browser.post("/messages/read-all", {"upTo": newest, **parameters})["changed"] == []
    browser.post("/messages/status", {"ids": answer["changed"], "read": False})
    assert unread(browser) == before


def test_read_all_of_a_search_reaches_all_its_pages_and_nothing_newer(
    browser: Browser, client: Client, user: str
) -> None:
    hay = client.send_text(user, "hay")
    needles = [client.send_text(user, f"needle {number}") for number in range(35)]
    page = browser.get("/messages", q="needle", limit=10)
    later = client.send_text(user, "a needle that arrives meanwhile")
    answer = browser.post("/messages/read-all", {"upTo": page["messages"][0]["id"], "q": "needle"})
    assert answer["changed"] == needles[::-1]
    assert unread(browser) == [later, hay]


def test_read_all_of_the_archive_or_a_blank_search(browser: Browser, client: Client, user: str) -> None:
    ids = [client.send_text(user, str(number)) for number in range(3)]
    browser.post("/messages/archive", {"ids": ids[:1], "archived": True})
    assert browser.post("/messages/read-all", {"upTo": ids[2], "filter": "archived"})["changed"] == []
    assert browser.post("/messages/read-all", {"upTo": ids[2], "q": " ", "kind": None})["changed"] == ids[:0:-1]


@pytest.mark.parametrize(
    ("parameters", "field", "allowed"),
    [
        ({"filter": "x"}, "filter", "all, unread, todo, archived"),
        ({"kind": "x"}, "kind", "text, link, oa"),
        ({"q": "x" * 65}, "q", "64"),
        ({"filter": 1}, "filter", ""),
        ({"upTo": "x"}, "upTo", ""),
    ],
)
def test_read_all_names_the_invalid_field(
    browser: Browser, parameters: dict[str, object], field: str, allowed: str
) -> None:
    answer = browser.http.post("/messages/read-all", json={"upTo": "1", **parameters})
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["code"], problem["field"]) == ("invalid_field", field)
    assert allowed in problem["detail"]


def test_archived_messages_are_read_and_leave_the_list(browser: Browser, client: Client, user: str) -> None:
    kept, archived = client.send_text(user, "kept"), client.send_text(user, "archived")
    answer = browser.post("/messages/archive", {"ids": [archived], "archived": True})
    assert answer == {"changed": [archived], "counts": {**answer["counts"], "unread": 1}}
    assert browser.ids() == [kept]
    assert browser.ids(filter="archived") == [archived]
    assert browser.get(f"/messages/{archived}")["archived"] is True
    browser.post("/messages/archive", {"ids": [archived], "archived": False})
    assert browser.ids() == [archived, kept]


def test_setting_a_message_unread_unarchives_it(browser: Browser, client: Client, user: str) -> None:
    message_id = client.send_text(user, "important")
    browser.post("/messages/archive", {"ids": [message_id], "archived": True})
    client.set_status(user, [message_id], read=False)
    assert browser.ids() == [message_id]
    assert browser.get("/counts")["unread"] == 1


def test_an_expired_message_disappears_everywhere(browser: Browser, client: Client, user: str) -> None:
    end = int(time.time() * 1_000) + 2_000
    message_id = client.send_text(user, "soon over", expire_at=end)
    assert browser.ids() == [message_id] or time.time() * 1_000 >= end
    deadline = time.monotonic() + 60
    while browser.ids() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert browser.ids() == []
    assert browser.get("/counts")["unread"] == 0
    assert browser.http.get(f"/messages/{message_id}").status_code == 404


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/messages", {"filter": "x"}, "filter"),
        ("/messages", {"kind": "x"}, "kind"),
        ("/messages", {"limit": "0"}, "limit"),
        ("/messages", {"limit": "101"}, "limit"),
        ("/messages", {"cursor": "x"}, "cursor"),
        ("/messages", {"q": "x" * 65}, "q"),
    ],
)
def test_an_invalid_query_parameter_is_named(
    browser: Browser, path: str, parameters: dict[str, str], field: str
) -> None:
    answer = browser.http.get(path, params=parameters)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["field"], problem["status"]) == ("invalid_field", field, 400)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ids":[]}', b'{"ids":["1"]}', b'{"ids":["1"],"read":1}', b"\xff"])
def test_invalid_bodies_are_refused(browser: Browser, body: bytes) -> None:
    answer = browser.http.post("/messages/status", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_field")


@pytest.mark.parametrize(
    ("body", "field", "zh", "en"),
    [
        ({"ids": ["1"]}, "read", "缺少必填字段 read", "required field read is missing"),
        ({"ids": ["1"], "read": 1}, "read", "须为true或false", "must be true or false"),
        ({"ids": [], "read": True}, "ids", "须为1–100项的数组", "must be an array of 1–100 items"),
        ({"ids": [1], "read": True}, "ids[0]", "须为字符串", "must be a string"),
        ([], "body", "请求体必须是UTF-8编码的JSON对象", "the body must be a JSON object"),
    ],
)
def test_an_invalid_body_is_explained_in_both_languages(
    browser: Browser, body: object, field: str, zh: str, en: str
) -> None:
    for language, detail in (("zh-CN", zh), ("en", en)):
        answer = browser.http.post("/messages/status", json=body, headers={"accept-language": language})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (400, "invalid_field", field)
        assert detail in problem["detail"]


def test_a_large_body_is_refused(browser: Browser) -> None:
    assert browser.http.post("/messages/status", content=b" " * 70_000).status_code == 413


_ROUTES = [
    ("GET", "/messages"),
    ("GET", "/messages/1"),
    ("GET", "/counts"),
    ("GET", "/framing"),
    ("GET", "/stream"),
    ("POST", "/messages/status"),
    ("POST", "/messages/read-all"),
    ("POST", "/messages/archive"),
    ("POST", "/messages/star"),
    ("POST", "/messages/delete"),
    ("POST", "/messages/snooze"),
    ("POST", "/apps/1/mute"),
    ("GET", "/push"),
    ("POST", "/push/subscriptions"),
    ("POST", "/push/subscriptions/remove"),
    ("GET", "/preferences"),
    ("PUT", "/preferences"),
    ("POST", "/preferences/contacts/remove"),
]


@pytest.mark.parametrize(("method", "path"), _ROUTES)
def test_every_route_refuses_missing_and_forged_tokens(
    browser: Browser, raw: Raw, user: str, method: str, path: str
) -> None:
    url = f"{browser.server.url}/inbox/v1{path}"
    header, claims, signature = browser.token.split(".")
    forged = ".".join([header, claims, signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")])
    unsigned = "eyJhbGciOiJub25lIn0." + claims + "."
    for token, code in ((None, "token_missing"), (forged, "token_invalid"), (unsigned, "token_invalid")):
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        answer = httpx.request(method, url, headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_users_see_only_their_own_messages(browser: Browser, raw: Raw, client: Client, user: str) -> None:
    message_id = client.send_text("somebody-else", "private")
    assert browser.ids() == []
    assert browser.http.get(f"/messages/{message_id}").status_code == 404


def test_the_lifetime_of_a_token_is_limited(raw: Raw, user: str) -> None:
    for ttl in (59, 86_401, "60", 1.5):
        answer = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, "ttl": ttl}).json()
        assert answer["retCode"] == "100003"
    soon = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, "ttl": 60}).json()
    assert abs(int(soon["expireTime"]) - time.time() * 1_000 - 60_000) < 10_000


def test_the_openapi_document_has_all_routes(browser: Browser) -> None:
    document = httpx.get(f"{browser.server.url}/inbox/v1/openapi.json", trust_env=False).json()
    assert document["openapi"] == "3.1.0"
    paths = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    named = {"/messages/1": "/messages/{id}", "/apps/1/mute": "/apps/{appId}/mute"}
    with_token = {(method, "/inbox/v1" + named.get(path, path)) for method, path in _ROUTES}
    without_token = {("POST", "/inbox/v1/link"), ("POST", "/inbox/v1/push/subscriptions/renew")}
    assert paths == with_token | without_token
    assert {
        (method, path) for method, path in paths if document["paths"][path][method.lower()].get("security") == []
    } == (without_token)


def test_a_user_token_is_for_one_platform(raw: Raw, user: str) -> None:
    answer = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, "platformCode": "999999"}).json()
    assert answer["retCode"] == "200007"
    assert user_token(raw, user, platformCode="420100")
