"""Named queries, and that all SQL is in files."""

import ast
import re
from pathlib import Path

import ccserver.storage
import pytest
from ccserver.storage.queries import load_queries, parse_queries
from ccserver.storage.vault import Vault, VaultError

SQL = Path(ccserver.storage.__file__).parent / "sql"
PACKAGE = SQL.parents[1]


def test_queries_by_name() -> None:
    queries = parse_queries(
        "x.sql", "-- About.\n\n-- name: one\nSELECT 1\n-- why\n\n-- name: two\nSELECT\n  2\n"
    )
    assert dict(queries) == {"one": "SELECT 1\n-- why", "two": "SELECT\n  2"}
    with pytest.raises(KeyError, match=r"three.*x\.sql"):
        queries["three"]


@pytest.mark.parametrize(
    "text", ["SELECT 1", "-- name: a\nSELECT 1\n-- name: a\nSELECT 2", "-- name: a\n\n-- name: b\nSELECT 1"]
)
def test_files_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match=r"x\.sql"):
        parse_queries("x.sql", text)


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_every_query_is_used_and_every_use_exists(path: Path) -> None:
    queries = load_queries(path.stem)
    users = [p for p in PACKAGE.rglob("*.py") if f'load_queries("{path.stem}")' in p.read_text()]
    assert users, f"nobody loads {path.name}"
    used = {name for user in users for name in re.findall(r'_?(?:SQL|QUERIES)\["(\w+)"\]', user.read_text())}
    assert used == set(queries)


def test_sql_is_in_files_only() -> None:
    verb = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    allowed = {"migrate.py"}
    for path in PACKAGE.rglob("*.py"):
        # What boots and fills servers (stack) works on them from outside.
        if path.name in allowed or path.relative_to(PACKAGE).parts[0] == "stack":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not verb.match(node.value), f"SQL in {path}:{node.lineno}"


def test_a_vault_opens_with_any_of_its_keys() -> None:
    old, new = "o" * 32, "n" * 32
    sealed = Vault(old).seal("secret")
    assert b"secret" not in sealed
    assert Vault(f"{new}, {old}").open(sealed) == "secret"
    with pytest.raises(VaultError):
        Vault(new).open(sealed)
    assert "n" * 5 not in repr(Vault(new))


@pytest.mark.parametrize("key", ["", " ", "short", f"{'x' * 32},short"])
def test_a_vault_wants_long_keys(key: str) -> None:
    with pytest.raises(VaultError, match="SECRETS_KEY"):
        Vault(key)
