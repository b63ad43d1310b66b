"""A hub over a view, with time in hand."""

import pytest
from ccserver.live.view import LiveView
from ccserver.web.stream.hub import Hub

from tests.rig.stream import FakeScheduler


@pytest.fixture
def scheduler() -> FakeScheduler:
    return FakeScheduler()


@pytest.fixture
def view() -> LiveView:
    return LiveView("node")


@pytest.fixture
def hub(view: LiveView, scheduler: FakeScheduler) -> Hub:
    hub = Hub(view, scheduler, node="n1", clock=lambda: 1.0)
    hub.start()
    return hub
