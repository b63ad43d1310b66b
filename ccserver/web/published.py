"""What is the same for everybody while the process lives: made once, in a thread, and only sent from then on.

Documents and pages of this kind are large and public: made for each request they would let anybody hold up the loop,
which in a process of all roles is also the telephony owner's.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

_T = TypeVar("_T")


class Document:
    """A JSON document with the ETag of its content."""

    def __init__(self, value: Any) -> None:
        self._body = msgspec.json.encode(value)
        self._tag = hashlib.sha256(self._body).hexdigest()[:32]

    def answer(self, request: web.Request) -> web.Response:
        """The document, or 304 for who has it already."""
        headers = {"ETag": f'"{self._tag}"', "Cache-Control": "no-cache"}
        if any(tag.value in (self._tag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self._body, content_type="application/json", headers=headers)


class Gapped:
    """A text with places that are filled anew each time. ``gaps``: what stands there; nothing else may contain it."""

    def __init__(self, text: str, *gaps: str) -> None:
        self._parts = re.split("(" + "|".join(map(re.escape, gaps)) + ")", text)

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with each gap's value, which must be escaped for its place."""
        return "".join(values.get(part, part) for part in self._parts)


class Published:
    """What was made so far, by name. Names come from us, never from a request: nothing bounds them."""

    def __init__(self) -> None:
        self._documents: dict[Hashable, Document] = {}
        self._pages: dict[Hashable, Gapped] = {}
        self._making = asyncio.Lock()

    async def document(self, name: Hashable, make: Callable[[], Any]) -> Document:
        """The document of that name; ``make`` is called once, in a thread."""
        return await self._once(self._documents, name, lambda: Document(make()))

    async def page(self, name: Hashable, make: Callable[[], Gapped]) -> Gapped:
        """The page of that name; ``make`` is called once, in a thread."""
        return await self._once(self._pages, name, make)

    async def _once(self, made: dict[Hashable, _T], name: Hashable, make: Callable[[], _T]) -> _T:
        if name not in made:
            async with self._making:
                if name not in made:
                    made[name] = await asyncio.to_thread(make)
        return made[name]
