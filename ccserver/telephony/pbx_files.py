"""Which module reads which file; and the plain way to write files, for an Asterisk that does not run yet.

What runs is changed by ``pbx_install`` and ``pbx_reload`` only.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ccserver.domain.pbx_change import body

MODULE_OF_FILE: Final = {
    "pjsip.conf": "res_pjsip",
    "extensions.conf": "pbx_config",
    "queues.conf": "app_queue",
    "queuerules.conf": "app_queue",
    "musiconhold.conf": "res_musiconhold",
    "features.conf": "features",
    "acl.conf": "acl",
    "rtp.conf": "res_rtp_asterisk",
    "logger.conf": "logger",
    "cel.conf": "cel",
    "voicemail.conf": "app_voicemail",
    "amd.conf": "app_amd",
    "indications.conf": "indications",
    "cdr.conf": "cdr",
    "cel_custom.conf": "cel_custom",
    "cdr_custom.conf": "cdr_custom",
}
"""What reads a file again. Files that are not here (ports, accounts, modules) need a restart of Asterisk."""


def put_files(etc: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write the files that differ, each whole or not at all, and return their names.

    Readable by the owner only: they hold secrets. `asterisk.conf` comes last, so that who waits for a first
    configuration may wait for that file. Blocks.
    """
    etc.mkdir(parents=True, exist_ok=True, mode=0o700)
    changed = []
    for name, text in sorted(files.items(), key=lambda item: item[0] == "asterisk.conf"):
        path = etc / name
        if path.exists() and body(path.read_text()) == body(text):
            continue
        aside = path.with_name(path.name + ".new")
        aside.touch(mode=0o600)
        aside.write_text(text)
        aside.replace(path)
        changed.append(name)
    return tuple(changed)


def modules_to_reload(changed: Iterable[str]) -> tuple[str, ...]:
    """The modules that read the changed files, each once, SIP before the dialplan that points to it."""
    names = set(changed)
    return tuple(dict.fromkeys(module for file, module in MODULE_OF_FILE.items() if file in names))
