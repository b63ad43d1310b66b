"""What every test has: fixtures of the rig, and a detector of blocking calls in the event loop."""

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from ccserver import logs
from hypothesis import HealthCheck, settings

# Timings of a shared machine say nothing: a fresh checkout's first example builds hypothesis's tables of Unicode.
# The examples are the same in every run: none fails by chance. To look for new ones: --hypothesis-profile=explore.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ccserver", settings.get_profile("explore"), derandomize=True)
settings.load_profile("ccserver")

pytest_plugins = [
    "tests.rig.homes",
    "tests.rig.fixtures",
    "tests.rig.postgres",
    "tests.rig.office",
    "tests.rig.config_bench",
]

_ASYNCPG_LOOKS = {"_parse_connect_dsn_and_args", "_read_password_file", "_dot_postgresql_path"}


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """Lines as the server writes them."""
    logs.configure("text", "DEBUG")


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """A call of ours that blocks the event loop raises. What boots services (stack) may block: nobody waits."""
    with blockbuster_ctx("ccserver", excluded_modules=["ccserver.stack"]) as detector:
        for function in detector.functions.values():
            # asyncpg looks for ~/.pgpass and certificates at each connect: a stat of a local file or two.
            function.can_block_in("asyncpg/connect_utils.py", _ASYNCPG_LOOKS)
            # A traceback on its way to the log reads the lines of source that it shows.
            function.can_block_in("structlog/_frames.py", {"_format_exception"})
        yield
