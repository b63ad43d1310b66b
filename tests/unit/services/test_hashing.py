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


async def test_what_we_made_up_ourselves_is_hashed_at_once_and_anew_at_the_first_login(
    hashing: Hashing,
) -> None:
    passwords = [f"generated-{n}" for n in range(250)]
    kept = await hashing.hash_generated(passwords)
    assert len(set(kept)) == 250
    assert await hashing.verify(kept[249], "generated-249")
    assert not await hashing.verify(kept[249], "generated-248")
    assert hashing.is_outdated(kept[0])


async def test_a_quick_hash_is_verified_no_quicker_than_any_other(hashing: Hashing) -> None:
    """Else a quick refusal would tell that an account exists and waits for its first login."""
    [quick] = await hashing.hash_generated(["generated"])
    assert not hashing._nobody
    await hashing.verify(quick, "another")
    full = hashing._nobody
    assert full.startswith("$argon2id$v=19$m=64,")
    await hashing.verify(await hashing.hash("a password"), "a password")
    assert hashing._nobody == full
