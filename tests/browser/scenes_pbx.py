"""Asterisk's configuration, phones and imports on a morning, for the pages' harness."""

from collections.abc import Callable
from typing import Any

from tests.browser.scenes import LYON, NAMES, PARIS, uid

Row = dict[str, Any]

APPLY_STEPS = ("plan", "stage", "rehearse", "back_up", "install", "reload", "verify")

DIFF = """--- pjsip.conf (now)
+++ pjsip.conf (then)
@@ -41,6 +41,7 @@
 [acl-paris](!)
 type=acl
 deny=0.0.0.0/0.0.0.0
 permit=10.1.0.0/16
+permit=10.9.0.0/16

@@ -118,3 +119,12 @@
-password=••••••
+password=••••••
+[1004](softphone)
+aors=1004
+auth=1004
+context=from-agents-paris
+callerid="Accueil Paris" <1004>"""


def state(now: float, **changes: Any) -> Row:
    """A ConfigState: three changes wait."""
    row: Row = {
        "configured": True,
        "mode": "manual",
        "held": False,
        "stuck": False,
        "retry_at": None,
        "changes": 3,
        "fingerprint": "f3",
        "restart_needed": [],
        "edited": [],
        "left_out": [],
        "problem": "",
        "applied": {"revision": 41, "at": now - 7200, "who": NAMES[1], "fingerprint": "f2"},
        "run": None,
        "blind": False,
    }
    return row | changes


def run(now: float, at: str = "rehearse", **changes: Any) -> Row:
    """A ConfigRun whose step ``at`` is in progress; "" for one that ended well."""
    reached = APPLY_STEPS.index(at) if at else len(APPLY_STEPS)
    states = ["done"] * reached + ["running"] * bool(at) + ["pending"] * len(APPLY_STEPS)
    row: Row = {
        "id": "run-1",
        "action": "apply",
        "step": at,
        "steps": [
            {"name": name, "state": states[index], "at": now - 3, "message": ""}
            for index, name in enumerate(APPLY_STEPS)
        ],
        "who": NAMES[0],
        "origin": "page",
        "started_at": now - 4,
        "ended_at": None if at else now,
        "result": "" if at else "applied",
        "message": "",
        "revision": None if at else 42,
    }
    return row | changes


REFUSED = """[Nov 21 15:12:03] ERROR[812]: config_options.c:798 aco_process_var: Could not find option suitable for
category '1004' named 'callerrid' at line 131 of /var/lib/ccserver/rehearsal/pjsip.conf
[Nov 21 15:12:03] ERROR[812]: res_sorcery_config.c:419: Could not create an object of type 'endpoint' with id '1004'"""


def failed_run(now: float) -> Row:
    """The rehearsal refused the files."""
    made = run(now, "rehearse", ended_at=now, result="refused", message="", revision=42)
    for step in made["steps"]:
        if step["name"] == "rehearse":
            step |= {"state": "failed", "message": REFUSED}
        elif step["state"] == "pending":
            step |= {"state": "skipped"}
    return made


def diff(fingerprint: str = "f3") -> Row:
    """What GET /api/config/diff answers."""
    changes = [
        {"kind": "site", "name": "paris", "action": "changed", "fields": ["subnets"]},
        {"kind": "trunk", "name": "lyon-secours", "action": "removed", "fields": []},
        {"kind": "phone", "name": "1004", "action": "added", "fields": []},
    ]
    queues = "--- queues.conf (now)\n+++ queues.conf (then)\n@@ -3,2 +3,3 @@\n [fallback-paris]\n+member => PJSIP/1004"
    files = [
        {"name": "pjsip.conf", "diff": DIFF, "edited": False},
        {"name": "queues.conf", "diff": queues, "edited": False},
    ]
    return {"fingerprint": fingerprint, "changes": changes, "files": files}


def revisions(now: float) -> list[Row]:
    """What GET /api/config/history lists."""
    results = ("applied", "refused", "applied", "rolled_back", "applied", "applied", "failed", "interrupted")
    return [
        {
            "id": 41 - index,
            "at": now - 7200 * (index + 1) ** 1.8,
            "ended_at": now - 7200 * (index + 1) ** 1.8 + 6.412,
            "user_id": None,
            "who": NAMES[index % 3 + 1] if index % 3 else "root",
            "origin": ("page", "automatic", "command")[index % 3],
            "action": "rollback" if index == 4 else "apply",
            "fingerprint": f"{index:02d}c4e1f0a9b27d31",
            "result": result,
            "files": ["pjsip.conf", "queues.conf"],
            "message": "" if result == "applied" else REFUSED,
            "changes": index * 3 + 1,
            "can_roll_back": result == "applied" and index > 0,
        }
        for index, result in enumerate(results)
    ]


def revision(now: float, key: str) -> Row:
    """What GET /api/config/history/{id} answers."""
    row = next(row for row in revisions(now) if str(row["id"]) == key)
    return row | {"diff": DIFF, "steps": run(now, "")["steps"], "objects": diff()["changes"]}


def phones() -> list[Row]:
    """What GET /api/phones lists: agents' phones of three kinds, and those that stand at a site."""
    kinds = ("softphone", "browser", "mobile")
    agents = [
        {
            "id": uid(f"phone-{name}"),
            "kind": kinds[index % 3],
            "extension": str(201 + index),
            "user_id": uid(name),
            "user": name,
            "site_id": PARIS if index % 3 else LYON,
            "label": "",
            "mobile": "+33612345678" if kinds[index % 3] == "mobile" else "",
        }
        for index, name in enumerate(NAMES)
        if 1 < index < 10
    ]
    rooms = ("Accueil", "Salle de réunion Belleville", "Atelier")
    physical = [
        {
            "id": uid(f"phone-{label}"),
            "kind": "physical",
            "extension": str(301 + index),
            "user_id": None,
            "user": "",
            "site_id": PARIS if index else LYON,
            "label": label,
            "mobile": "",
        }
        for index, label in enumerate(rooms)
    ]
    return agents + physical


def stations(now: float) -> dict[str, Row]:
    """Whether the sites' phones are there: one is, one is not, and Asterisk has not heard of the third."""
    physical = [phone for phone in phones() if phone["kind"] == "physical"]
    return {
        phone["id"]: {
            "id": phone["id"],
            "extension": phone["extension"],
            "site_id": phone["site_id"],
            "state": state,
            "since": now - 600,
            "as_of": now,
        }
        for phone, state in zip(physical, ("registered", "unregistered", "unknown"), strict=True)
    }


def answer(method: str, path: str, now: float) -> Row | None:
    """What the server answers when a test says nothing else; None for what is not about this."""
    if method != "GET":
        return None
    lists: dict[str, Callable[[], Row]] = {
        "/api/config": lambda: state(now),
        "/api/config/diff": diff,
        "/api/config/history": lambda: {"items": revisions(now), "next": ""},
        "/api/phones": lambda: {"items": phones(), "next": ""},
    }
    if path in lists:
        return lists[path]()
    if path.startswith("/api/config/history/"):
        return revision(now, path.rsplit("/", 1)[1])
    return None


def account(extension: str = "304", label: str = "Salle de réunion Belleville") -> Row:
    """A phone that was just made, with its secret and how to set it up."""
    secret = f"wN7-{extension}-kQ2mZr8tVx4b"
    phone = phones()[-1] | {"id": uid(f"phone-{extension}"), "extension": extension, "label": label}
    modules = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1"/>'
        for x in range(29)
        for y in range(29)
        if x * y % 3 == x % 2
    )
    code = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 33 33"><rect x="-2" y="-2" width="33" height="33" '
        f'fill="#fff"/><g fill="#000">{modules}</g></svg>'
    )
    address = "https://cc.example.test/provision/3f9c"
    clients = (
        (
            "linphone",
            "Linphone",
            f"linphone-{extension}.xml",
            f'<config><entry name="passwd">{secret}</entry></config>',
        ),
        ("zoiper", "Zoiper", f"zoiper-{extension}.txt", f"Serveur : 10.0.0.5:5060\nMot de passe : {secret}"),
        (
            "microsip",
            "MicroSIP",
            f"microsip-{extension}.ini",
            f"[Account1]\nserver=10.0.0.5\npassword={secret}",
        ),
        ("generic", "Autre téléphone", f"sip-{extension}.txt", f"sip:{extension}@10.0.0.5\n{secret}"),
    )
    return {
        "phone": phone,
        "secret": secret,
        "provisioning": {
            "server": "10.0.0.5",
            "port": 5060,
            "transport": "udp",
            "realm": "asterisk",
            "username": extension,
            "items": [
                {
                    "client": client,
                    "label": name,
                    "filename": filename,
                    "text": text,
                    "url": address if client == "linphone" else "",
                    "qr_svg": code if client == "linphone" else "",
                }
                for client, name, filename, text in clients
            ],
        },
    }


def import_report(*, errors: bool = False, created: bool = False) -> Row:
    """What POST /api/users/import answers."""
    wrong = [
        (3, "login", "login_taken", "Cet identifiant est pris."),
        (7, "extension", "extension_format", "De deux à six chiffres."),
        (7, "site", "unknown", "Ceci n’existe pas."),
        (9, "mobile", "number_unknown", "Ce n’est pas un numéro de téléphone de ce pays, ni d’aucun autre."),
    ]
    headers = {
        "login": "Identifiant",
        "extension": "Poste",
        "site": "Site",
        "mobile": "Mobile",
        "": "Service",
    }
    people = [
        {
            "line": 2 + index,
            "name": name,
            "login": name.lower().replace(" ", "."),
            "password": f"Vif-Ruisseau-{40 + index}",
            "extension": str(1001 + index),
            "sip_secret": f"kQ2mZr8tVx4b{index}",
        }
        for index, name in enumerate(NAMES[:12])
    ]
    return {
        "total": 12,
        "valid": 9 if errors else 12,
        "created": 12 if created else 0,
        "errors": [
            dict(zip(("line", "field", "code", "message"), one, strict=True)) for one in wrong if errors
        ],
        "columns": [{"name": name, "field": field} for field, name in headers.items()],
        "credentials": people if created else [],
    }
