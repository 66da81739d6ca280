"""The register of apps."""

import asyncio

import pytest

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError
from msgcenter.database.database import Database
from msgcenter.domain.refusal import Reason, Refusal
from tests.conftest import PLATFORM, SECRET_KEY


@pytest.fixture
def apps(database: Database) -> Apps:
    return Apps(database, KeyRing(SECRET_KEY))


async def test_a_new_app_is_found_with_its_key(apps: Apps) -> None:
    app, key = await apps.create("智慧校园", PLATFORM)
    assert (app.name, app.platform_code, app.disabled) == ("智慧校园", PLATFORM, False)
    assert app.account == app.app_id
    assert await apps.credentials(app.app_id) == (app, key)
    assert [record.app for record in await apps.registered()] == [app]


async def test_chosen_ids_and_keys_are_kept(apps: Apps) -> None:
    app, key = await apps.create("Old", PLATFORM, app_id="old-app", app_key="old key")
    assert (app.app_id, key) == ("old-app", "old key")


async def test_an_app_id_can_be_taken_only_once(apps: Apps) -> None:
    _, key = await apps.create("One", PLATFORM, app_id="one")
    with pytest.raises(Refusal) as refused:
        await apps.create("Two", PLATFORM, app_id="one")
    assert refused.value.reason is Reason.FIELD_MALFORMED
    assert "one is taken" in refused.value.describe("en")
    assert (await apps.credentials("one")).app_key == key


async def test_concurrent_registrations_of_one_app_id_create_one_app(apps: Apps) -> None:
    outcomes = await asyncio.gather(
        *(apps.create("Same", PLATFORM, app_id="same") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Refusal) for outcome in outcomes) == 4
    assert len(await apps.registered()) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("name", "a\nb"),
        ("platform", ""),
        ("platform", "x" * 33),
        ("platform", "\x1b[31m"),
        ("appId", "x" * 65),
        ("appId", "a\nb"),
        ("appKey", "a\nb"),
        ("appKey", "x" * 129),
    ],
)
async def test_a_refused_app_leaves_nothing_behind(apps: Apps, field: str, value: str) -> None:
    fields = {"name": "App", "platform": "p", "appId": "id", "appKey": "key", field: value}
    with pytest.raises(Refusal) as refused:
        await apps.create(fields["name"], fields["platform"], app_id=fields["appId"], app_key=fields["appKey"])
    assert refused.value.data["field"] == field
    assert await apps.registered() == []


async def test_apps_are_listed_oldest_first_or_by_platform(apps: Apps) -> None:
    for name, platform in (("b", "1"), ("a", "2"), ("c", "1")):
        await apps.create(name, platform)
    assert [record.app.name for record in await apps.registered()] == ["b", "a", "c"]
    assert [record.app.name for record in await apps.registered("1")] == ["b", "c"]
    assert await apps.registered("3") == []


async def test_a_rotated_key_differs(apps: Apps) -> None:
    app, key = await apps.create("App", PLATFORM)
    rotated = await apps.rotate_key(app.app_id)
    assert rotated.app == app
    assert rotated.app_key != key
    assert await apps.credentials(app.app_id) == rotated


async def test_disabling_and_enabling_are_idempotent(apps: Apps) -> None:
    app, _ = await apps.create("App", PLATFORM)
    for disabled in (True, True, False, False):
        assert (await apps.set_disabled(app.app_id, disabled=disabled)).app.disabled is disabled
        assert (await apps.find(app.app_id)).app.disabled is disabled


async def test_unknown_apps_are_refused_everywhere(apps: Apps) -> None:
    for work in (
        apps.find("nobody"),
        apps.credentials("nobody"),
        apps.rotate_key("nobody"),
        apps.set_disabled("nobody", disabled=True),
        apps.set_disabled("nobody", disabled=False),
    ):
        with pytest.raises(Refusal) as refused:
            await work
        assert refused.value.reason is Reason.APP_UNKNOWN


async def test_a_database_remembers_its_secret_key(database: Database, apps: Apps) -> None:
    await apps.check_secret_key()
    await apps.check_secret_key()
    other = Apps(database, KeyRing("another secret key that opens nothing"))
    with pytest.raises(WrongSecretKeyError):
        await other.check_secret_key()


async def test_another_secret_key_decrypts_no_credentials(database: Database, apps: Apps) -> None:
    app, _ = await apps.create("App", PLATFORM)
    other = Apps(database, KeyRing("another secret key that opens nothing"))
    assert (await other.find(app.app_id)).app == app
    with pytest.raises(WrongSecretKeyError):
        await other.credentials(app.app_id)
