"""Announcements to organisations: chosen in the form, previewed, approved by another operator, sent to the members."""

import secrets

import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.domain.person import COMMAND
from tests.conftest import Credentials, Server, SharedConnections, new_app, wait_for
from tests.portal.conftest import Company, Visitor
from tests.portal.directory_scene import write_directory
from tests.portal.test_announcements import HOME, Reader
from tests.portal.test_directory import text_of


@pytest.fixture
def app(shared_connections: SharedConnections, shared_database: str) -> Credentials:
    """An app on a platform with a directory, whose inbox shows all messages."""
    database, code = shared_connections.database, f"p{secrets.token_hex(6)}"
    shared_connections.run(write_directory(database, code, cells=2))
    made = wait_for(new_app(shared_database, code))
    shared_connections.run(AppSettings(database).set_inbox(made.app_id, scope="platform", by=COMMAND))
    return made


@pytest.fixture
def reviewer(company: Company) -> Visitor:
    """The operator who approves."""
    return company.enter("operator")[0]


def fields(app: Credentials, **more: str) -> dict[str, str]:
    """Return the form of an announcement to the parents of a school."""
    return {
        "platform": app.platform_code,
        "kind": "text",
        "text.content": "Parents' evening",
        "audience": "organisations",
        "org.school/1": "1",
        "role.par": "1",
        "sub": "1",
        **more,
    }


def test_an_announcement_to_organisations_reaches_their_members(
    operator: Visitor, reviewer: Visitor, app: Credentials, server: Server
) -> None:
    found = operator.post(f"{HOME}/new", **fields(app, then="find", find="三年级"))
    assert found.status_code == 200, "finding saves nothing"
    assert "三年级三班" in found.text
    assert 'name="org.school/1" value="1" checked' in found.text
    assert "Users who would get it: 1" in text_of(found.text)

    saved = operator.post(f"{HOME}/new", **fields(app, then="submit"))
    assert saved.status_code == 303, saved.text
    path = saved.headers["location"].removeprefix("/portal").partition("?")[0]
    page = text_of(reviewer.get(path).text)
    assert "to the members of these organisations: school/1 (par): 1" in page
    assert "Members of organisations: 1" in page
    assert reviewer.post(f"{path}/approve", page=path, version="1").status_code == 303
    assert len(announcements_of(server, app, "par-1")) == 1
    assert announcements_of(server, app, "tea-1") == []
    assert announcements_of(server, app, "par-2") == [], "disabled"
    sent = reviewer.get(path).text
    report = sent.partition('href="/portal/apps/')[2].partition('"')[0]
    assert "第一小学 school/1 1" in text_of(reviewer.get(f"/apps/{report.partition('#')[0]}").text)
    assert reviewer.post(f"{path}/recall", page=path, version="1").status_code == 303
    assert announcements_of(server, app, "par-1") == []


def announcements_of(server: Server, app: Credentials, user: str) -> list[object]:
    """Return the announcements in a user's inbox of the whole platform."""
    return [
        message
        for message in Reader(server, app, user).messages()
        if message["body"] == {"content": "Parents' evening"}
    ]


def test_an_edit_of_the_audience_is_a_change(operator: Visitor, reviewer: Visitor, app: Credentials) -> None:
    saved = operator.post(f"{HOME}/new", **fields(app, then="submit"))
    path = saved.headers["location"].removeprefix("/portal").partition("?")[0]
    form = operator.get(f"{path}/edit").text
    assert 'name="org.school/1" value="1" checked' in form
    assert 'name="role.par" value="1" checked' in form
    assert 'id="audience-organisations" checked' in form
    changed = fields(app, then="submit", version="1", roles="x-own", sub="0")
    assert operator.post(f"{path}/edit", **changed).status_code == 303
    page = text_of(reviewer.get(path).text)
    assert "Roles par , x-own" in page
    assert "Organisations below included → not included" in page
    everyone = operator.post(f"{path}/edit", **fields(app, then="submit", version="2", audience="everyone"))
    assert everyone.status_code == 303
    assert "Known users:" in text_of(reviewer.get(path).text)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"org.school/1": ""}, ""),
        ({"org.nothing": "1"}, "no such organisation: nothing"),
        ({"roles": "köche"}, "1-16 letters"),
    ],
)
def test_a_wrong_audience_is_refused(operator: Visitor, app: Credentials, more: dict[str, str], message: str) -> None:
    form = fields(app, then="submit", **more)
    if not form["org.school/1"]:
        del form["org.school/1"]
        message = "one organisation at least"
    answer = operator.post(f"{HOME}/new", **form)
    assert answer.status_code == 422
    assert message in answer.text


def test_an_organisation_that_was_deleted_meanwhile_stops_the_approval(
    operator: Visitor, reviewer: Visitor, app: Credentials, shared_connections: SharedConnections
) -> None:
    saved = operator.post(f"{HOME}/new", **fields(app, then="submit") | {"org.school2": "1"})
    path = saved.headers["location"].removeprefix("/portal").partition("?")[0]

    async def delete() -> None:
        async with shared_connections.database.connection() as connection:
            await connection.execute(
                "update directory_org set deleted_at = 1 where platform_code = $1 and org_id = 'school2'",
                app.platform_code,
            )

    shared_connections.run(delete())
    assert reviewer.get(path).status_code == 200
    refused = reviewer.post(f"{path}/approve", page=path, version="1")
    assert refused.status_code == 422
    assert "no such organisation: school2" in refused.text
