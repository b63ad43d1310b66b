"""Logging in and staying logged in, over HTTP."""

import pytest
from ccserver.domain.access import Role

from tests.rig.office import Office

pytestmark = pytest.mark.postgres


async def test_login_gives_a_session(office: Office) -> None:
    anna = await office.person("anna", Role.SUPERVISOR)
    browser = await office.browser(anna)
    me = await browser.get("/api/me")
    assert me.status == 200
    assert me.json["login"] == "anna"
    assert "see_board" in me.json["abilities"]
