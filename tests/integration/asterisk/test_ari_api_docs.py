"""Every operation that we use, compared with the API description of the running Asterisk."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ccserver.telephony.ari_http import AriHttp
from ccserver.telephony.ari_operations import OPERATIONS

from tests.integration.asterisk.links_pbx import ARI, running_pbx

pytestmark = pytest.mark.asterisk


@pytest.fixture
async def described(tmp_path: Path) -> AsyncIterator[dict[tuple[str, str], dict[str, Any]]]:
    """The operations of the running Asterisk by verb and path."""
    async with (
        running_pbx(tmp_path) as pbx,
        AriHttp(pbx.ari_url, ARI.name, ARI.secret) as http,
    ):
        found = {}
        for resource in sorted({operation.resource for operation in OPERATIONS.values()}):
            status, raw = await http.carry("GET", f"/api-docs/{resource}.json", None, 5)
            assert status == 200, resource
            for api in msgspec.json.decode(raw)["apis"]:
                for operation in api["operations"]:
                    found[operation["httpMethod"], api["path"]] = operation
        yield found


async def test_every_operation_is_as_asterisk_describes_it(
    described: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for operation in OPERATIONS.values():
        theirs = described.get((operation.verb, operation.path))
        assert theirs is not None, f"{operation.name}: Asterisk has no {operation.verb} {operation.path}"
        kinds: dict[str, set[str]] = {"path": set(), "query": set(), "body": set()}
        required = set()
        for parameter in theirs.get("parameters", []):
            kinds[parameter["paramType"]].add(parameter["name"])
            if parameter.get("required"):
                required.add(parameter["name"])
        ours = set(operation.query)
        assert ours <= kinds["query"], f"{operation.name}: unknown {ours - kinds['query']}"
        assert set(re.findall(r"\{(\w+)\}", operation.path)) == kinds["path"], operation.name
        assert not operation.body or operation.body in kinds["body"], operation.name
        missing = required - kinds["path"] - ours - {operation.body}
        assert not missing, f"{operation.name}: {missing} is required"


async def test_the_table_is_not_empty_and_has_no_doubles() -> None:
    assert len(OPERATIONS) > 50
    assert len({(o.verb, o.path) for o in OPERATIONS.values()}) == len(OPERATIONS)
