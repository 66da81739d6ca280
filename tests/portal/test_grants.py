"""Operators grant apps the organisations that they may address; developers see what is granted."""

import secrets

import pytest

from tests.conftest import Credentials, SharedConnections, new_app, wait_for
from tests.portal.conftest import Company, Visitor
from tests.portal.directory_scene import write_directory
from tests.portal.test_directory import text_of


@pytest.fixture
def app(shared_connections: SharedConnections, shared_database: str) -> Credentials:
    """An app on a platform with a directory."""
    code = f"p{secrets.token_hex(6)}"
    shared_connections.run(write_directory(shared_connections.database, code))
    return wait_for(new_app(shared_database, code))


def grants_of(operator: Visitor, app: Credentials) -> str:
    """Return the text of the grants on an app's page."""
    page = text_of(operator.get(f"/operator/apps/{app.app_id}").text)
    return page.partition("Organisations that it may address")[2].partition("orgId of the")[0]


def test_a_grant_is_given_changed_and_revoked(operator: Visitor, company: Company, app: Credentials) -> None:
    home = f"/operator/apps/{app.app_id}"
    developer = company.enter(app=app)[0]
    assert "None: it sends to named users" in grants_of(operator, app)
    assert "Organisations none" in text_of(developer.get(f"/apps/{app.app_id}").text)

    assert operator.post(f"{home}/grants", page=home, org="school/1", roles="tea, x-own").status_code == 303
    assert "第一小学 school/1" in grants_of(operator, app)
    assert "teachers x-own Revoke" in grants_of(operator, app)
    assert "第一小学 school/1 with all below: teachers x-own" in text_of(developer.get(f"/apps/{app.app_id}").text)

    assert operator.post(f"{home}/grants", page=home, org="school/1").status_code == 303
    assert "all members Revoke" in grants_of(operator, app)
    audit = text_of(operator.get(f"/operator/audit?app={app.app_id}").text)
    assert "Addressing of an organisation granted" in audit
    assert "organisation: school/1" in audit

    assert operator.post(f"{home}/grants/revoke", page=home, org="school/1").status_code == 303
    assert "None: it sends to named users" in grants_of(operator, app)
    assert "Addressing of an organisation revoked" in operator.get(f"/operator/audit?app={app.app_id}").text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"org": ""}, "is required"),
        ({"org": "nothing"}, "no such organisation: nothing"),
        ({"org": "school/1", "roles": "köche"}, "1-16 letters"),
        ({"org": "school/1", "platform": "elsewhere"}, "platform elsewhere is not granted"),
    ],
)
def test_a_wrong_grant_is_refused(operator: Visitor, app: Credentials, fields: dict[str, str], message: str) -> None:
    home = f"/operator/apps/{app.app_id}"
    answer = operator.post(f"{home}/grants", page=home, **fields)
    assert answer.status_code == 422
    assert message in answer.text
    assert fields["org"] in answer.text


def test_the_calls_about_the_directory_are_granted_with_the_permissions(operator: Visitor, app: Credentials) -> None:
    home = f"/operator/apps/{app.app_id}"
    assert operator.post(f"{home}/permissions", page=home, directory="1").status_code == 303
    assert 'name="directory" value="1" checked' in operator.get(home).text
    assert 'name="urgent" value="1" checked' not in operator.get(home).text
    assert operator.post(f"{home}/permissions", page=home, directory="1", urgent="1").status_code == 303
    assert 'name="urgent" value="1" checked' in operator.get(home).text
    assert "Urgent messages allowed" in text_of(operator.get(f"/apps/{app.app_id}").text)
    assert "Change the directory allowed" in text_of(operator.get(f"/apps/{app.app_id}").text)
