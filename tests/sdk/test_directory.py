"""Feeding and reading the directory, with both clients against a real server."""

from collections.abc import AsyncIterator

import pytest

from msgcenter_client import AsyncClient, Client, InvalidItem, InvalidRequestError, Member, Org, StateError
from tests.conftest import Credentials, Server
from tests.sdk.test_against_server import Calls, Kind


@pytest.fixture(params=[Client, AsyncClient], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    client_class: Kind = request.param
    return client_class


@pytest.fixture
async def calls(kind: Kind, server: Server, app: Credentials) -> AsyncIterator[Calls]:
    """A client with English texts and the default retries."""
    client_calls = Calls(kind(server.url, app.app_id, app.app_key, language="en", timeout=60))
    yield client_calls
    await client_calls.close()


async def test_a_directory_is_set_and_read(calls: Calls, user: str) -> None:
    school, class_id = f"s-{user}", f"c-{user}"
    change = await calls.set_orgs(
        [{"orgId": class_id, "parentId": school, "name": "3(2)"}, {"orgId": school, "kind": "school", "name": "School"}]
    )
    assert (change.changed, change.invalid_items) == (2, ())
    users = [f"{user}-{number:03}" for number in range(250)]
    assert (await calls.set_users([{"userId": user_id, "name": user_id.upper()} for user_id in users])).changed == 250
    assert (await calls.set_users([{"userId": users[1], "disabled": True}])).changed == 1
    points = {"email": "u@school.example", "mobile": "13800138000", "accounts": {"feishu": "ou_1"}}
    assert (await calls.set_users([{"userId": users[1], **points}])).changed == 1
    assert (await calls.set_users([{"userId": users[1], "email": "", "accounts": {"feishu": ""}}])).changed == 1
    change = await calls.set_members(
        [*((class_id, user_id, "stu") for user_id in users), (school, users[0], "tea"), ("nowhere", users[0], "tea")]
    )
    assert change.changed == 251
    reason = "no such organisation: nowhere"
    assert change.invalid_items == (InvalidItem(251, "orgId", reason),)

    details = await calls.org(class_id)
    assert (details.org, details.parent) == (Org(class_id, "", "3(2)"), Org(school, "school", "School"))
    assert details.members == {"stu": 250}
    assert await calls.child_orgs(school) == [Org(class_id, "", "3(2)")]
    assert Org(school, "school", "School") in await calls.child_orgs()
    members = await calls.members(school, page_size=100)
    assert len(members) == 251
    assert Member(class_id, users[1], "stu", users[1].upper(), disabled=True) in members
    assert await calls.members(school, roles=["tea"]) == [
        Member(school, users[0], "tea", users[0].upper(), disabled=False)
    ]
    assert len(await calls.members(school, include_sub=False)) == 1

    ended = await calls.remove_members(
        [(class_id, users[0], None), (class_id, users[1], "tea"), (school, users[0], "tea")]
    )
    assert ended.changed == 2
    assert len(await calls.members(school)) == 249
    assert (await calls.set_orgs([{"orgId": class_id, "deleted": True}])).changed == 1
    with pytest.raises(StateError) as refused:
        await calls.org(class_id)
    assert refused.value.ret_code == "300007"


async def test_a_call_without_a_valid_item_raises(calls: Calls, user: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await calls.set_users([{"userId": user, "timeZone": "Mars"}, {"userId": ""}])
    assert refused.value.ret_code == "100003"
    assert [item["index"] for item in refused.value.data["invalidItems"]] == [0, 1]
