"""The local append-only journal between the call machines and PostgreSQL.

Every record goes to the file first; a thread of its own writes and syncs what has gathered, so the event loop
never waits for a disk. A reader drains the file into PostgreSQL and notes how far it came. Segments that are
drained are deleted. Killed at any instant, the next start finds at most one broken line at the end and drains
what was not noted as drained; writing a record twice to PostgreSQL is harmless.
"""

import asyncio
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from ccserver.storage.calls import Record

log = structlog.get_logger(__name__)

SEGMENT_BYTES = 8 * 1024 * 1024
LIMIT_BYTES = 2 * 1024 * 1024 * 1024
"""Above this the journal says that it is full (alarm); it goes on as long as the disk does."""
STORED_SECONDS = 0.5
READ_BYTES = 512 * 1024


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)


@dataclass(frozen=True, slots=True)
class JournalBatch:
    """Records read from one segment, and where the reader stands after them."""

    records: tuple[Record, ...]
    segment: int
    offset: int


class Journal:
    """One directory of segments ``00000001.jnl`` and a ``drained`` note; one process at a time uses it."""

    def __init__(
        self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES, limit: int = LIMIT_BYTES
    ) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.written = asyncio.Event()
        self._taken = 0
        self._stored = 0
        self.error = ""
        self.malformed = 0
        self._segment = 1
        self._file: int | None = None
        self._size = 0
        self._read_segment = 1
        self._read_offset = 0
        self._skipped = 0
        self._backlog = 0

    async def open(self) -> None:
        """Finds what an earlier run left and starts the writing thread."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._find)
        self._thread = threading.Thread(target=self._write_for_ever, name="journal", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Writes what is queued and stops."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    @property
    def backlog_bytes(self) -> int:
        """Bytes that PostgreSQL does not have yet."""
        return self._backlog

    @property
    def full(self) -> bool:
        """Whether the backlog is over its limit: somebody must look."""
        return self._backlog > self._limit

    def append(self, record: Record) -> None:
        """Takes one record; on disk within milliseconds. Never blocks, never raises."""
        line = _ENCODER.encode(record) + b"\n"
        self._backlog += len(line)
        self._taken += len(line)
        self._queue.append(line)
        if not self._wake.is_set():
            self._wake.set()

    async def stored(self, seconds: float = STORED_SECONDS) -> None:
        """Waits until what was taken so far is on disk, at most ``seconds``: a full disk must not stop calls."""
        wanted, loop = self._taken, asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._stored < wanted and loop.time() < deadline:  # noqa: ASYNC110 - a thread counts, a millisecond away
            await asyncio.sleep(0.001)

    async def read(self, most: int = 500) -> JournalBatch | None:
        """The next records not yet drained, None when there are none."""
        return await asyncio.to_thread(self._read, most)

    async def drained(self, batch: JournalBatch) -> None:
        """PostgreSQL has this batch: note it, and drop segments that are done."""
        done = await asyncio.to_thread(self._note, batch)
        # Counted in the loop's thread only, as in ``append``.
        self._backlog = max(0, self._backlog - done)

    def _path(self, segment: int) -> Path:
        return self._directory / f"{segment:08d}.jnl"

    def _find(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        segments = sorted(int(path.stem) for path in self._directory.glob("*.jnl"))
        note = self._directory / "drained"
        if segments:
            self._read_segment = segments[0]
        if note.exists():
            segment, _, offset = note.read_text(errors="replace").partition(" ")
            try:
                self._read_segment, self._read_offset = int(segment), int(offset or 0)
            except ValueError:
                # Cut by a power failure: all that is there is drained again, which is harmless.
                log.error("journal's note of what is drained cannot be read")
        # Never append to a segment of another run: its last line may be broken.
        self._segment = max([*segments, self._read_segment]) + 1
        if not self._path(self._read_segment).exists():
            later = [segment for segment in segments if segment >= self._read_segment]
            self._read_segment, self._read_offset = (later[0] if later else self._segment), 0
        sizes = [self._path(s).stat().st_size for s in segments if s >= self._read_segment]
        self._backlog = max(0, sum(sizes) - self._read_offset)

    def _write_for_ever(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            lines: list[bytes] = []
            while self._queue:
                lines.append(self._queue.popleft())
            if lines:
                data = b"".join(lines)
                self._write(data)
                self._stored += len(data)
            # Looked at after writing too: closing may have set the wake that this turn has just cleared.
            if self._closing and not self._queue:
                if self._file is not None:
                    os.close(self._file)
                    self._file = None
                return

    def _write(self, data: bytes) -> None:
        while True:
            try:
                if self._file is None or self._size > self._segment_bytes:
                    self._turn_over()
                self._put(data)
            except OSError as error:
                # Disk full or gone: say it, keep the data in memory, and try again.
                if not self.error:
                    log.error("journal cannot be written", error=str(error))
                self.error = str(error)
                # Not the wake: new records set it, and a full disk would be asked without a pause.
                time.sleep(0.5)
                if self._closing:
                    return
            else:
                self.error = ""
                if self._loop is not None and not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self.written.set)
                return

    def _put(self, data: bytes) -> None:
        if self._file is None:
            raise OSError("no segment is open")
        start = self._size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            os.fdatasync(self._file)
        except OSError:
            # A half-written batch would be read as a broken line and then as a double: take it back.
            os.ftruncate(self._file, start)
            raise
        self._size = start + len(data)

    def _turn_over(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._segment += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._path(self._segment), flags, 0o600)
        self._size = os.fstat(self._file).st_size

    def _read(self, most: int) -> JournalBatch | None:
        while True:
            # Looked at before the file: a turn-over in between must not make us leave a segment too early.
            current = self._segment
            path = self._path(self._read_segment)
            data = b""
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._read_offset)
                    data = file.read(READ_BYTES)
            whole = data[: data.rfind(b"\n") + 1]
            if whole:
                lines = whole.splitlines(keepends=True)[:most]
                offset = self._read_offset + sum(map(len, lines))
                return JournalBatch(tuple(self._decode(lines)), self._read_segment, offset)
            if self._read_segment >= current:
                return None
            # The rest of an older segment, if any, is a line broken by a kill.
            self._skipped += len(data)
            self._read_segment, self._read_offset = self._read_segment + 1, 0

    def _decode(self, lines: list[bytes]) -> list[Record]:
        records: list[Record] = []
        for line in lines:
            try:
                records.append(_DECODER.decode(line))
            except msgspec.DecodeError:
                self.malformed += 1
                log.error("journal line cannot be read", size=len(line))
        return records

    def _note(self, batch: JournalBatch) -> int:
        done, self._skipped = batch.offset - self._read_offset + self._skipped, 0
        self._read_segment, self._read_offset = batch.segment, batch.offset
        aside = self._directory / "drained.new"
        aside.write_text(f"{batch.segment} {batch.offset}")
        aside.replace(self._directory / "drained")
        for path in self._directory.glob("*.jnl"):
            if int(path.stem) < batch.segment:
                path.unlink()
        return done
