"""Whether the phones of sites are there, as rows of the board. Agents' phones are told with their agents."""

from collections.abc import Callable, Collection
from typing import Protocol
from uuid import UUID

import msgspec

from ccserver.domain.board import StationRow
from ccserver.domain.directory import Directory, Phone
from ccserver.live.rows import encoded

TOPIC = "stations"


class Put(Protocol):
    """Puts a row on the board, or takes it off."""

    def __call__(
        self, topic: str, key: str, row: msgspec.Raw, where: tuple[UUID | None, UUID | None, UUID | None], /
    ) -> None: ...


class Stations:
    """A row for each physical phone of the directory; ``since`` moves only when its state does."""

    def __init__(self, put: Put, clock: Callable[[], float]) -> None:
        self._put = put
        self._clock = clock
        self._directory = Directory()
        self._heard: dict[str, tuple[str, float]] = {}
        self._shown: dict[UUID, Phone] = {}

    def heard(self, extension: str, status: str, at: float) -> None:
        """A phone registered, went away, or was found in this state by a resync."""
        if self._heard.get(extension, ("", 0.0))[0] == status:
            return
        self._heard[extension] = (status, at)
        phone = self._directory.phone_by_extension(extension)
        if phone is not None:
            self._show(phone)

    def listed(self, endpoints: Collection[str]) -> None:
        """Asterisk has told all endpoints that it has: of a phone that is not among them nothing is known."""
        for extension in self._heard.keys() - set(endpoints):
            del self._heard[extension]
            phone = self._directory.phone_by_extension(extension)
            if phone is not None:
                self._show(phone)

    def follow(self, directory: Directory) -> None:
        """A new picture: rows of phones that are gone go; those that are new or have moved come."""
        self._directory = directory
        before, self._shown = self._shown, {phone.id: phone for phone in directory.phones}
        for gone in before.keys() - self._shown.keys():
            phone = before[gone]
            self._put(TOPIC, str(gone), encoded(None), (phone.tenant_id, phone.site_id, None))
        for phone in self._shown.values():
            if before.get(phone.id) != phone:
                self._show(phone)

    def _show(self, phone: Phone) -> None:
        now = self._clock()
        state, since = self._heard.get(phone.extension, ("unknown", now))
        row = StationRow(
            id=phone.id,
            extension=phone.extension,
            site_id=phone.site_id,
            state=state,
            since=since,
            as_of=now,
        )
        self._put(TOPIC, str(phone.id), encoded(row), (phone.tenant_id, phone.site_id, None))
