"""People who must have a second factor have to set it up first; installations with a single operator."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Server, new_app, running_server, wait_for
from tests.portal.conftest import PASSWORD, Visitor, add_person
from tests.portal.test_accounts import add_second_factor

ENROL = "/portal/account/second-factor"


@pytest.fixture
def strict(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """A server without MSGCENTER_SECOND_FACTOR."""
    with running_server(database_url, tmp_path, SECOND_FACTOR="") as started:
        yield started


@pytest.fixture
def browsers(strict: Server) -> Iterator[list[Visitor]]:
    """Two browsers without sessions."""
    opened = [Visitor(strict.url), Visitor(strict.url)]
    yield opened
    for visitor in opened:
        visitor.http.close()


def test_an_operator_has_to_set_up_a_second_factor_first(database_url: str, browsers: list[Visitor]) -> None:
    operator, developer = browsers
    person = wait_for(add_person(database_url, "operator"))  # as in an installation from before this rule
    assert operator.log_in(person.login).status_code == 303
    for path in ("", "/apps", "/account", "/docs", "/operator/people", "/operator/announcements/new"):
        assert operator.get(path).headers["location"] == ENROL, path
    refused = operator.post("/operator/people/invite", page="/account/second-factor", role="developer", note="")
    assert (refused.status_code, ENROL in refused.text) == (403, True)
    assert "requires a second factor" in operator.get("/account/second-factor").text
    _, codes = add_second_factor(operator)
    assert operator.get("/operator/people").status_code == 200

    proof = {"password": PASSWORD, "code": codes[0]}
    assert "set it up again at once" in operator.get("/account").text
    assert operator.post("/account/second-factor/remove", page="/account", **proof).status_code == 303
    assert operator.get("/operator/people").headers["location"] == ENROL, (
        "it can be moved to another phone but not removed"
    )
    assert operator.post("/logout", page="/account/second-factor").headers["location"].endswith("done=logged-out")

    developer.log_in(wait_for(add_person(database_url)).login)
    assert developer.get("/apps").status_code == 200, "developers need none by default"


def test_everyone_can_be_required_to_have_a_second_factor(database_url: str, tmp_path: Path) -> None:
    with running_server(database_url, tmp_path, SECOND_FACTOR="everyone") as started:
        developer = Visitor(started.url)
        developer.log_in(wait_for(add_person(database_url)).login)
        assert developer.get("/apps").headers["location"] == ENROL
        add_second_factor(developer)
        assert developer.get("/apps").status_code == 200
        developer.http.close()


def test_a_single_operator_sees_how_to_add_another(database_url: str, tmp_path: Path) -> None:
    wait_for(new_app(database_url))
    with running_server(database_url, tmp_path) as started:
        alone = Visitor(started.url)
        alone.log_in(wait_for(add_person(database_url, "operator")).login)
        other = wait_for(add_person(database_url))
        assert "msgcenter operator create" in alone.get("/operator/announcements").text
        fields = {"platform": "420100", "kind": "text", "text.content": "Hello", "then": "save"}
        made = alone.post("/operator/announcements/new", **fields)
        path = re.sub(r"^/portal|\?.*", "", made.headers["location"])
        for step in ("submit", "approve"):
            refused = alone.post(f"{path}/{step}", page=path, version="1")
            assert (refused.status_code, "msgcenter operator create" in refused.text) == (422, True)
        change = {"person": str(other.number), "change": "operator", "own_password": PASSWORD}
        refused = alone.post("/operator/people", **change)
        assert (refused.status_code, "msgcenter operator" in refused.text) == (422, True)
        invite = {"page": "/operator/people", "role": "operator", "note": "", "inviter_password": PASSWORD}
        refused = alone.post("/operator/people/invite", **invite)
        assert (refused.status_code, "/portal/invitation/" in refused.text) == (422, False)
        wait_for(add_person(database_url, "operator"))  # a second operator, by a command
        assert alone.post("/operator/people", **change).headers["location"].endswith("done=waits")
        assert alone.post(f"{path}/submit", page=path, version="1").headers["location"].endswith("done=drafted")
        alone.http.close()
