"""Named queries: every statement lives in ``storage/sql/<noun>.sql`` under a ``-- name: verb_noun`` line."""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files

_NAME = re.compile(r"^--\s*name:\s*([a-z][a-z0-9_]*)\s*$")


class Queries(Mapping[str, str]):
    """The statements of one file by name. A missing name is a KeyError that tells the file."""

    def __init__(self, source: str, statements: Mapping[str, str]) -> None:
        self.source = source
        self._statements = dict(statements)

    def __getitem__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise KeyError(f"no query named {name!r} in {self.source}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def parse_queries(source: str, text: str) -> Queries:
    """The queries in ``text``. Raises ValueError for SQL before the first name, twins, empty ones."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        if match := _NAME.match(line):
            if match[1] in found:
                raise ValueError(f"{source}: query {match[1]!r} is there twice")
            current = found[match[1]] = []
        elif current is not None:
            current.append(line)
        elif line.strip() and not line.startswith("--"):
            raise ValueError(f"{source}: SQL before the first '-- name:' line")
    statements = {name: "\n".join(lines).strip() for name, lines in found.items()}
    if empty := [name for name, sql in statements.items() if not sql]:
        raise ValueError(f"{source}: query {empty[0]!r} is empty")
    return Queries(source, statements)


def load_queries(noun: str) -> Queries:
    """The queries of ``sql/<noun>.sql``; called once by a module when it is imported."""
    resource = files("ccserver.storage").joinpath("sql", f"{noun}.sql")
    return parse_queries(f"sql/{noun}.sql", resource.read_text("utf-8"))
