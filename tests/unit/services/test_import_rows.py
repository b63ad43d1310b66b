"""From rows to people and phones: French and English headers and words, every wrong cell with its line."""

from collections.abc import Iterable
from uuid import UUID

import pytest
from ccserver.domain.access import Role
from ccserver.domain.errors import Invalid
from ccserver.domain.station import Station
from ccserver.services.import_rows import (
    PHONE_COLUMNS,
    USER_COLUMNS,
    Known,
    Outcome,
    Place,
    Table,
    read_phones,
    read_users,
)
from ccserver.services.sheets import read_sheet
from hypothesis import given
from hypothesis import strategies as st

PARIS = Place(UUID(int=1), "paris", "Paris Étoile", "FR")
LONDON = Place(UUID(int=2), "london", "London", "GB")
KNOWN = Known(places=(PARIS, LONDON), logins=frozenset({"root"}), extensions=frozenset({"1900"}))
FRENCH = "Identifiant;Prénom;Nom;Courriel;Rôle;Site;Poste;Téléphone;Mobile\n"


def _users(text: str, role: Role = Role.ADMIN) -> Outcome:
    return read_users(Table(read_sheet(text.encode()), USER_COLUMNS, ("login",)), KNOWN, role)


def _phones(text: str) -> Outcome:
    return read_phones(Table(read_sheet(text.encode()), PHONE_COLUMNS, ("site", "extension")), KNOWN)


def _told(outcome: Outcome) -> set[tuple[int, str, str]]:
    return {(found.line, found.error.field, found.error.code) for found in outcome.errors}


@pytest.mark.parametrize(
    "header",
    [
        FRENCH,
        "login;first_name;last_name;email;role;site;extension;station;mobile\n",
        "LOGIN;First name;Last Name;E-mail;ROLE;SITE;Extension;Station;Cell phone\n",
        "Nom d’utilisateur;PRENOM;Nom;Adresse mail;Profil;Site;Numéro de poste;Type de téléphone;Portable\n",
    ],
)
def test_headers_as_people_write_them(header: str) -> None:
    outcome = _users(
        f"{header}anna;Anna;Lenoir;anna@example.org;agent;Paris Étoile;1001;portable;06 12 34 56 78\n"
    )
    assert outcome.errors == []
    [line] = outcome.users
    draft = line.draft
    assert (draft.login, draft.first_name, draft.last_name, draft.email) == (
        "anna",
        "Anna",
        "Lenoir",
        "anna@example.org",
    )
    assert (draft.role, draft.site_id, draft.extension) == (Role.AGENT, PARIS.id, "1001")
    assert (draft.station, draft.mobile) == (Station.MOBILE, "+33612345678")


def test_what_is_left_out_has_a_usual_meaning() -> None:
    [line] = _users("login;site\nanna;PARIS\n").users
    assert (line.draft.role, line.draft.extension, line.draft.station) == (Role.AGENT, "", Station.SOFTPHONE)


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("", Role.AGENT),
        ("Agent", Role.AGENT),
        ("SUPERVISEUR", Role.SUPERVISOR),
        ("Administratrice", Role.ADMIN),
        ("supervisor", Role.SUPERVISOR),
    ],
)
def test_roles_in_both_languages(word: str, role: Role) -> None:
    [line] = _users(f"login;role;site\nanna;{word};paris\n").users
    assert line.draft.role is role


def test_every_wrong_cell_is_told_with_its_line() -> None:
    text = (
        "an na;A;L;nobody;boss;Atlantis;12a;pigeon;\n"
        ";;;;;;;;\n"
        "bob;;;;agent;;1002;mobile;\n"
        "carl;;;;admin;;;browser;\n"
        "root;;;;admin;;1900;;\n"
        "dora;;;;agent;paris;1003;;\n"
        "DORA;;;;agent;paris;1003;;\n"
        "emma;;;;agent;paris;15;;\n"
        "fred;;;;agent;london;999;mobile;06 12\n"
        ";Gina;;;admin;;;;\n"
    )
    outcome = _users(FRENCH + text)
    assert _told(outcome) == {
        (2, "login", "login_format"),
        (2, "email", "email_format"),
        (2, "role", "not_a_choice"),
        (2, "site", "site_unknown"),
        (2, "extension", "extension_format"),
        (2, "station", "not_a_choice"),
        (4, "site", "agent_without_site"),
        (4, "mobile", "required"),
        (5, "extension", "station_without_extension"),
        (6, "login", "login_taken"),
        (6, "extension", "extension_taken"),
        (8, "login", "twice_in_file"),
        (8, "extension", "twice_in_file"),
        (9, "extension", "extension_emergency"),
        (10, "extension", "extension_emergency"),
        (10, "mobile", "number_unknown"),
        (11, "login", "required"),
    }
    assert [line.draft.login for line in outcome.users] == ["dora"]
    twins = [found.error.params for found in outcome.errors if found.error.code == "twice_in_file"]
    assert twins == [(("line", "7"),), (("line", "7"),)]


def test_nobody_imports_somebody_above_themselves() -> None:
    outcome = _users("login;role\nchief;superadmin\n")
    assert _told(outcome) == {(2, "role", "role_not_granted")}
    assert _users("login;role\nchief;superadmin\n", Role.SUPER_ADMIN).errors == []


@pytest.mark.parametrize(
    "cell",
    ["a\x00b", "a\u202eb", '"a\nAction: Originate"', "a\x1bb"],
    ids=["nul", "override", "line", "escape"],
)
def test_control_characters_are_refused(cell: str) -> None:
    outcome = _users(f"login;site;first_name\nanna;paris;{cell}\n")
    assert _told(outcome) == {(2, "first_name", "control_character")}


def test_fields_are_no_longer_than_the_form_allows() -> None:
    outcome = _users(f"login;site;first_name\nanna;paris;{'x' * 81}\n")
    assert _told(outcome) == {(2, "first_name", "too_long")}


def test_columns_that_are_not_known_are_named() -> None:
    table = Table(read_sheet(b"login;Couleur;site\nanna;bleu;paris\n"), USER_COLUMNS, ("login",))
    assert [(column.name, column.field) for column in table.columns] == [
        ("login", "login"),
        ("Couleur", ""),
        ("site", "site"),
    ]
    assert read_users(table, KNOWN, Role.ADMIN).errors == []


@pytest.mark.parametrize(
    ("text", "code"),
    [("prénom;nom\nA;B\n", "column_missing"), ("login;identifiant\na;b\n", "column_twice")],
)
def test_a_file_that_is_no_table_of_users(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        _users(text)
    assert [(error.field, error.code) for error in refused.value.errors] == [("file", code)]


def test_physical_phones() -> None:
    outcome = _phones(
        "Site;Poste;Libellé\nparis;1801;Salle\nlondon;1802;\nparis;1900;\n;1803;\nparis;1801;\n"
    )
    assert [(line.extension, line.site_id, line.label) for line in outcome.phones] == [
        ("1801", PARIS.id, "Salle"),
        ("1802", LONDON.id, ""),
    ]
    assert _told(outcome) == {
        (4, "extension", "extension_taken"),
        (5, "site", "required"),
        (6, "extension", "twice_in_file"),
    }


def test_a_name_that_two_sites_share_is_not_guessed() -> None:
    twins = Known(places=(Place(UUID(int=3), "a", "Étoile", "FR"), Place(UUID(int=4), "b", "etoile", "FR")))
    table = Table(read_sheet("site;poste\nÉTOILE;1801\nÉtoile;1802\nb;1803\n".encode()), PHONE_COLUMNS, ())
    outcome = read_phones(table, twins)
    assert _told(outcome) == {(2, "site", "site_unknown")}
    assert [line.site_id.int for line in outcome.phones] == [3, 4]


def _csv(rows: Iterable[Iterable[str]]) -> str:
    return "".join(
        ";".join(cell.replace('"', "").replace(";", "").replace("\n", "") for cell in row) + "\n"
        for row in rows
    )


cells = st.text(max_size=15)


@given(st.lists(st.lists(cells, min_size=9, max_size=9), max_size=8))
def test_whatever_the_cells_a_row_is_good_or_told(rows: list[list[str]]) -> None:
    try:
        table = Table(read_sheet((FRENCH + _csv(rows)).encode("utf-8", "replace")), USER_COLUMNS, ("login",))
    except Invalid:
        return
    outcome = read_users(table, KNOWN, Role.ADMIN)
    wrong = {found.line for found in outcome.errors}
    assert len(outcome.users) + len(wrong) == len(table)
    assert not wrong & {line.line for line in outcome.users}
