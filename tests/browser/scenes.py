"""Rows that look like a morning in a call centre, for the pages' harness and the style guide's screenshots."""

from typing import Any
from uuid import UUID, uuid5

Row = dict[str, Any]
SPACE = UUID("018f0000-0000-7000-8000-000000000000")

PARIS = str(uuid5(SPACE, "paris"))
LYON = str(uuid5(SPACE, "lyon"))
SITES = {PARIS: "Paris", LYON: "Lyon"}

NAMES = (
    "Camille Roux",
    "Hélène Fabre",
    "Karim Benali",
    "Sophie Marchand",
    "Jean-Baptiste Le Goff",
    "Awa Diallo",
    "Thomas Petit",
    "Inès Garcia",
    "Nicolas Lambert",
    "Léa Moreau",
    "Mehdi Haddad",
    "Chloé Girard",
    "Antoine Mercier",
    "Fatou Sow",
    "Maxime Dupont",
    "Zoé Blanchard",
)
STATES = (
    "on_call",
    "available",
    "on_call",
    "paused",
    "available",
    "ringing",
    "wrap_up",
    "on_hold",
    "available",
    "paused",
    "dialing",
    "offline",
    "on_call",
    "available",
    "offline",
    "paused",
)
REASONS = {3: "lunch", 9: "training", 15: "break"}


def uid(name: str) -> str:
    """The same id for the same name in every run."""
    return str(uuid5(SPACE, name))


def agent(index: int, now: float, **changes: Any) -> Row:
    """An AgentRow."""
    site = PARIS if index % 3 else LYON
    row: Row = {
        "id": uid(NAMES[index]),
        "name": NAMES[index],
        "login": NAMES[index].lower().replace(" ", "."),
        "site_id": site,
        "site": SITES[site],
        "extension": str(201 + index),
        "state": STATES[index],
        "since": now - 47 * (index + 1) ** 1.6,
        "reason": REASONS.get(index, ""),
        "phone": "unreachable" if index == 8 else "registered",
        "phone_since": now - 7200,
        "call_id": None,
        "as_of": now - 1,
    }
    return row | changes


def call(key: str, now: float, **changes: Any) -> Row:
    """A CallRow in progress."""
    row: Row = {
        "id": uid(key),
        "direction": "outbound",
        "state": "talking",
        "number": "+33612345678",
        "our_number": "+33140000001",
        "agent_id": uid(NAMES[0]),
        "agent": NAMES[0],
        "site_id": PARIS,
        "site": "Paris",
        "trunk": "paris",
        "started_at": now - 142,
        "ringing_at": now - 138,
        "answered_at": now - 131,
        "held_since": None,
        "ended_at": None,
        "talk_seconds": 0.0,
        "hold_seconds": 0.0,
        "outcome": "",
        "ended_by": "",
        "cause": None,
        "sip": None,
        "end_estimated": False,
        "as_of": now - 1,
    }
    return row | changes


def ended(key: str, now: float, outcome: str = "answered", **changes: Any) -> Row:
    """A CallRow that ended."""
    answered = outcome == "answered"
    row = call(
        key,
        now,
        state="ended",
        outcome=outcome,
        ended_at=now - 5,
        answered_at=now - 131 if answered else None,
        talk_seconds=126.4 if answered else 0.0,
        ended_by="customer",
        cause={"busy": 17, "no_answer": 19, "answered": 16}.get(outcome, 16),
    )
    return row | changes


def calls_now(now: float) -> list[Row]:
    """Calls in progress that fit the agents' states."""
    return [
        call("c0", now),
        call(
            "c1",
            now,
            direction="inbound",
            number="+33478123456",
            agent_id=uid(NAMES[2]),
            agent=NAMES[2],
            answered_at=now - 724,
            started_at=now - 731,
        ),
        call(
            "c2",
            now,
            number="+442079460958",
            state="on_hold",
            held_since=now - 38,
            agent_id=uid(NAMES[7]),
            agent=NAMES[7],
        ),
        call(
            "c3",
            now,
            direction="inbound",
            number="+262692123456",
            state="ringing_agent",
            answered_at=None,
            started_at=now - 6,
            agent_id=uid(NAMES[5]),
            agent=NAMES[5],
        ),
        call(
            "c4",
            now,
            number="+33388112233",
            state="ringing",
            answered_at=None,
            started_at=now - 12,
            ringing_at=now - 9,
            agent_id=uid(NAMES[10]),
            agent=NAMES[10],
        ),
        call(
            "c5",
            now,
            number="",
            direction="inbound",
            site="Lyon",
            site_id=LYON,
            trunk="lyon",
            agent_id=uid(NAMES[12]),
            agent=NAMES[12],
            answered_at=now - 55,
            started_at=now - 60,
        ),
    ]


OUTCOMES = (
    "answered",
    "no_answer",
    "answered",
    "busy",
    "missed",
    "answered",
    "cancelled",
    "agent_no_answer",
    "trunk_down",
    "invalid_number",
    "agent_unreachable",
    "rejected",
    "interrupted",
    "failed",
    "agent_busy",
)


def history(now: float) -> list[Row]:
    """Calls that ended today, one of each outcome."""
    rows = []
    for index, outcome in enumerate(OUTCOMES):
        start = now - 240 * (index + 1)
        rows.append(
            ended(
                f"h{100 - index}",
                now,
                outcome,
                id=uid(f"h{index}"),
                direction="inbound" if outcome == "missed" or index == 2 else "outbound",
                number=f"+3361234{5000 + index * 137:04d}",
                started_at=start,
                ringing_at=start + 3,
                answered_at=start + 9 if outcome == "answered" else None,
                ended_at=start + 140,
                agent_id=uid(NAMES[index % 3]),
                agent=NAMES[index % 3],
            )
        )
    return rows


def links(now: float) -> list[Row]:
    """Health of the parts."""
    names = ("ami", "ari", "bus", "journal", "postgresql", "trunk:paris", "trunk:lyon")
    return [
        {
            "id": name,
            "up": True,
            "since": now - 5400,
            "detail": "",
            "lag": 0.0,
            "drift": 0,
            "as_of": now - 1,
        }
        for name in names
    ]


def journey(now: float) -> Row:
    """One call with its legs and timeline, as GET /api/calls/{id} answers."""
    start = now - 600.123
    row = ended(
        "j1", now, started_at=start, answered_at=start + 9.42, ended_at=start + 135.9, talk_seconds=126.48
    )
    agent_leg = {
        "uniqueid": "a.1",
        "role": "agent",
        "channel": "PJSIP/201-00000001",
        "agent_id": uid(NAMES[0]),
        "number": "201",
        "started_at": start,
        "ringing_at": start + 0.12,
        "answered_at": start + 3.31,
        "ended_at": start + 135.9,
        "hold_seconds": 0.0,
        "cause": 16,
        "sip": None,
    }
    customer = agent_leg | {
        "uniqueid": "a.2",
        "role": "customer",
        "channel": "PJSIP/trunk-paris-00000002",
        "number": "+33612345678",
        "started_at": start + 3.35,
        "ringing_at": start + 4.9,
        "answered_at": start + 9.42,
    }
    moments = (
        ("placed", "", 0.0, "click_to_call"),
        ("leg_created", "agent", 0.0, "PJSIP/201-00000001"),
        ("ringing", "agent", 0.12, ""),
        ("answered", "agent", 3.31, ""),
        ("leg_created", "customer", 3.35, "PJSIP/trunk-paris-00000002"),
        ("ringing", "customer", 4.9, ""),
        ("answered", "customer", 9.42, ""),
        ("connected", "", 9.44, ""),
        ("leg_ended", "customer", 135.89, ""),
        ("ended", "", 135.9, "answered"),
    )
    timeline = [
        {
            "at": start + after,
            "kind": kind,
            "uniqueid": "a.1",
            "role": role,
            "cause": 16 if kind == "leg_ended" else None,
            "sip": None,
            "detail": detail,
        }
        for kind, role, after, detail in moments
    ]
    return {"call": row, "legs": [agent_leg, customer], "timeline": timeline}


def users() -> list[Row]:
    """Users as GET /api/users answers."""
    roles = ("ADMIN", "SUPERVISOR", *["AGENT"] * 14)
    return [
        {
            "id": uid(name),
            "login": name.lower().replace(" ", "."),
            "first_name": name.split(" ", 1)[0],
            "last_name": name.split(" ", 1)[1],
            "email": "",
            "role": roles[index],
            "site_id": PARIS if index % 3 else LYON,
            "extension": str(201 + index) if index > 1 else None,
            "active": index != 14,
        }
        for index, name in enumerate(NAMES)
    ]
