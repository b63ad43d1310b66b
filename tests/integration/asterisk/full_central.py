"""The central Asterisk with one of everything (``tests.rig.full_pbx``), for the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ccserver.domain.pbx import PbxModel
from ccserver.stack.asterisk_root import AsteriskBinary

from tests.rig.asterisk import Central, kept_running, new_home
from tests.rig.full_pbx import full_model

EXTRAS = {
    # A phone that leaves a message, and one that asks for the hours at an instant: written by hand, as operators do.
    "extensions.d/trial.conf": """
[trial]
exten => speak,1,Wait(1)
 same => n,SendDTMF(#)
 same => n,Wait(1)
 same => n,Playback(vm-goodbye&vm-goodbye&vm-goodbye&vm-goodbye)
 same => n,Hangup()
exten => hasty,1,Set(CC_RING=3)
 same => n,Goto(typed-paris,0145671230,1)
exten => hours,1,Set(TESTTIME()=${AT} ${ZONE})
 same => n,Gosub(hours-office,s,1)
 same => n,Set(GLOBAL(TRIAL_${NAME})=${GOSUB_RETVAL})
 same => n,Hangup()
""",
    "modules.d/trial.conf": "load = res_clioriginate.so\n",
    "pjsip.d/README": "not read",
}


@contextmanager
def full_central(
    binary: AsteriskBinary, change: Callable[[PbxModel], PbxModel] = lambda model: model
) -> Iterator[Central]:
    """Running, with the extras of ``EXTRAS`` beside the rendered files."""
    home = new_home()
    model = change(full_model(binary, home))
    for name, text in EXTRAS.items():
        path = Path(model.directories.etc) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    central = Central.of(binary, model, "the full Asterisk")
    with kept_running(central.process, home):
        yield central


_HARMLESS = (
    # pjproject's own, when a SIP message happens to arrive while Asterisk still loads: seen on a busy machine.
    "Enable PJSIP_SAFE_MODULE to prevent race condition",
    # Nobody is there with whom the full Asterisk registers: it says so as soon as that takes some seconds.
    "No response received from 'sip:",
)


def complaints(central: Central) -> list[str]:
    """Warnings and errors of its log so far."""
    return [
        line
        for line in central.process.log_text().splitlines()
        if ("] WARNING" in line or "] ERROR" in line) and not any(words in line for words in _HARMLESS)
    ]
