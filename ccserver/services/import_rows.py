"""From a sheet's rows to people and phones, each wrong cell told with its line. Pure: the database is asked before.

Headers and words are read as people write them, in French or in English, with or without accents.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from ccserver.domain.access import Role, may_grant
from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.station import HOME_COUNTRY, Station, extension_errors
from ccserver.services.people import UserDraft, person_errors, station_of
from ccserver.services.sheets import Sheet

_NO_SIGN: Final = re.compile(r"[^a-z0-9]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")

USER_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "login": ("login", "identifiant", "username", "nomdutilisateur"),
    "first_name": ("firstname", "prenom", "givenname"),
    "last_name": ("lastname", "nom", "nomdefamille", "surname", "name"),
    "email": ("email", "courriel", "mail", "adressecourriel", "adressemail"),
    "role": ("role", "profil"),
    "site": ("site",),
    "extension": ("extension", "poste", "numerodeposte"),
    "station": ("station", "telephone", "typedetelephone", "phone"),
    "mobile": ("mobile", "portable", "telephonemobile", "numerodemobile", "cellphone"),
}
PHONE_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "site": ("site",),
    "extension": ("extension", "poste", "numerodeposte"),
    "label": ("label", "libelle", "nom", "name", "emplacement"),
}
_ROLES: Final = {
    "agent": Role.AGENT,
    "supervisor": Role.SUPERVISOR,
    "superviseur": Role.SUPERVISOR,
    "superviseuse": Role.SUPERVISOR,
    "admin": Role.ADMIN,
    "administrator": Role.ADMIN,
    "administrateur": Role.ADMIN,
    "administratrice": Role.ADMIN,
    "superadmin": Role.SUPER_ADMIN,
    "superadministrateur": Role.SUPER_ADMIN,
    "superadministratrice": Role.SUPER_ADMIN,
}
_STATIONS: Final = {
    "softphone": Station.SOFTPHONE,
    "logiciel": Station.SOFTPHONE,
    "browser": Station.BROWSER,
    "navigateur": Station.BROWSER,
    "webrtc": Station.BROWSER,
    "web": Station.BROWSER,
    "mobile": Station.MOBILE,
    "portable": Station.MOBILE,
}
_LENGTHS: Final = {"login": 64, "first_name": 80, "last_name": 80, "email": 254, "mobile": 40, "label": 80}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file as it is headed, and the field that it fills: "" for one that we do not know."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong in one cell."""

    line: int
    error: FieldError


@dataclass(frozen=True, slots=True)
class Place:
    """A site as a row may name it."""

    id: UUID
    slug: str
    name: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneLine:
    """A physical phone to be made."""

    line: int
    site_id: UUID
    extension: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLine:
    """A user to be made."""

    line: int
    draft: UserDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the rows are held against: the tenant's sites, and what is taken by anybody."""

    places: tuple[Place, ...]
    logins: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()


@dataclass(slots=True)
class Outcome:
    """Rows that are good, and every wrong cell of the others."""

    users: list[UserLine] = field(default_factory=list)
    phones: list[PhoneLine] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)


class Table:
    """A sheet whose columns are understood. Raises Invalid on ``file``: column_missing, column_twice."""

    def __init__(self, sheet: Sheet, known: Mapping[str, tuple[str, ...]], needed: Iterable[str]) -> None:
        words = {word: name for name, words in known.items() for word in words}
        self.columns = tuple(
            Column(_CONTROL.sub(" ", header)[:80], words.get(plain(header), "")) for header in sheet.headers
        )
        fields = [column.field for column in self.columns if column.field]
        if twice := sorted({name for name in fields if fields.count(name) > 1}):
            raise Invalid(FieldError("file", "column_twice", (("columns", ", ".join(twice)),)))
        if missing := [name for name in needed if name not in fields]:
            raise Invalid(FieldError("file", "column_missing", (("columns", ", ".join(missing)),)))
        self._sheet = sheet

    def __len__(self) -> int:
        return len(self._sheet.rows)

    def rows(self) -> Iterable[tuple[int, dict[str, str]]]:
        """Each row's line and its values by field; columns that we do not know are left out."""
        for row in self._sheet.rows:
            pairs = zip(self.columns, row.cells, strict=True)
            yield row.line, {column.field: cell for column, cell in pairs if column.field}

    def values(self, name: str) -> list[str]:
        """Every value of one field that is there and could be anybody's."""
        found = (row.get(name, "") for _, row in self.rows())
        return [value for value in found if value and not _CONTROL.search(value)]


def plain(text: str) -> str:
    """Small letters and digits only: "Numéro de poste" is "numerodeposte"."""
    return _NO_SIGN.sub("", unicodedata.normalize("NFKD", text).casefold())


def read_users(table: Table, known: Known, granted_by: Role) -> Outcome:
    """Each row as a user to be made by somebody of the role ``granted_by``."""
    outcome = Outcome()
    twins = _Twins()
    find = _finder(known.places)
    for line, row in table.rows():
        errors = _cell_errors(row)
        place, wrong = _place(row, find)
        errors += wrong
        role, wrong = _role(row.get("role", ""), granted_by)
        errors += wrong
        station, wrong = _station(row.get("station", ""))
        errors += wrong
        login, extension = row.get("login", ""), row.get("extension", "")
        country = place.country if place else HOME_COUNTRY
        errors += [
            FieldError("site" if error.field == "site_id" else error.field, error.code, error.params)
            for error in person_errors(
                login=login,
                email=row.get("email", ""),
                role=role,
                # A site that is named and not found is told already.
                site_id=place.id if place else (_NOWHERE if row.get("site") else None),
                extension=extension,
                country=country,
            )
        ]
        mobile, wrong = station_of(extension, station, row.get("mobile", ""), country)
        errors += wrong
        errors += twins.seen(line, "login", login.lower(), known.logins, "login_taken")
        errors += twins.seen(line, "extension", extension, known.extensions, "extension_taken")
        if errors:
            outcome.errors += _first_per_field(line, errors)
            continue
        draft = UserDraft(
            login=login,
            first_name=row.get("first_name", ""),
            last_name=row.get("last_name", ""),
            email=row.get("email", ""),
            role=role,
            site_id=place.id if place else None,
            site_ids=(),
            extension=extension,
            locale="fr",
            password="",
            station=station,
            mobile=mobile,
        )
        outcome.users.append(UserLine(line=line, draft=draft))
    return outcome


def read_phones(table: Table, known: Known) -> Outcome:
    """Each row as a physical phone to be made."""
    outcome = Outcome()
    twins = _Twins()
    find = _finder(known.places)
    for line, row in table.rows():
        errors = _cell_errors(row)
        place, wrong = _place(row, find)
        errors += wrong or ([] if place else [FieldError("site", "required")])
        extension = row.get("extension", "")
        errors += extension_errors(extension, place.country if place else HOME_COUNTRY)
        errors += twins.seen(line, "extension", extension, known.extensions, "extension_taken")
        if errors or place is None:
            outcome.errors += _first_per_field(line, errors)
            continue
        label = row.get("label", "")
        outcome.phones.append(PhoneLine(line=line, site_id=place.id, extension=extension, label=label))
    return outcome


_NOWHERE: Final = UUID(int=0)


class _Twins:
    """What has been seen in this file, and where first."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], int] = {}

    def seen(self, line: int, name: str, value: str, taken: frozenset[str], code: str) -> list[FieldError]:
        """What is wrong with the value of a field that must be nobody else's."""
        if not value:
            return []
        if value in taken:
            return [FieldError(name, code)]
        first = self._first.setdefault((name, value), line)
        return [] if first == line else [FieldError(name, "twice_in_file", (("line", str(first)),))]


def _cell_errors(row: Mapping[str, str]) -> list[FieldError]:
    errors = [FieldError(name, "control_character") for name, value in row.items() if _CONTROL.search(value)]
    errors += [
        FieldError(name, "too_long", (("maximum", str(most)),))
        for name, most in _LENGTHS.items()
        if len(row.get(name, "")) > most
    ]
    if "login" in row and not row["login"]:
        errors.append(FieldError("login", "required"))
    return errors


def _finder(places: Iterable[Place]) -> Callable[[str], Place | None]:
    """Sites by their short name, or by their name however it is written; names that read alike find nothing."""
    by_name: dict[str, list[Place]] = {}
    by_slug: dict[str, Place] = {}
    for place in places:
        by_slug[place.slug] = place
        by_name.setdefault(plain(place.name), []).append(place)

    def find(text: str) -> Place | None:
        named = by_name.get(plain(text), [])
        exact = [place for place in named if place.name == text]
        return by_slug.get(text.lower()) or next(iter(exact), named[0] if len(named) == 1 else None)

    return find


def _place(
    row: Mapping[str, str], find: Callable[[str], Place | None]
) -> tuple[Place | None, list[FieldError]]:
    text = row.get("site", "")
    if not text:
        return None, []
    place = find(text)
    return place, [] if place else [FieldError("site", "site_unknown")]


def _role(text: str, granted_by: Role) -> tuple[Role, list[FieldError]]:
    role = _ROLES.get(plain(text)) if text else Role.AGENT
    if role is None:
        # Whatever it should have been, nothing of an agent is asked of it.
        return Role.SUPERVISOR, [FieldError("role", "not_a_choice")]
    return role, [] if may_grant(granted_by, role) else [FieldError("role", "role_not_granted")]


def _station(text: str) -> tuple[Station, list[FieldError]]:
    station = _STATIONS.get(plain(text)) if text else Station.SOFTPHONE
    return station or Station.SOFTPHONE, [] if station else [FieldError("station", "not_a_choice")]


def _first_per_field(line: int, errors: Iterable[FieldError]) -> list[LineError]:
    """One sentence for a cell: a login that is missing need not be told to be badly formed too."""
    first: dict[str, FieldError] = {}
    for error in errors:
        first.setdefault(error.field, error)
    return [LineError(line, error) for error in first.values()]
