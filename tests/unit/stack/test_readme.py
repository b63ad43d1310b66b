"""The README's table of settings is the whole truth: what the code reads, and nothing else."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OUTSIDE_SETTINGS = {"CCSERVER_CACHE", "CCSERVER_DEBIAN_MIRROR"}


def test_every_setting_is_in_the_readme_and_every_row_is_a_setting() -> None:
    code = (ROOT / "ccserver/settings.py").read_text()
    read = set(re.findall(r'env(?:\.get\(|, )"([A-Z_]+)"', code))
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert told == read | OUTSIDE_SETTINGS


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert not [link for link in links if not (ROOT / link).exists()]
