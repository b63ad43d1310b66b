"""Sites of a company with agencies: lines, numbers, opening hours and routes, for the pages' harness."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ccserver.web.i18n import Catalogues
from ccserver.web.pages.places import ALSACE, places

from tests.browser.scenes import LYON, NAMES, PARIS, uid

Row = dict[str, Any]

OTHERS = (
    "Bordeaux",
    "Lille",
    "Marseille",
    "Nantes",
    "Rennes",
    "Saint-Denis de La Réunion",
    "Strasbourg",
    "Toulouse",
)


def site(name: str, **changes: Any) -> Row:
    """A SiteRow."""
    slug = name.lower().replace(" ", "-").replace("é", "e")
    row: Row = {
        "kind": "site",
        "id": {"Paris": PARIS, "Lyon": LYON}.get(name) or uid(slug),
        "slug": slug,
        "name": name,
        "zone": "Europe/Paris",
        "country": "FR",
        "caller_id": "+33140000001",
        "area": "",
        "subnets": [],
        "codecs": ["alaw", "ulaw"],
        "allowed_prefixes": [],
    }
    return row | changes


def sites() -> list[Row]:
    """Ten of them, one far away."""
    far = {"zone": "Indian/Reunion", "country": "RE", "caller_id": "+262262123456"}
    return [
        site("Paris", subnets=["10.1.0.0/16", "10.9.4.0/24"], allowed_prefixes=["+33", "+262", "+590"]),
        site("Lyon", caller_id="+33478000001"),
        *(site(name, **(far if "Réunion" in name else {})) for name in OTHERS),
    ]


def trunk(site_id: str, slug: str, priority: int = 1, **changes: Any) -> Row:
    """A TrunkRow."""
    row: Row = {
        "kind": "trunk",
        "id": uid(f"trunk {slug}"),
        "site_id": site_id,
        "slug": slug,
        "name": "",
        "preset": "yeastar_s",
        "mode": "peer",
        "host": "10.1.0.1",
        "port": 5060,
        "transport": "udp",
        "codecs": ["alaw", "ulaw"],
        "username": "",
        "has_secret": False,
        "from_domain": "",
        "addresses": [],
        "number_format": "national",
        "dial_prefix": "",
        "qualify_seconds": 10,
        "priority": priority,
        "active": True,
    }
    return row | changes


def trunks() -> list[Row]:
    """Two at Paris, one at each other site, none at Toulouse."""
    ovh = {"preset": "ovh", "mode": "register", "username": "0033140000001", "has_secret": True}
    rows = [
        trunk(PARIS, "paris", name="Yeastar S100 du siège"),
        trunk(PARIS, "paris-2", 2, name="Secours OVHcloud", host="sip3.ovh.fr", **ovh),
        trunk(LYON, "lyon", host="10.2.0.1", preset="yeastar_p"),
    ]
    rows += [trunk(s["id"], s["slug"], host=f"10.{9 + i}.0.1") for i, s in enumerate(sites()[2:9])]
    return rows


def links(now: float) -> dict[str, Row]:
    """Health of the lines: one down at Lille, one site cut off."""
    plain = {"up": True, "since": now - 5400, "detail": "", "lag": 0.0, "drift": 0, "as_of": now - 1}
    rows = {f"trunk:{t['slug']}": {"id": f"trunk:{t['slug']}", **plain} for t in trunks()}
    rows["trunk:lille"] |= {"up": False, "since": now - 900, "detail": "OPTIONS 408"}
    rows["trunk:nantes"] |= {"up": False, "since": now - 300, "detail": "OPTIONS 408"}
    rows["site:nantes"] = {"id": "site:nantes", **plain, "up": False, "since": now - 290, "detail": "VPN"}
    return rows


def destination(target: str = "none", **changes: Any) -> Row:
    """A Destination."""
    return {"target": target, "user_id": None, "phone_id": None, "forward_to": ""} | changes


def did(number: str, site_id: str = PARIS, **changes: Any) -> Row:
    """A DidRow."""
    opened = changes.pop("opened", destination("agent", user_id=uid(NAMES[2])))
    row: Row = {
        "kind": "did",
        "id": uid(f"did {number}"),
        "site_id": site_id,
        "number": number,
        "label": "",
        "user_id": opened["user_id"],
        "schedule_id": None,
        "opened": opened,
        "closed": destination(),
        "unanswered": destination(),
        "ring_seconds": 30,
    }
    return row | changes


def dids() -> list[Row]:
    """A switchboard with hours, a forwarded number, and direct numbers of agents."""
    office = uid("schedule office")
    voicemail, mobile = destination("voicemail"), destination("number", forward_to="+33612345678")
    return [
        did("+33140000001", label="Standard", schedule_id=office, closed=voicemail),
        did(
            "+33140000002",
            label="Astreinte",
            schedule_id=uid("schedule sav"),
            opened=mobile,
            closed=voicemail,
        ),
        did("+33140000003", opened=destination()),
        *(did(f"+3314000001{i}", opened=destination("agent", user_id=uid(NAMES[2 + i]))) for i in range(8)),
        did("+33478000001", LYON, label="Accueil Lyon", schedule_id=office, closed=voicemail),
    ]


def schedule(key: str, name: str, **changes: Any) -> Row:
    """A ScheduleRow."""
    hours = [
        {"day": day, "opens": opens, "closes": closes}
        for day in range(1, 6)
        for opens, closes in (("09:00", "12:00"), ("14:00", "18:00"))
    ]
    row: Row = {
        "kind": "schedule",
        "id": uid(f"schedule {key}"),
        "name": name,
        "zone": "Europe/Paris",
        "holidays": "FR",
        "hours": hours,
        "exceptions": [],
        "open_now": True,
    }
    return row | changes


def schedules() -> list[Row]:
    """Office hours with days that differ, and a service that works at night."""
    night = [{"day": day, "opens": "00:00", "closes": "06:00"} for day in range(1, 8)]
    night += [{"day": day, "opens": "20:00", "closes": "24:00"} for day in range(1, 8)]
    special = [
        {"date": "2031-12-24", "opens": "09:00", "closes": "12:00", "label": "Veille de Noël"},
        {"date": "2031-12-26", "opens": "", "closes": "", "label": "Pont"},
    ]
    return [
        schedule("office", "Heures de bureau", exceptions=special),
        schedule("sav", "Astreinte de nuit", hours=night, holidays="", open_now=False),
    ]


def route(slug: str, prefix: str, priority: int = 1) -> Row:
    """A RouteRow of Paris."""
    return {
        "kind": "route",
        "id": uid(f"route {prefix} {slug}"),
        "site_id": PARIS,
        "trunk_id": uid(f"trunk {slug}"),
        "prefix": prefix,
        "priority": priority,
    }


def routes() -> list[Row]:
    """La Réunion by La Réunion, mobiles by the operator."""
    far = "saint-denis-de-la-reunion"
    return [
        route(far, "+262"),
        route("paris", "+262", 2),
        route("paris-2", "+336"),
        route("paris", "+336", 2),
    ]


def presets() -> list[Row]:
    """What GET /api/trunk-presets answers."""
    peer = {
        "mode": "peer",
        "port": 5060,
        "transport": "udp",
        "codecs": ["alaw", "ulaw"],
        "number_format": "national",
    }
    return [
        {"preset": "yeastar_s", "label": "Yeastar S", "qualify_seconds": 10, "needs": ["host"], **peer},
        {"preset": "yeastar_p", "label": "Yeastar P", "qualify_seconds": 10, "needs": ["host"], **peer},
        {
            "preset": "ovh",
            "label": "OVHcloud",
            "qualify_seconds": 60,
            "needs": ["username", "secret"],
            **peer,
            "mode": "register",
            "host": "sip3.ovh.fr",
            "codecs": ["alaw"],
        },
        {"preset": "generic", "label": "SIP", "qualify_seconds": 10, "needs": ["host"], **peer},
    ]


def ways(now: float) -> Row:
    """What GET /api/sites/{id}/ways answers for a mobile."""
    found = [{"id": uid(f"trunk {slug}"), "slug": slug, "up": True} for slug in ("paris-2", "paris")]
    return {"number": "+33612345678", "allowed": True, "trunks": found}


def found_dids(query: Mapping[str, str]) -> Row:
    """What GET /api/dids answers: of one site, and where the text is in the number, the label or the agent's name."""
    names = {uid(name): name for name in NAMES}
    text = query.get("text", "").lower()
    digits = re.sub(r"\D", "", text).removeprefix("0")

    def fits(row: Row) -> bool:
        words = f"{row['label']} {names.get(row['user_id'], '')}".lower()
        return text in words or (len(digits) > 1 and digits in row["number"])

    rows = [row for row in dids() if query.get("site") in (None, row["site_id"]) and fits(row)]
    return {"items": rows, "next": "", "total": len(rows)}


def did_counts() -> Row:
    """What GET /api/did-counts answers."""
    places = Counter(row["site_id"] for row in dids())
    return {"sites": places, "schedules": Counter(row["schedule_id"] for row in dids() if row["schedule_id"])}


def answer(method: str, path: str, now: float, query: Mapping[str, str]) -> Row | None:
    """What the API answers to the pages of sites; None when it is not theirs."""
    if method != "GET":
        return None
    if path == "/api/dids":
        return found_dids(query)
    if path == "/api/did-counts":
        return did_counts()
    lists = {
        "/api/sites": sites,
        "/api/trunks": trunks,
        "/api/schedules": schedules,
        "/api/routes": routes,
        "/api/trunk-presets": presets,
    }
    if path in lists:
        return {"items": lists[path](), "next": None}
    return ways(now) if path.endswith("/ways") else None


def choices(locale: str) -> Row:
    """What the forms offer, as the real page does."""
    found = places(locale, Catalogues().translations(locale).gettext(ALSACE))
    return {
        "countries": found.countries,
        "zones": found.zones,
        "holidays": found.holidays,
        "site": sites()[0],
    }
