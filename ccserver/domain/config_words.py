"""What is said of Asterisk's configuration: a code and its values, so that everybody reads it in their language.

Runs, journals and the history carry English text: logs, programs and the command line show it as it is, and rows of
earlier releases have nothing else. Each line of ours is made by ``say`` (a value's by ``PbxModelError``) and found
again by ``read``; what no sentence of ours fits is somebody else's word, Asterisk's most often. The page has the same
codes in web/static/js/lib/config-sentences.js; a test holds the two against each other.
"""

import re
from typing import Final

import msgspec

from ccserver.domain.config import ConfigRun, ConfigState, ConfigStep, RevisionDetail, RevisionRow, Words

SENTENCES: Final[dict[str, str]] = {
    "nothing_changed": "Nothing has changed.",
    "no_program": (
        "There is no Asterisk program on this machine to rehearse the configuration with. Run "
        "this where Asterisk is installed."
    ),
    "files_would_change": "%(files)s files would change",
    "planned": "%(changes)s changes in %(files)s files",
    "rehearsed": (
        "%(endpoints)s endpoints, %(registrations)s registrations, %(contexts)s contexts, %(seconds)s s"
    ),
    "seen": "%(endpoints)s endpoints, %(registrations)s registrations, %(contexts)s contexts",
    "interrupted": "It was interrupted; the configuration of before is back.",
    "not_running": "Asterisk does not answer; it reads the files when it starts",
    "nothing_to_install": "nothing to install",
    "nothing_to_reload": "nothing to reload",
    "needs_restart": "%(modules)s; needs a restart: %(files)s",
    "undo_failed": "Putting the files of before back failed as well: %(why)s",
    "disk_full": "The disk of %(folder)s is full. Free some space and try again.",
    "template_broken": "A template cannot be rendered: %(said)s",
    "value_unfit": "A value cannot be written into Asterisk's configuration: %(why)s",
    "no_answer": "It did not answer: %(why)s",
    "not_booted": "Asterisk did not boot",
    "ended_starting": "Asterisk ended while it was starting",
    "more": "... and %(n)s more",
    "endpoint_missing": "endpoint %(names)s is not there",
    "endpoint_left": "endpoint %(names)s is still there",
    "registration_missing": "registration %(names)s is not there",
    "registration_left": "registration %(names)s is still there",
    "queue_missing": "queue %(names)s is not there",
    "queue_left": "queue %(names)s is still there",
    "context_missing": "context %(names)s is not there",
    "context_left": "context %(names)s is still there",
    "dialplan_other": "the dialplan that runs is not the one that was installed",
    "ami_refused": "AMI %(action)s: %(said)s",
    "key_short": "SECRETS_KEY must be at least %(least)s characters. Make one: %(command)s",
    "key_other": "A stored secret cannot be decrypted: SECRETS_KEY is not the one it was made with",
    "config_busy": "%(who)s is at it. Try again when that is done.",
    "config_changed": "The configuration has changed meanwhile: look again at what waits.",
    "database_away": "The database is away.",
    "telephony_blind": "Asterisk is not seen at this moment.",
    "asterisk_missing": "Asterisk is not installed on this machine.",
    "rehearsal_away": "The machine of Asterisk does not answer for the rehearsal.",
    "layout_unusable": "%(file)s cannot be used: %(why)s",
    "machine_unfit": (
        "What this machine says of its Asterisk (layout.json, AMI and ARI accounts) does not fit: %(why)s"
    ),
    "site_left_out": "Site %(name)s is not in Asterisk: %(why)s",
    "trunk_left_out": "Trunk %(name)s is not in Asterisk: %(why)s",
    "phone_left_out": "Phone %(name)s is not in Asterisk: %(why)s",
    "schedule_left_out": "Schedule %(name)s is not in Asterisk: %(why)s",
    "number_left_out": "Number %(name)s is not in Asterisk: %(why)s",
}
"""What an apply, a check, a rollback and a plan say, each a line."""

CAUSES: Final[dict[str, str]] = {
    "value": "%(setting)s: %(reason)s",
    "unsafe_value": "a value does not fit into a configuration file",
    "layout_unreadable": "it cannot be read (%(said)s)",
    "layout_forbidden": "ccserver may not read it",
    "layout_malformed": "it is no JSON (character %(place)s)",
    "layout_truncated": "it is empty, or its end is missing",
    "layout_missing": "%(field)s is missing",
    "layout_kind": "%(field)s is %(found)s and not %(wanted)s",
    "layout_said": "it does not fit (%(said)s)",
}
"""Why a row is left out, a value refused, or layout.json of no use."""

SETTINGS: Final[dict[str, str]] = {
    "of_tenant": "tenant",
    "of_application": "application",
    "of_site_slugs": "site slugs",
    "of_trunk_slugs": "trunk slugs",
    "of_phone_extensions": "phone extensions",
    "of_numbers": "numbers",
    "of_schedules": "schedules",
    "of_revision": "revision",
    "of_tls": "TLS",
    "named_trunk": "trunk %(name)s",
    "of_trunk_host": "trunk host",
    "of_trunk_account": "trunk account",
    "named_phone": "phone %(name)s",
    "named_number": "number %(name)s",
    "named_site": "site %(name)s",
    "of_site": "site",
    "of_phone_extension": "phone extension",
    "of_trunk": "trunk",
    "of_number": "number",
    "of_destination": "destination",
    "of_opening_hours": "opening hours",
    "of_special_day": "special day",
    "of_schedule_id": "schedule id",
    "of_schedule_zone": "schedule zone",
    "of_schedule_s_special_days": "schedule's special days",
    "of_number_s_site": "number's site",
    "of_destination_s_extension": "destination's extension",
    "of_destination_s_number": "destination's number",
    "of_destination_s_site": "destination's site",
    "of_number_s_schedule": "number's schedule",
    "of_number_s_ring_seconds": "number's ring seconds",
    "of_phone_secret": "phone secret",
    "of_phone_site": "phone site",
    "of_phone_kind": "phone kind",
    "of_mobile_s_site": "mobile's site",
    "of_mobile": "mobile",
    "of_phone_agent_id": "phone agent id",
    "of_route_prefix": "route prefix",
    "of_route_trunk": "route trunk",
    "of_site_id": "site id",
    "of_site_slug": "site slug",
    "of_site_zone": "site zone",
    "of_site_country": "site country",
    "of_site_area": "site area",
    "of_site_trunks": "site trunks",
    "of_site_codecs": "site codecs",
    "of_site_caller_id": "site caller id",
    "of_site_trunk": "site trunk",
    "of_site_subnet": "site subnet",
    "of_site_allowed_prefix": "site allowed prefix",
    "of_trunk_slug": "trunk slug",
    "of_trunk_site": "trunk site",
    "of_trunk_port": "trunk port",
    "of_trunk_codecs": "trunk codecs",
    "of_trunk_mode": "trunk mode",
    "of_trunk_transport": "trunk transport",
    "of_trunk_number_format": "trunk number format",
    "of_trunk_dial_prefix": "trunk dial prefix",
    "of_trunk_qualify": "trunk qualify",
    "of_trunk_secret": "trunk secret",
    "of_trunk_domain": "trunk domain",
    "of_trunk_address": "trunk address",
    "of_sip_address": "SIP address",
    "of_http_address": "HTTP address",
    "of_https_address": "HTTPS address",
    "of_ports": "ports",
    "of_rtp_ports": "RTP ports",
    "of_external_address": "external address",
    "of_local_network": "local network",
    "of_user_name": "user name",
    "of_user_secret": "user secret",
    "named_port": "port %(name)s",
    "named_tls_file": "TLS %(name)s",
    "named_directory": "directory %(name)s",
}
"""What of a row is wrong (``PbxModelError.setting``)."""

REASONS: Final[dict[str, str]] = {
    "must_letters_digits": "letters, digits, '_ . -'",
    "must_small_letters_digits_and": "small letters, digits, '_' and '-'",
    "must_zero_or_more": "zero or more",
    "must_sip_over_tls_and_https_need_a": "SIP over TLS and HTTPS need a certificate and its key",
    "must_this_asterisk_does_not_listen_on_ipv6": "this Asterisk does not listen on IPv6",
    "must_this_asterisk_does_not_listen_on": "this Asterisk does not listen on %(transport)s",
    "must_between_and": "between %(low)s and %(high)s",
    "must_between_and_seconds": "between %(low)s and %(high)s seconds",
    "must_trunk_has_the_same_address": "trunk %(name)s has the same address",
    "must_trunk_logs_in_with_the_same_account": "trunk %(name)s logs in with the same account",
    "must_site_is_not_in_the_model": "site %(name)s is not in the model",
    "must_this_is_an_emergency_number": "this is an emergency number",
    "must_its_schedule_is_not_in_the_model": "its schedule is not in the model",
    "must_trunk_is_not_in_the_model": "trunk %(name)s is not in the model",
    "must_extension_is_not_in_the_model": "extension %(name)s is not in the model",
    "must_its_site_is_not_in_asterisk": "its site is not in Asterisk",
    "must_another_phone_has_the_same_extension": "another phone has the same extension",
    "must_another_site_has_the_same_short_name": "another site has the same short name",
    "must_another_trunk_has_the_same_short_name": "another trunk has the same short name",
    "must_another_tenant_has_the_same_number": "another tenant has the same number",
    "must_8_to_128_letters_digits_or": "8 to 128 letters, digits or '_ . ~ -'",
    "must_hh_mm": "HH:MM",
    "must_yyyy_mm_dd": "YYYY-MM-DD",
    "must_a_zone_such_as_europe_paris": "a zone such as Europe/Paris",
    "must_an_e_164_number_with_its": "an E.164 number with its '+'",
    "must_two_to_six_digits": "two to six digits",
    "must_a_day_between_1_and_7": "a day between 1 and 7",
    "must_a_beginning_before_the_end": "a beginning before the end",
    "must_empty_or_and_up_to_15_digits": "empty, or '+' and up to 15 digits",
    "must_two_capital_letters": "two capital letters",
    "must_up_to_six_digits": "up to six digits",
    "must_one_or_more_of": "one or more of %(list)s",
    "must_and_up_to_15_digits": "'+' and up to 15 digits",
    "must_up_to_eight_digits_or": "up to eight digits, '*' or '#'",
    "must_between_0_off_and_3600_seconds": "between 0 (off) and 3600 seconds",
    "must_3_to_64_letters_digits_or": "3 to 64 letters, digits or '_ . + -'",
    "must_4_to_128_letters_digits_or": "4 to 128 letters, digits or %(signs)s",
    "must_a_trunk_that_registers_needs_its": "a trunk that registers needs its account and its secret",
    "must_small_letters_digits_and_single": (
        "small letters, digits and single hyphens, beginning with a letter"
    ),
    "must_an_absolute_path_of_plain_characters": "an absolute path of plain characters",
    "must_at_most_characters": "at most %(most)s characters",
    "must_an_ip_address_without_a_zone": "an IP address without a zone",
    "must_a_network_without_a_zone": "a network without a zone",
    "must_a_path_without": "a path without '..'",
    "must_one_of": "one of %(list)s",
    "must_a_port_between_1_and_65535": "a port between 1 and 65535",
    "must_an_ip_address_or_a_host_name_in_small": "an IP address or a host name in small letters",
    "must_an_ip_address": "an IP address",
    "must_a_network_such_as_10_1_0_0_24": "a network such as 10.1.0.0/24",
    "must_http_and_ami_need_different": "HTTP and AMI need different TCP ports",
    "must_sip_over_tcp_and_tls_http": "SIP over TCP and TLS, HTTP, HTTPS and AMI need different TCP ports",
    "must_the_range_must_hold": "the range must hold at least two calls' worth of ports",
    "must_a_certificate_and_its_key_or_neither": "a certificate and its key, or neither",
    "must_at_most_characters_of_a_socket": "at most %(most)s characters, the system's limit for socket paths",
    "must_small_letters_digits_and_beginning": "small letters, digits, '_' and '-', beginning with a letter",
    "must_is_used_twice": "%(value)s is used twice",
}
"""What it must look like, or what is in its way (``PbxModelError.reason``)."""

SAID: Final = "said"
"""The code of a line that is not ours; its only value is ``text``."""

_GROUPS: Final = {
    "why": {**CAUSES, **SENTENCES},
    "setting": SETTINGS,
    "reason": REASONS,
    "modules": SENTENCES,
}
"""Values that are sentences themselves, and of which kind."""
_HOLE: Final = re.compile(r"%\((\w+)\)s")


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _HOLE.split(sentence)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    )


ENGLISH: Final = {**SENTENCES, **CAUSES, **SETTINGS, **REASONS}
"""Every code's sentence."""
_PATTERNS: Final = {code: _pattern(sentence) for code, sentence in ENGLISH.items()}


def _exactness(code: str) -> tuple[int, int]:
    pattern = _PATTERNS[code]
    return pattern.groups, -len(pattern.pattern)


def say(code: str, **values: object) -> str:
    """A sentence of ``SENTENCES`` in English. KeyError for a code or a value that is missing."""
    return SENTENCES[code] % values


def cause(code: str, **values: object) -> str:
    """One of ``CAUSES`` in English. KeyError for a code or a value that is missing."""
    return CAUSES[code] % values


def of_error(error: Exception) -> str:
    """What an error says: its own text, or the sentence of its code."""
    return SENTENCES.get(str(error), str(error))


def read(text: str) -> tuple[Words, ...]:
    """Every line of a text with its code."""
    return tuple(_line(line) for line in text.splitlines())


def _line(line: str) -> Words:
    if line in SENTENCES:
        return Words(code=line)  # a bare code, in rows of earlier releases
    return _among(line, SENTENCES) or Words(code=SAID, params={"text": line})


def _among(text: str, table: dict[str, str]) -> Words | None:
    # What says most comes first: "trunk host" is no trunk of the name "host".
    for code in sorted(table, key=_exactness):
        match = _PATTERNS[code].fullmatch(text)
        if match is not None:
            params: dict[str, str | Words] = {}
            for name, value in match.groupdict().items():
                params[name] = (_among(value, _GROUPS[name]) if name in _GROUPS else None) or value
            return Words(code=code, params=params)
    return None


def worded_steps(steps: tuple[ConfigStep, ...]) -> tuple[ConfigStep, ...]:
    """Steps with their messages' words."""
    return tuple(msgspec.structs.replace(step, words=read(step.message)) for step in steps)


def worded_run(run: ConfigRun) -> ConfigRun:
    """A run with the words of its message and of its steps'."""
    return msgspec.structs.replace(run, words=read(run.message), steps=worded_steps(run.steps))


def worded_state(state: ConfigState) -> ConfigState:
    """A state as pages get it."""
    return msgspec.structs.replace(
        state,
        problem_words=read(state.problem),
        left_out_words=read("\n".join(state.left_out)),
        run=worded_run(state.run) if state.run is not None else None,
    )


def worded_row(row: RevisionRow) -> RevisionRow:
    """A line of the history as pages get it."""
    return msgspec.structs.replace(row, words=read(row.message))


def worded_detail(row: RevisionDetail) -> RevisionDetail:
    """The same with its steps'."""
    return msgspec.structs.replace(row, words=read(row.message), steps=worded_steps(row.steps))
