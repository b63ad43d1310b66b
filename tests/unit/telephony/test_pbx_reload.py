"""What an Asterisk has read when it started, which it tells to the second."""

import time
from collections.abc import Mapping

import pytest
from ccserver.telephony.pbx_reload import still_unread
from ccserver.telephony.pbx_store import Unread

START = 1_795_300_830.0
WORDS = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(START))


class Ami:
    """An Asterisk that started at ``START``."""

    async def action(self, name: str, /, **_headers: str) -> Mapping[str, str]:
        assert name == "CoreStatus"
        day, clock = WORDS.split()
        return {"CoreStartupDate": day, "CoreStartupTime": clock}


@pytest.mark.parametrize(
    ("written", "startup", "left", "doubtful"),
    [
        pytest.param(START - 0.1, "", False, False, id="before-it-started"),
        pytest.param(START + 0.8, "", False, True, id="in-the-second-of-its-start"),
        pytest.param(START + 1.0, "", True, False, id="after-it-started"),
        pytest.param(START + 0.8, WORDS, True, False, id="known-to-have-missed-it"),
        pytest.param(START + 0.8, "an earlier start", False, False, id="restarted-since"),
    ],
)
async def test_a_file_is_read_missed_or_perhaps_missed(
    written: float, startup: str, left: bool, doubtful: bool
) -> None:
    found = await still_unread(Ami(), {"pjsip.conf": Unread(at=written, startup=startup)})  # type: ignore[arg-type]
    wanted = {"pjsip.conf": Unread(at=written, startup=WORDS)}
    assert found == (wanted if left else {}, wanted if doubtful else {})
