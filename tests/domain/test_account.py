"""Which users an app may reach."""

import pytest

from msgcenter.domain.account import App, Platform
from msgcenter.domain.refusal import Refusal

APP = App(1, "demo", "Demo", Platform("420100", 1), "demo", live=False)


@pytest.mark.parametrize("user_id", ["sandbox-demo", "sandbox-demo-2", "sandbox-demo-parent-wang"])
def test_an_app_that_is_not_live_reaches_its_sandbox_users(user_id: str) -> None:
    APP.check_receivers([user_id])


@pytest.mark.parametrize("user_id", ["sandbox-demo2", "sandbox-dem", "sandbox-", "teacher-li", "SANDBOX-demo"])
def test_an_app_that_is_not_live_reaches_no_other_users(user_id: str) -> None:
    with pytest.raises(Refusal):
        APP.check_receivers(["sandbox-demo", user_id])
