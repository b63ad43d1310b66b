"""The bus within one process: the default, and the twin on which tests run."""

import time
from collections.abc import Callable

from ccserver.bus.subscription import MAX_BYTES, MAX_MESSAGES, QueueSubscription
from ccserver.domain.errors import Unavailable
from ccserver.ports import BusMessage, Subscription


class MemoryBus:
    """ports.Bus without a network. ``cut`` and ``mend`` play a link that goes away and comes back."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        max_messages: int = MAX_MESSAGES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._up = True
        self._since = clock()
        self._subscriptions: dict[QueueSubscription, None] = {}

    @property
    def up(self) -> bool:
        return self._up

    @property
    def since(self) -> float:
        return self._since

    async def start(self) -> None:
        """Nothing to connect to."""

    async def publish(self, channel: str, payload: bytes) -> None:
        """Hand the message to every subscription of the channel. Raises Unavailable while cut."""
        if not self._up:
            raise Unavailable("bus_unavailable")
        message = BusMessage(channel, payload)
        for subscription in self._subscriptions:
            if channel in subscription.channels:
                subscription.offer(message)

    async def subscribe(self, *channels: str) -> Subscription:
        """Subscribe; a gap comes first while cut."""
        subscription = QueueSubscription(
            channels, self._forget, max_messages=self._max_messages, max_bytes=self._max_bytes
        )
        self._subscriptions[subscription] = None
        if not self._up:
            subscription.gap("bus is down")
        return subscription

    async def close(self) -> None:
        """End every subscription; publishing raises Unavailable from now on."""
        self.cut()
        for subscription in list(self._subscriptions):
            await subscription.close()

    def cut(self) -> None:
        """Go down: publishing raises, nothing arrives."""
        if self._up:
            self._up = False
            self._since = self._clock()

    def mend(self) -> None:
        """Come back: every subscription is told of the gap."""
        if not self._up:
            self._up = True
            self._since = self._clock()
            for subscription in self._subscriptions:
                subscription.gap("bus was down")

    def _forget(self, subscription: QueueSubscription) -> None:
        self._subscriptions.pop(subscription, None)
