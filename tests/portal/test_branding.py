"""A live app's name and colour change only with approval, and no app has the name of a platform."""

import re

import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.database.database import Database
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Refusal
from tests.conftest import SECRET_KEY, Credentials
from tests.portal.conftest import Visitor
from tests.portal.test_apps import made_app


def request_number(operator: Visitor, app_id: str) -> str:
    """Return the number of an app's pending request."""
    page = operator.get("/operator/requests").text
    match = re.search(rf'/portal/apps/{app_id}".*?name="number" value="(\d+)"', page, re.DOTALL)
    assert match is not None
    return match[1]


def test_a_live_apps_new_name_needs_an_operator(developer: Visitor, operator: Visitor, app: Credentials) -> None:
    settings, changed = f"/apps/{app.app_id}/settings", {"name": "Homework 2", "colour": "#2f6fde"}
    assert "an operator has to approve" in developer.get(settings).text
    assert developer.post(f"/apps/{app.app_id}/face", page=settings, **changed).is_redirect
    page = developer.get(f"/apps/{app.app_id}").text
    assert "Name and colour Homework 2 · #2f6fde" in page
    assert "<h1>Homework 2" not in page
    again = developer.post(f"/apps/{app.app_id}/face", page=settings, name="Another", colour="#000000")
    assert (again.status_code, "is requested already" in again.text) == (422, True)

    number = request_number(operator, app.app_id)
    assert "Homework 2 · #2f6fde" in operator.get("/operator/requests").text
    assert operator.post("/operator/requests", number=number, granted="1").is_redirect
    assert 'value="Homework 2"' in developer.get(settings).text
    assert 'value="#2f6fde"' in developer.get(settings).text
    assert "Granted: Name and colour" in operator.get("/operator/audit").text


def test_a_refused_name_changes_nothing(developer: Visitor, operator: Visitor, app: Credentials) -> None:
    settings = f"/apps/{app.app_id}/settings"
    developer.post(f"/apps/{app.app_id}/face", page=settings, name="Refused", colour="#2f6fde")
    operator.post("/operator/requests", number=request_number(operator, app.app_id), granted="0", answer="Too vague")
    assert 'value="Refused"' not in developer.get(settings).text
    assert "Too vague" in developer.get(f"/apps/{app.app_id}").text


def test_a_sandbox_app_changes_freely_and_goes_live_under_the_name_that_was_seen(
    stranger: Visitor, operator: Visitor
) -> None:
    app_id, _ = made_app(stranger, "Harmless")
    settings = f"/apps/{app_id}/settings"
    stranger.post(f"/apps/{app_id}/ask", page=f"/apps/{app_id}", kind="live", reason="It works")
    number = request_number(operator, app_id)
    assert stranger.post(f"/apps/{app_id}/face", page=settings, name="Swapped", automatic="1").is_redirect
    late = operator.post("/operator/requests", number=number, granted="1", seen_name="Harmless")
    assert (late.status_code, "another name now" in late.text) == (422, True)
    assert "sandbox" in stranger.get(f"/apps/{app_id}").text
    assert operator.post("/operator/requests", number=number, granted="1", seen_name="Swapped").is_redirect
    assert "an operator has to approve" in stranger.get(settings).text


def test_reserved_names_are_refused_everywhere(stranger: Visitor, developer: Visitor, app: Credentials) -> None:
    refused = stranger.post("/apps/new", name="官方公告", platform="420100")
    assert (refused.status_code, "reserved" in refused.text) == (422, True)
    settings = f"/apps/{app.app_id}/settings"
    for name in ("420100", "42O1OO", "Msg Center", "Official announcement"):
        refused = developer.post(f"/apps/{app.app_id}/face", page=settings, name=name, automatic="1")
        assert (refused.status_code, "reserved" in refused.text) == (422, True), name


async def test_a_platform_cannot_have_the_name_of_an_app(database: Database) -> None:
    apps = Apps(database, KeyRing(SECRET_KEY))
    await apps.create("Homework", "p1")
    for name in ("Homework", "HOMEWORK ", "Ｈomework"):
        with pytest.raises(Refusal):
            await Platforms(database).save("p1", name.strip(), schemes=[], is_new=False, by=COMMAND)
    with pytest.raises(Refusal):
        await apps.create("p2", "p2")
    await Platforms(database).save("p1", "The district", schemes=[], is_new=False, by=COMMAND)
    with pytest.raises(Refusal):
        await apps.create("The District", "p1")
    with pytest.raises(Refusal):
        await AppSettings(database).set_branding((await apps.registered())[0].app.app_id, "the district", None)


def test_an_app_has_at_most_twenty_websites(developer: Visitor, app: Credentials) -> None:
    settings = f"/apps/{app.app_id}/settings"
    origins = [f"https://s{number}.example" for number in range(21)]
    refused = developer.post(f"/apps/{app.app_id}/origins", page=settings, origins="\n".join(origins))
    assert (refused.status_code, "at most 20" in refused.text) == (422, True)
    assert developer.post(f"/apps/{app.app_id}/origins", page=settings, origins="\n".join(origins[1:])).is_redirect
