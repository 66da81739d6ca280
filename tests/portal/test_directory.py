"""The directory in the portal: tree, search, organisations, users, export; as a browser without scripts sees them."""

import csv
import html
import re
import secrets
from urllib.parse import urlencode

import pytest

from msgcenter.domain.directory import DirectoryUser, Membership, Org
from tests.conftest import SharedConnections
from tests.portal.conftest import Visitor
from tests.portal.directory_scene import write_directory

HOME = "/operator/directory"


@pytest.fixture(scope="module", params=[1, 3], ids=["one cell", "three cells"])
def platform(shared_connections: SharedConnections, request: pytest.FixtureRequest) -> str:
    """A platform with a small directory."""
    code = f"p{secrets.token_hex(6)}"
    shared_connections.run(write_directory(shared_connections.database, code, cells=request.param))
    return code


@pytest.fixture(scope="module")
def large_platform(shared_connections: SharedConnections) -> str:
    """A platform with more organisations and members in one place than a page shows."""
    code = f"p{secrets.token_hex(6)}"
    orgs = [Org("top", "", "", "Top"), *(Org(f"org-{n:03}", "top", "", f"Org {n:03}") for n in range(250))]
    orgs += [Org(f"z-{n:03}", "", "", f"Z {n:03}") for n in range(210)]
    orgs.append(Org("deep", "org-240", "", "Deep"))
    users = [DirectoryUser(f"u-{n:03}", f"User {n:03}") for n in range(120)]
    members = [Membership("top", user.user_id, role) for user in users for role in ("par", "x-own")]
    shared_connections.run(
        write_directory(shared_connections.database, code, cells=2, orgs=orgs, users=users, members=members)
    )
    return code


def path(platform: str, page: str = "", **query: str) -> str:
    """Return the path of a page of the directory."""
    return f"{HOME}{page}?{urlencode({'platform': platform, **query})}"


def text_of(page: str) -> str:
    """Return the text of a page, without tags and repeated spaces."""
    body = page.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_tree_opens_level_by_level(operator: Visitor, platform: str) -> None:
    top = operator.get(path(platform)).text
    assert "江岸区" in top
    assert "第一小学" not in top
    twig = re.search(r'class="twig"\s+href="/portal([^"]+)"', top)
    assert twig is not None
    district = operator.get(html.unescape(twig[1]).partition("#")[0]).text
    assert "第一小学" in district
    assert "三年级二班" not in district
    school = operator.get(path(platform, open="school/1")).text
    assert "三年级二班" in school
    assert "=第二中学" in school
    closed = re.search(r'class="twig open"\s+href="/portal([^"]+)"', school.partition("第一小学")[0])
    assert closed is not None


def test_an_unknown_organisation_opens_nothing(operator: Visitor, platform: str) -> None:
    assert "第一小学" not in operator.get(path(platform, open="nothing")).text


def test_a_branch_is_a_part_of_the_page(operator: Visitor, platform: str) -> None:
    answer = operator.get(path(platform, "/branch", org="school/1"))
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "三年级二班" in answer.text
    assert "江岸区" not in answer.text


def test_levels_with_many_organisations_have_more_pages(operator: Visitor, large_platform: str) -> None:
    top = operator.get(path(large_platform)).text
    assert "Z 190" in top
    assert "Z 200" not in top
    more = re.search(r'href="/portal([^"]+after=[^"]+)"', top)
    assert more is not None
    assert "Z 209" in operator.get(html.unescape(more[1])).text
    opened = operator.get(path(large_platform, open="org-240")).text
    assert "Org 199" in opened
    assert "Org 201" not in opened
    assert "Org 240" in opened, "the organisation that is open is shown"
    assert "Deep" in opened
    more = re.search(r'href="/portal([^"]+org\?[^"]+after=[^"]+)"', opened)
    assert more is not None
    assert "Org 201" in operator.get(html.unescape(more[1]).partition("#")[0]).text


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("小学", ["第一小学"], ["王老师", "三年级"]),
        ("SCHOOL", ["第一小学", "=第二中学"], ["三年级二班"]),
        ("王", ["王老师", "王家长"], ["Li Na"]),
        ("li n", ["Li Na"], ["王老师"]),
        ("par-", ["par-1", "par-2"], ["tea-1"]),
        ("100%", ["No organisation matches", "No user matches"], ["王老师"]),
    ],
)
def test_a_search_finds_organisations_and_users(
    operator: Visitor, platform: str, text: str, shown: list[str], hidden: list[str]
) -> None:
    page = text_of(operator.get(path(platform, q=text)).text)
    for name in shown:
        assert name in page
    for name in hidden:
        assert name not in page


def test_a_search_stays_on_its_platform(operator: Visitor, platform: str, large_platform: str) -> None:
    assert "No user matches" in operator.get(path(platform, q="u-001")).text
    assert "User 001" in operator.get(path(large_platform, q="u-001")).text


def test_an_organisation_shows_its_line_its_roles_and_its_members(operator: Visitor, platform: str) -> None:
    page = text_of(operator.get(path(platform, "/org", org="class-11")).text)
    assert "Tree › 江岸区 › 第一小学 › 三年级二班" in page
    assert re.search(r"parents par 2 .*teachers tea 1", page), page
    members = page.partition("Export all")[2]
    assert re.search(r"王家长 par-1 parents", members)
    assert re.search(r"Li Na Disabled par-2 parents", members)
    assert re.search(r"王老师 tea-1 teachers", members)
    school = text_of(operator.get(path(platform, "/org", org="school/1")).text)
    assert "三年级二班" in school
    assert "administrators adm 1" in school


def test_members_are_listed_page_by_page(operator: Visitor, large_platform: str) -> None:
    names: list[str] = []
    page = path(large_platform, "/org", org="top")
    while page:
        text = operator.get(page).text
        names += re.findall(r"<a [^>]*>(User \d+)</a>", text)
        more = re.search(r'href="\?([^"]+)#members"', text)
        page = f"{HOME}/org?{html.unescape(more[1])}" if more else ""
    assert sorted(set(names)) == [f"User {n:03}" for n in range(120)]
    assert len(names) < 130, "a user is on two pages only if the roles are"


@pytest.mark.parametrize("cursor", ["x", "9:9:9", "-1:0:a:b", "99999:1:a:b", "0:99999999999:a:b", "1:1", "²:1:a:b"])
def test_a_wrong_cursor_shows_the_first_page(operator: Visitor, platform: str, cursor: str) -> None:
    answer = operator.get(path(platform, "/org", org="class-11", cursor=cursor))
    assert answer.status_code == 200


def test_a_user_shows_all_memberships(operator: Visitor, platform: str) -> None:
    page = text_of(operator.get(path(platform, "/user", user="par-1")).text)
    assert "Asia/Shanghai" in page
    assert re.search(r"三年级二班 class class-11 江岸区 › 第一小学 › parents", page)
    assert re.search(r"三年级三班 class class-12", page)
    assert "A disabled user" in operator.get(path(platform, "/user", user="par-2")).text


@pytest.mark.parametrize(
    "page",
    ["?platform=none", "/org?platform={}&org=none", "/org?platform=none&org=district", "/user?platform={}&user=x"],
)
def test_what_does_not_exist_is_not_found(operator: Visitor, platform: str, page: str) -> None:
    assert operator.get(HOME + page.format(platform)).status_code == 404


@pytest.mark.parametrize(
    ("query", "receivers", "users"),
    [
        ({"org.district": "1"}, 2, {"tea-1", "par-1"}),
        ({"org.district": "1", "sub": "0"}, 0, set()),
        ({"org.school/1": "1", "sub": "0"}, 1, {"tea-1"}),
        ({"org.class-11": "1", "org.class-12": "1", "role.par": "1"}, 1, {"par-1"}),
        ({"org.district": "1", "roles": "adm, tea"}, 1, {"tea-1"}),
        ({"org.school2": "1"}, 0, set()),
    ],
)
def test_an_audience_is_counted_before_anything_is_sent(
    operator: Visitor, platform: str, query: dict[str, str], receivers: int, users: set[str]
) -> None:
    page = operator.get(path(platform, "/audience", **query))
    shown = text_of(page.text).partition("Who would get a message")[2]
    assert shown.strip().startswith(f"{receivers} users would get it")
    assert {user for user in ("tea-1", "par-1", "par-2") if user in shown} == users
    again = operator.get(path(platform, "/audience", **query, find="三年级"))
    assert f'name="{next(iter(query))}" value="1" checked' in again.text, "what is ticked stays during a search"
    assert "三年级二班" in again.text


def test_an_audience_of_several_pages_has_a_sample(operator: Visitor, large_platform: str) -> None:
    shown = text_of(operator.get(path(large_platform, "/audience", **{"org.top": "1", "role.par": "1"})).text)
    assert "120 users would get it" in shown
    assert len(re.findall(r"User \d+ u-\d+", shown)) == 20


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"org.nothing": "1"}, "no such organisation: nothing"),
        ({"org.district": "1", "roles": "köche"}, "1-16 letters"),
        ({"org.district": "1", "roles": " ".join(map(str, range(21)))}, "20 at most"),
        ({f"org.{number}": "1" for number in range(101)}, "100 at most"),
    ],
)
def test_an_audience_that_cannot_be_is_refused(
    operator: Visitor, platform: str, query: dict[str, str], message: str
) -> None:
    answer = operator.post(f"{HOME}/audience", page="/account", platform=platform, **query)
    assert answer.status_code == 422
    assert message in answer.text


def test_an_empty_directory_says_how_to_import(operator: Visitor, shared_connections: SharedConnections) -> None:
    code = f"p{secrets.token_hex(6)}"
    shared_connections.run(write_directory(shared_connections.database, code, orgs=(), users=(), members=()))
    assert f"msgcenter directory import FILE --platform {code}" in operator.get(path(code)).text


def test_the_export_has_all_members_and_no_formulas(operator: Visitor, platform: str) -> None:
    answer = operator.get(path(platform, "/members.csv", org="district"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff")
    rows = list(csv.reader(answer.text.removeprefix("\ufeff").splitlines()))
    assert rows[0] == ["orgId", "organisation", "userId", "name", "role", "role name", "disabled"]
    assert sorted(rows[1:])[0] == ["class-11", "三年级二班", "par-1", "王家长", "par", "parents", ""]
    assert ["class-11", "三年级二班", "par-2", "Li Na", "par", "parents", "yes"] in rows
    assert len(rows) == 1 + 6


def test_the_export_of_a_large_organisation_is_whole(operator: Visitor, large_platform: str) -> None:
    lines = operator.get(path(large_platform, "/members.csv", org="top")).text.splitlines()
    assert len(lines) == 1 + 240
    assert len(set(lines)) == 1 + 240


def test_pages_exist_in_chinese(operator: Visitor, platform: str) -> None:
    operator.cookies["lang"] = "zh"
    assert "组织树" in operator.get(path(platform, "/org", org="class-11")).text
