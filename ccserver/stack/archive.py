"""A backup's file: a compressed tar whose last member, the manifest, has the SHA-256 of every other.

Written and read as a stream, in constant memory. ``tar -tzf`` lists it, and ``sha256sum -c`` checks it by the small
file that lies beside it. Everything here blocks.
"""

import contextlib
import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import msgspec

from ccserver.stack.problems import StackProblem
from ccserver.storage.dump import DatabaseDump

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_LEVEL: Final = 6
_CHUNK: Final = 1 << 20
_LARGEST_MANIFEST: Final = 256 << 20


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the archive."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive is, and everything that is needed to judge it before anything is touched.

    ``key_check`` is a word sealed with SECRETS_KEY: who cannot open it has another key.
    """

    format: int
    made_at: str
    ccserver: str
    machine: str
    key_check: str
    data_dir: str
    database: DatabaseDump
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An archive that was read to its end and found whole."""

    manifest: Manifest
    sha256: str
    size: int


class _Hashed(io.RawIOBase):
    """A file's bytes on their way, counted and hashed."""

    def __init__(self, file: IO[bytes], size: int | None = None) -> None:
        super().__init__()
        self._file = file
        self._left = size
        self.hash = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if self._left is not None:
            wanted = min(self._left, size if size >= 0 else self._left)
            # A recording that shrinks while it is read: the tar was promised so many bytes.
            data = data[:wanted].ljust(wanted, b"\0")
            self._left -= wanted
        self.hash.update(data)
        self.size += len(data)
        return data


@dataclass(slots=True)
class _Streams:
    raw: IO[bytes]
    packed: gzip.GzipFile
    tar: tarfile.TarFile
    members: list[Member] = field(default_factory=list)


class ArchiveWriter:
    """Writes ``path``, which must not exist, for the owner only. Use as a context; ``finish`` makes it whole."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        raw = os.fdopen(handle, "wb")
        packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_LEVEL)
        tar = tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by finish
        self._to = _Streams(raw, packed, tar)

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._to.tar, self._to.packed, self._to.raw):
            # Given up: what is still buffered may not fit the disk either, and is of no use.
            with contextlib.suppress(OSError, ValueError):
                stream.close()

    def add_bytes(self, name: str, data: bytes, *, like: tarfile.TarInfo | None = None) -> None:
        """One member from memory; ``like`` gives its rights and times."""
        info = tarfile.TarInfo(name)
        info.mode = 0o600
        if like is not None:
            info.mode, info.mtime, info.uname, info.gname = like.mode, like.mtime, like.uname, like.gname
        info.size = len(data)
        self._to.tar.addfile(info, io.BytesIO(data))
        self._note(name, len(data), hashlib.sha256(data).hexdigest())

    def describe(self, name: str, file: IO[bytes]) -> tarfile.TarInfo:
        """A file's rights, owner and times under a member's name."""
        return self._to.tar.gettarinfo(arcname=name, fileobj=file)

    def add_file(self, name: str, path: Path) -> None:
        """One member from disk, as long as it is now. A file that has gone meanwhile is left out."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            info = self.describe(name, file)
            hashed = _Hashed(file, info.size)
            self._to.tar.addfile(info, hashed)
        self._note(name, info.size, hashed.hash.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """The manifest with the members that were written, and everything on the disk."""
        manifest = msgspec.structs.replace(manifest, members=tuple(self._to.members))
        data = msgspec.json.format(msgspec.json.encode(manifest))
        self.add_bytes(MANIFEST, data)
        self._to.tar.close()
        self._to.packed.close()
        self._to.raw.flush()
        os.fsync(self._to.raw.fileno())
        self._to.raw.close()

    def _note(self, name: str, size: int, sha256: str) -> None:
        self._to.members.append(Member(name=name, size=size, sha256=sha256))


def read_members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The members in order, each to be read before the next is asked for. Raises StackProblem."""
    with path.open("rb") as raw:
        yield from _members(raw, path)


def check_archive(path: Path) -> Checked:
    """Read it to its last byte and compare everything with the manifest. Raises StackProblem."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise StackProblem(f"The archive {path} cannot be read: {error.strerror}.") from error
    with file, _reading(path):
        raw = _Hashed(file)
        found: list[Member] = []
        manifest = None
        for info, content in _members(raw, path):
            if manifest is not None or not _is_plain(info):
                raise _damaged(path, f"the member {info.name!r} does not belong there")
            if info.name == MANIFEST:
                manifest = _manifest(path, content, info.size)
                continue
            hashed = _Hashed(content)
            while hashed.read(_CHUNK):
                pass
            found.append(Member(name=info.name, size=hashed.size, sha256=hashed.hash.hexdigest()))
    if manifest is None:
        raise _damaged(path, "it has no manifest: its end is missing")
    for member, promised in zip(found, manifest.members, strict=False):
        if member != promised:
            raise _damaged(path, f"{promised.name} is not what was saved")
    if len(found) != len(manifest.members) or len({member.name for member in found}) != len(found):
        raise _damaged(path, "members are missing or there twice")
    return Checked(manifest=manifest, sha256=raw.hash.hexdigest(), size=raw.size)


def _members(raw: Any, path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    with _reading(path), gzip.GzipFile(fileobj=raw, mode="rb") as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            for info in tar:
                content = tar.extractfile(info)
                if content is None:
                    raise _damaged(path, f"{info.name!r} is not a file")
                yield info, content
        while packed.read(_CHUNK):  # to the checksum at the very end
            pass
        while raw.read(_CHUNK):
            pass


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What a file that is no whole archive raises, in words."""
    try:
        yield
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error
    except OSError as error:
        raise StackProblem(f"The archive {path} cannot be read: {error.strerror or error}.") from error


def _manifest(path: Path, content: IO[bytes], size: int) -> Manifest:
    if size > _LARGEST_MANIFEST:
        raise _damaged(path, "its manifest is too large")
    data = content.read()
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version != FORMAT:
            raise StackProblem(
                f"The archive {path} has format {version}; this version reads format {FORMAT}. Use a newer ccserver."
            )
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise _damaged(path, f"its manifest cannot be read ({error})") from error


class _Version(msgspec.Struct, frozen=True):
    format: int


def _is_plain(info: tarfile.TarInfo) -> bool:
    parts = info.name.split("/")
    return info.isreg() and not any(part in ("", ".", "..") or "\0" in part for part in parts)


def _damaged(path: Path, why: str) -> StackProblem:
    return StackProblem(f"The archive {path} is damaged: {why}. Nothing was touched; use another backup.")
