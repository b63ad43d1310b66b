"""An Asterisk of a test's own, and commands to it, for the tests of the two links."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ccserver.telephony.ari import Ari

from tests.integration.asterisk.links_pbx import ARI, LinksPbx, running_pbx


@pytest.fixture
async def pbx(tmp_path: Path) -> AsyncIterator[LinksPbx]:
    async with running_pbx(tmp_path) as pbx:
        yield pbx


@pytest.fixture
async def ari(pbx: LinksPbx) -> AsyncIterator[Ari]:
    async with Ari(pbx.ari_url, ARI.name, ARI.secret) as ari:
        yield ari
