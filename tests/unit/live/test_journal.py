"""The journal keeps what it was given, whatever happens to the process, the disk or the database."""

from pathlib import Path
from uuid import UUID

import pytest
from ccserver.domain.call import Call
from ccserver.live.journal import Journal
from ccserver.storage.calls import CallRecord

from tests.rig.wait import until


def record(number: int) -> CallRecord:
    call = Call(
        id=UUID(int=number),
        tenant_id=UUID(int=1),
        external_id=f"x{number}",
        direction="outbound",
        number="+33145000001",
        number_raw="",
        our_number="",
        site_id=None,
        trunk="",
        agent_id=None,
        started_at=float(number),
        state="ringing_agent",
    )
    return CallRecord(epoch="e", call=call, moments=())


async def written(journal: Journal) -> None:
    await journal.written.wait()
    journal.written.clear()


async def drain(journal: Journal, *, keep: bool = True) -> list[int]:
    """Numbers of everything readable; noted as drained unless ``keep`` is False."""
    numbers: list[int] = []
    while (batch := await journal.read(most=7)) is not None:
        numbers += [entry.call.id.int for entry in batch.records if isinstance(entry, CallRecord)]
        if not keep:
            return numbers
        await journal.drained(batch)
    return numbers


async def reopened(folder: Path, **options: int) -> Journal:
    journal = Journal(folder, **options)
    await journal.open()
    return journal


async def test_what_goes_in_comes_out_once_and_in_order(tmp_path: Path) -> None:
    journal = await reopened(tmp_path)
    for number in range(100):
        journal.append(record(number))
    await journal.close()
    journal = await reopened(tmp_path)
    assert journal.backlog_bytes > 0
    assert await drain(journal) == list(range(100))
    assert journal.backlog_bytes == 0
    assert await drain(journal) == []
    await journal.close()
    journal = await reopened(tmp_path)
    assert await drain(journal) == []
    await journal.close()


async def test_not_noted_as_drained_is_given_again(tmp_path: Path) -> None:
    journal = await reopened(tmp_path)
    for number in range(20):
        journal.append(record(number))
    await journal.close()
    journal = await reopened(tmp_path)
    assert await drain(journal, keep=False) == list(range(7))
    await journal.close()
    journal = await reopened(tmp_path)
    assert await drain(journal) == list(range(20))
    await journal.close()


async def test_a_line_broken_by_a_kill_is_left_behind_and_the_rest_is_kept(tmp_path: Path) -> None:
    journal = await reopened(tmp_path)
    for number in range(5):
        journal.append(record(number))
    await journal.close()
    segment = max(tmp_path.glob("*.jnl"))
    with segment.open("ab") as file:
        file.write(b'{"type":"call","epoch":"e","ca')
    journal = await reopened(tmp_path)
    for number in range(5, 9):
        journal.append(record(number))
    await written(journal)
    assert await drain(journal) == list(range(9))
    await journal.close()


async def test_segments_turn_over_and_drained_ones_go(tmp_path: Path) -> None:
    journal = await reopened(tmp_path, segment_bytes=2000)
    for number in range(60):
        journal.append(record(number))
        await written(journal)
    assert len(list(tmp_path.glob("*.jnl"))) > 5
    assert await drain(journal) == list(range(60))
    assert len(list(tmp_path.glob("*.jnl"))) == 1
    await journal.close()


async def test_a_reader_follows_the_writer_across_segments(tmp_path: Path) -> None:
    journal = await reopened(tmp_path, segment_bytes=1500)
    seen: list[int] = []
    for number in range(40):
        journal.append(record(number))
        if number % 3 == 0:
            await written(journal)
            seen += await drain(journal)

    async def all_there() -> bool:
        seen.extend(await drain(journal))
        return seen == list(range(40))

    await until(all_there, "everything read once and in order")
    await journal.close()


async def test_a_line_that_cannot_be_read_is_counted_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "00000001.jnl").write_bytes(b'{"type":"nonsense"}\n\xff\xfe\n')
    journal = await reopened(tmp_path)
    journal.append(record(1))
    await written(journal)
    assert await drain(journal) == [1]
    assert journal.malformed == 2
    await journal.close()


async def test_full_is_said_and_nothing_is_refused(tmp_path: Path) -> None:
    journal = await reopened(tmp_path, limit=3000)
    for number in range(30):
        journal.append(record(number))
    await written(journal)
    assert journal.full
    await drain(journal)
    assert not journal.full
    await journal.close()


async def test_a_disk_that_cannot_be_written_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await reopened(tmp_path)
    broken = True

    def turn_over(self: Journal) -> None:
        if broken:
            raise OSError(28, "No space left on device")
        original(self)

    original = Journal._turn_over
    monkeypatch.setattr(Journal, "_turn_over", turn_over)
    journal.append(record(1))
    await until(lambda: "No space" in journal.error, "the fault is said")
    broken = False
    journal.append(record(2))
    seen: list[int] = []

    async def both_are_there() -> bool:
        # The attempt that was under way may have written the first one alone.
        seen.extend(await drain(journal))
        return seen == [1, 2]

    await until(both_are_there, "both written, in order")
    assert journal.error == ""
    await journal.close()


@pytest.mark.parametrize("note", ["", "x", "\x00\x00", "1 y"])
async def test_a_note_cut_by_a_power_failure_only_drains_again(tmp_path: Path, note: str) -> None:
    journal = await reopened(tmp_path)
    for number in range(5):
        journal.append(record(number))
    await journal.close()
    (tmp_path / "drained").write_text(note)
    journal = await reopened(tmp_path)
    assert await drain(journal) == list(range(5))
    assert journal.backlog_bytes == 0
    await journal.close()


async def test_a_line_broken_by_a_kill_is_no_backlog_for_ever(tmp_path: Path) -> None:
    journal = await reopened(tmp_path)
    journal.append(record(1))
    await journal.close()
    with next(tmp_path.glob("*.jnl")).open("ab") as file:
        file.write(b'{"type":"ca')
    journal = await reopened(tmp_path)
    journal.append(record(2))
    await written(journal)
    assert await drain(journal) == [1, 2]
    assert journal.backlog_bytes == 0
    await journal.close()
