"""Argon2id off the loop."""

import asyncio
from collections.abc import Iterator

import pytest
from ccserver.domain.errors import Unavailable
from ccserver.services.hashing import Hashing


@pytest.fixture
def hashing() -> Iterator[Hashing]:
    made = Hashing(memory_kib=64, passes=1, workers=1, waiting=2)
    yield made
    made.close()


async def test_hash_and_verify(hashing: Hashing) -> None:
    kept = await hashing.hash("a password")
    assert kept.startswith("$argon2id$")
    assert await hashing.verify(kept, "a password")
    assert not await hashing.verify(kept, "another")
    assert not await hashing.verify("not a hash", "a password")
    assert not await hashing.verify(None, "a password")


async def test_older_parameters_are_outdated(hashing: Hashing) -> None:
    other = Hashing(memory_kib=128, passes=1)
    assert not hashing.is_outdated(await hashing.hash("a password"))
    assert hashing.is_outdated(await other.hash("a password"))
    other.close()


async def test_a_long_line_is_refused_and_moves_on(hashing: Hashing) -> None:
    answers = await asyncio.gather(*(hashing.hash("a password") for _ in range(8)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 5
    assert {error.code for error in refused} == {"busy"}
    assert await hashing.hash("a password")


async def test_the_default_cost_is_what_owasp_asks() -> None:
    made = Hashing()
    kept = await made.hash("a password")
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    made.close()
