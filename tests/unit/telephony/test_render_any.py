"""Any model renders to good syntax whose jumps lead somewhere, and no text of the database leaves its place."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ccserver.domain.pbx import (
    DestinationPbx,
    DidPbx,
    MobilePbx,
    PbxDirectories,
    PbxModel,
    PbxModelError,
    PbxNat,
    PbxPorts,
    PbxTls,
    PbxUser,
    PhonePbx,
    RoutePbx,
    SchedulePbx,
    SitePbx,
    TrunkPbx,
    WeeklyHoursPbx,
    ring,
)
from ccserver.telephony.render import fingerprint, render
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rig.asterisk_syntax import blocks, dialplan
from tests.rig.pbx_strategies import models

BASE = PbxModel(
    revision=1,
    tenant="main",
    ports=PbxPorts(sip_address="192.0.2.1", sip_tcp=5060, sip_tls=5061, https=8443),
    directories=PbxDirectories.under("/srv/pbx", modules="/usr/modules", data="/usr/data"),
    tls=PbxTls(certificate="/srv/tls/cert.pem", key="/srv/tls/key.pem", authority="/srv/tls/ca.pem"),
    nat=PbxNat(external_address="203.0.113.9", local_networks=("10.0.0.0/8",)),
    ami=PbxUser(name="ccserver", secret="secret-of-ami"),
    ari=PbxUser(name="ccserver", secret="secret-of-ari"),
)
FROM_OUTSIDE = re.compile(
    r"(from-trunk|account|unknown|inbound|colleagues|hours|numbers)-.*|fallback|unanswered|voicemail"
)
WAYS_OUT = re.compile(
    r"(typed|national|home|short|allowed|out|way|keypad|emergency|from-agents)-.*|internal|way-tried"
)


def shape(files: dict[str, str]) -> dict[str, object]:
    """What the files are made of, without their values."""
    made: dict[str, object] = {
        name: [(b.name, b.bases, [key for key, _ in b.settings]) for b in blocks(text)]
        for name, text in files.items()
        if name != "extensions.conf"
    }
    contexts = dialplan(files["extensions.conf"])
    made["extensions.conf"] = {
        name: [(exten, [step.split("(")[0] for step in steps]) for exten, steps in context.extensions.items()]
        for name, context in contexts.items()
    }
    return made


@settings(deadline=None, max_examples=30)
@given(models(BASE))
def test_any_model_is_written_in_good_syntax_and_leads_somewhere(made: PbxModel) -> None:
    files = dict(render(made))
    shape(files)
    contexts = dialplan(files["extensions.conf"])
    queues = {block.name for block in blocks(files["queues.conf"])}
    boxes = dict(next(b.settings for b in blocks(files["voicemail.conf"]) if b.name == "dids"))
    for context in contexts.values():
        for include in context.includes:
            assert include in contexts
        for target, extension in context.jumps():
            assert target in contexts, f"{context.name} leads to {target}"
            if "$" not in extension:
                assert _answers(contexts[target].extensions, extension), (
                    f"{context.name} leads to {extension}@{target}"
                )
    text = files["extensions.conf"]
    assert set(re.findall(r"Queue\(([a-z0-9-]+)", text)) <= queues
    assert set(re.findall(r"VoiceMail(?:Main)?\(([0-9]+)@dids", text)) == set(boxes)


def _answers(extensions: dict[str, list[str]], number: str) -> bool:
    """Whether an extension of the context takes the number: by name, or by a pattern that takes any number."""
    if number in extensions:
        return True
    patterns = [name[1:] for name in extensions if name.startswith("_")]
    return any(
        p == "[+0-9]!" or number.startswith(p.removesuffix("!")) or (p == "X!" and number[0] != "+")
        for p in patterns
    )


@settings(deadline=None, max_examples=30)
@given(models(BASE))
def test_no_caller_from_outside_chooses_a_number_that_is_dialled(made: PbxModel) -> None:
    """From a trunk's context only numbers that somebody entered as a destination lead out."""
    contexts = dialplan(render(made)["extensions.conf"])
    entered = {d.number for did in made.dids for d in did.destinations if d.number}
    waiting = [name for name in contexts if name.startswith("from-trunk-")]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        assert FROM_OUTSIDE.fullmatch(name), name
        waiting.extend(contexts[name].includes)
        for target, extension in contexts[name].jumps():
            if WAYS_OUT.fullmatch(target):
                assert target.startswith("out-") and extension in entered, f"{name} -> {extension}@{target}"
            else:
                waiting.append(target)


@settings(deadline=None, max_examples=30)
@given(models(BASE), st.integers(2, 10**9))
def test_a_revision_alone_changes_no_fingerprint_and_a_rehearsal_no_dialplan(
    made: PbxModel, revision: int
) -> None:
    first, second = render(made), render(replace(made, revision=revision))
    assert fingerprint(first) == fingerprint(second)
    assert first["extensions.conf"] != second["extensions.conf"]
    rehearsed = render(replace(made, rehearsal=True))
    assert rehearsed["extensions.conf"] == first["extensions.conf"]
    assert "192.0.2.1" not in rehearsed["pjsip.conf"] + rehearsed["http.conf"].split("[/ari]")[0]
    asked = {
        value
        for b in blocks(rehearsed["pjsip.conf"])
        for key, value in b.settings
        if key == "qualify_frequency"
    }
    assert asked <= {"0"}


@settings(deadline=None, max_examples=30)
@given(models(BASE), st.integers(0, 8))
def test_a_keep_alive_gives_up_before_the_next_is_asked(made: PbxModel, seconds: int) -> None:
    model = replace(
        made,
        qualify_seconds=seconds,
        trunks=tuple(replace(trunk, qualify_seconds=seconds) for trunk in made.trunks),
    )
    asked = [dict(b.settings) for b in blocks(render(model)["pjsip.conf"])]
    asked = [found for found in asked if "qualify_frequency" in found]
    assert asked or not model.trunks
    for found in asked:
        frequency, timeout = int(found["qualify_frequency"]), float(found["qualify_timeout"])
        assert 0.5 <= timeout <= 3.0 and (frequency == 0 or timeout < frequency)


def test_a_fingerprint_tells_contents_and_names_apart() -> None:
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})
    assert fingerprint({"a": "b"}) != fingerprint({"a": "b\n"})


def full(**changes: Any) -> PbxModel:
    """One of everything, with one text changed."""

    def of(noun: str, /, **defaults: Any) -> dict[str, Any]:
        return {**defaults, **{k.split("__")[1]: v for k, v in changes.items() if k.startswith(noun + "__")}}

    site = of("site", id="s1", slug="paris", trunks=("one",), area="01", subnets=("10.0.0.0/24",))
    site.setdefault("routes", (RoutePbx(**of("route", prefix="+44", trunk="one")),))
    trunk = of(
        "trunk", slug="one", site="paris", host="10.0.0.2", mode="register", username="account", secret="pass"
    )
    hours = (WeeklyHoursPbx(**of("hours", day=1, opens="08:00", closes="12:00")),)
    return replace(
        BASE,
        sites=(SitePbx(**site),),
        trunks=(TrunkPbx(**trunk),),
        phones=(
            PhonePbx(**of("phone", extension="101", secret="secret-of-101", site="paris", kind="physical")),
        ),
        mobiles=(MobilePbx(**of("mobile", extension="102", site="paris", number="+33612345678")),),
        schedules=(SchedulePbx(**of("schedule", id="week", zone="Europe/Paris", hours=hours)),),
        dids=(
            DidPbx(
                **of(
                    "did",
                    number="+33145670001",
                    site="paris",
                    label="Accueil",
                    opened=ring("101"),
                    schedule="week",
                )
            ),
            DidPbx(
                number="+33145670002",
                site="paris",
                opened=DestinationPbx(**of("to", target="number", number="+33145670003", site="paris")),
            ),
        ),
    )


EVIL = st.text(st.sampled_from("ab1Z;[]{}$,&\n\r\t\0\"'|\\ <>=#@/.:-+*!%~_()\u2028\u0085é"), max_size=30)
TEXTS: list[tuple[str, Callable[[str], PbxModel]]] = [
    ("account", lambda text: full(trunk__username=text)),
    ("password", lambda text: full(trunk__secret=text)),
    ("provider.example", lambda text: full(trunk__from_domain=text)),
    ("10.0.0.9", lambda text: full(trunk__host=text)),
    ("10.9.0.0/24", lambda text: full(trunk__addresses=(text,))),
    ("9", lambda text: full(trunk__dial_prefix=text)),
    ("tcp", lambda text: full(trunk__transport=text)),
    ("digits", lambda text: full(trunk__number_format=text)),
    ("peer", lambda text: full(trunk__mode=text)),
    ("Europe/Paris", lambda text: full(site__zone=text)),
    ("04", lambda text: full(site__area=text)),
    ("10.2.0.0/16", lambda text: full(site__subnets=(text,))),
    ("g722", lambda text: full(site__codecs=(text,))),
    ("+33", lambda text: full(site__allowed_prefixes=(text,))),
    ("DE", lambda text: full(site__country=text)),
    ("+442", lambda text: full(route__prefix=text)),
    ("+33712345678", lambda text: full(mobile__number=text)),
    ("103", lambda text: full(mobile__extension=text)),
    ("America/Martinique", lambda text: full(schedule__zone=text)),
    ("09:30", lambda text: full(hours__opens=text)),
    ("+33145671111", lambda text: full(to__number=text)),
    ("softphone", lambda text: full(phone__kind=text)),
    ("/srv/x.pem", lambda text: replace(full(), tls=PbxTls(certificate=text, key="/k", authority="/a"))),
    ("pbx.example", lambda text: replace(full(), nat=PbxNat(external_address=text))),
    (
        "10.0.0.0/8",
        lambda text: replace(full(), nat=PbxNat(external_address="192.0.2.8", local_networks=(text,))),
    ),
]


@pytest.mark.parametrize(("good", "make"), TEXTS, ids=[good for good, _ in TEXTS])
@pytest.mark.parametrize(
    "ending", ["\n", "\r\n", "\n[evil]", ";x", " x", "${EXTEN}", "&PJSIP/101", ",x", "\\", "[x]"]
)
def test_a_good_text_with_a_tail_is_refused(good: str, make: Callable[[str], PbxModel], ending: str) -> None:
    make(good)
    with pytest.raises(PbxModelError):
        make(good + ending)


@pytest.mark.parametrize(("good", "make"), TEXTS, ids=[good for good, _ in TEXTS])
def test_what_a_text_may_be_stays_in_its_place(good: str, make: Callable[[str], PbxModel]) -> None:
    @settings(deadline=None, max_examples=25)
    @given(EVIL)
    def check(text: str) -> None:
        try:
            made = make(text)
        except PbxModelError:
            return
        written = dict(render(made))
        shape(written)
        assert {
            name: len(blocks(t)) for name, t in written.items() if name in ("manager.conf", "ari.conf")
        } == {
            "manager.conf": 2,
            "ari.conf": 2,
        }

    check()


@settings(deadline=None, max_examples=60)
@given(EVIL)
def test_no_label_or_name_changes_what_the_files_are_made_of(text: str) -> None:
    plain = shape(dict(render(full())))
    assert shape(dict(render(full(did__label=text)))) == plain
    assert shape(dict(render(full(phone__display_name=text)))) == plain
