"""Single changes of the directory by operators, each in the audit log."""

import secrets

import pytest

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.directory import UserChange
from msgcenter.messaging.directory.change_users import change_users
from tests.conftest import SECRET_KEY, SharedConnections
from tests.portal.conftest import Visitor
from tests.portal.directory_scene import write_directory
from tests.portal.test_directory import path, text_of
from tests.scene import START, find_platform


@pytest.fixture
def platform(shared_connections: SharedConnections) -> str:
    """A platform with a small directory."""
    code = f"p{secrets.token_hex(6)}"
    shared_connections.run(write_directory(shared_connections.database, code, cells=2))
    return code


def test_members_are_added_and_removed(operator: Visitor, platform: str) -> None:
    org, user = path(platform, "/org", org="class-12"), path(platform, "/user", user="new-1")
    assert (
        operator.post(path(platform, "/members", org="class-12"), page=org, user="new-1", role="par").status_code == 303
    )
    assert "new-1 new-1 parents" in text_of(operator.get(org).text)
    assert "三年级三班" in operator.get(user).text
    remove = path(platform, "/members/remove", user="new-1")
    assert operator.post(remove, page=user, org="class-12", role="par").status_code == 303
    assert "In no organisation" in operator.get(user).text
    log = text_of(operator.get("/operator/audit?action=directory.members").text)
    assert log.count("new-1") >= 2


def test_a_wrong_member_is_refused(operator: Visitor, platform: str) -> None:
    add, org = path(platform, "/members", org="class-12"), path(platform, "/org", org="class-12")
    refused = operator.post(add, page=org, user="new-1", role="köche")
    assert (refused.status_code, "1-16 letters" in refused.text) == (422, True)
    assert operator.post(add, page=org, user="", role="par").status_code == 422
    remove = path(platform, "/members/remove", user="par-1")
    assert operator.post(remove, page="/account", org="nothing", role="par").status_code == 422


def test_a_user_is_disabled_and_enabled(operator: Visitor, platform: str) -> None:
    user, audience = path(platform, "/user", user="par-1"), path(platform, "/audience", **{"org.class-11": "1"})
    assert "2 users would get it" in text_of(operator.get(audience).text)
    assert operator.post(user, page=user, disabled="1").status_code == 303
    assert "A disabled user" in operator.get(user).text
    assert "1 users would get it" in text_of(operator.get(audience).text)
    assert operator.post(user, page=user, disabled="0").status_code == 303
    assert "2 users would get it" in text_of(operator.get(audience).text)


def test_contact_points_are_masked_and_removed(
    operator: Visitor, platform: str, shared_connections: SharedConnections
) -> None:
    shared_connections.run(_set_contacts(shared_connections.database, platform))
    user = path(platform, "/user", user="par-1")
    shown = operator.get(user).text
    assert "w***@school.example" in shown
    assert "+86138****8000" in shown
    assert "wang@" not in shown
    assert "13800138000" not in shown
    remove = path(platform, "/contacts/remove", user="par-1")
    assert operator.post(remove, page=user, kind="email").status_code == 303
    assert "w***@school.example" not in operator.get(user).text
    assert "+86138****8000" in operator.get(user).text
    log = text_of(operator.get("/operator/audit?action=directory.contact.remove").text)
    assert "Contact point removed" in log
    assert "school.example" not in log


async def _set_contacts(database: Database, code: str) -> None:
    change = UserChange("par-1", contacts=(("email", "wang@school.example"), ("mobile", "+8613800138000")))
    writing = ContactWriting(KeyRing(SECRET_KEY), None, START)
    await database.in_transaction(change_users, await find_platform(database, code), [change], writing)
