"""layout.json: what is wrong with it is said in words that every language has."""

import json
from pathlib import Path
from typing import Any

import pytest
from ccserver.domain.config import Words
from ccserver.domain.config_words import read
from ccserver.telephony.pbx_layout import LayoutError, read_layout

FOLDERS = dict.fromkeys(("etc", "modules", "var_lib", "data", "spool", "run", "log"), "/srv/pbx")
GOOD: dict[str, Any] = {"ports": {}, "directories": FOLDERS}


def why(path: Path) -> Words:
    """Why the file is of no use, as a page reads it."""
    with pytest.raises(LayoutError) as caught:
        read_layout(path)
    (words,) = read(str(caught.value))
    assert (words.code, words.params["file"]) == ("layout_unusable", str(path))
    found = words.params["why"]
    assert isinstance(found, Words), found
    return found


@pytest.mark.parametrize(
    ("text", "code", "params"),
    [
        ("", "layout_truncated", {}),
        ('{"ports": {', "layout_truncated", {}),
        ('{"ports": x}', "layout_malformed", {"place": "10"}),
        ("[]", "layout_kind", {"field": "layout.json", "found": "array", "wanted": "object"}),
        ("{}", "layout_missing", {"field": "ports"}),
        ('{"ports": {"sip": "x"}}', "layout_kind", {"field": "ports.sip", "found": "str", "wanted": "int"}),
        ('{"ports": {}, "directories": {}}', "layout_missing", {"field": "directories.etc"}),
    ],
)
def test_what_is_no_layout(tmp_path: Path, text: str, code: str, params: dict[str, str]) -> None:
    path = tmp_path / "layout.json"
    path.write_text(text)
    assert why(path) == Words(code=code, params=dict(params))


@pytest.mark.parametrize(
    ("part", "wrong", "setting", "reason"),
    [
        ("ports", {"sip": 0}, "named_port", "must_a_port_between_1_and_65535"),
        ("ports", {"sip_address": "here"}, "of_sip_address", "must_an_ip_address"),
        ("ports", {"http": 5038}, "of_ports", "must_http_and_ami_need_different"),
        ("ports", {"rtp_last": 10001}, "of_rtp_ports", "must_the_range_must_hold"),
        (
            "directories",
            {**FOLDERS, "etc": "etc"},
            "named_directory",
            "must_an_absolute_path_of_plain_characters",
        ),
        (
            "directories",
            {**FOLDERS, "run": "/" + "r" * 99},
            "named_directory",
            "must_at_most_characters_of_a_socket",
        ),
        ("tls", {"key": "/srv/key.pem"}, "of_tls", "must_a_certificate_and_its_key_or_neither"),
        ("nat", {"local_networks": ["home"]}, "of_local_network", "must_a_network_such_as_10_1_0_0_24"),
    ],
)
def test_values_that_asterisk_cannot_use(
    tmp_path: Path, part: str, wrong: dict[str, Any], setting: str, reason: str
) -> None:
    path = tmp_path / "layout.json"
    path.write_text(json.dumps({**GOOD, part: wrong}))
    found = why(path)
    assert found.code == "value"
    codes = {name: said.code for name, said in found.params.items() if isinstance(said, Words)}
    assert codes == {"setting": setting, "reason": reason}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.mkdir()
    assert why(path).code == "layout_unreadable"


def test_none_is_none_and_a_good_one_is_good(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    assert read_layout(path) is None
    path.write_text(json.dumps(GOOD))
    found = read_layout(path)
    assert found is not None and found.ports.sip == 5060
