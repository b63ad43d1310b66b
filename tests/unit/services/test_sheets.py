"""Tables in files: every office's way of writing them, and bytes that are none."""

import csv
import io
import zipfile

import openpyxl
import pytest
from ccserver.domain.errors import Invalid
from ccserver.services import sheets
from ccserver.services.sheets import SheetRow, read_sheet, write_csv, write_xlsx
from hypothesis import given
from hypothesis import strategies as st

TEXT = "Prénom;Poste\nZoé;1001\n"


def _code(data: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read_sheet(data)
    [error] = refused.value.errors
    assert error.field == "file"
    return error.code


def _workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace(";", ",").encode(),
        TEXT.replace(";", "\t").encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        f"sep=,\r\n{TEXT.replace(';', ',')}".encode(),
        f"\n;\n{TEXT}\n;;\n".encode(),
        '"Prénom";"Poste"\n"Zoé";"1001"'.encode(),
        "Prénom ;\u00a0Poste\n Zoé\u202f;1001;\n".encode(),
        _workbook(("Prénom", "Poste"), ("Zoé", 1001)),
        _workbook(("Prénom", "Poste", None), (None, None), ("Zoé", 1001.0)),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_every_offices_way(data: bytes) -> None:
    sheet = read_sheet(data)
    assert sheet.headers == ("Prénom", "Poste")
    assert [row.cells for row in sheet.rows] == [("Zoé", "1001")]


def test_rows_know_their_lines() -> None:
    sheet = read_sheet(b'a;b\n\n1;"two\nlines"\n;\n3\n')
    assert sheet.rows == (SheetRow(3, ("1", "two\nlines")), SheetRow(6, ("3", "")))
    assert [row.line for row in read_sheet(b"sep=;\na;b\n1;2\n").rows] == [3]
    assert [row.line for row in read_sheet(_workbook(("a",), (None,), ("1",))).rows] == [3]


def test_cells_of_a_workbook_are_text_as_people_see_it() -> None:
    sheet = read_sheet(_workbook(("a", "b", "c", "d"), (True, 1.5, "=1+1", "007")))
    # A formula is not evaluated, and this one was saved without its value.
    assert sheet.rows[0].cells == ("true", "1.5", "", "007")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\n;;\n", "file_empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file_old_excel"),
        (b"PK\x03\x04 and nothing more", "file_unreadable"),
        (b"a;b\n\x81;\x8d\n", "file_encoding"),
        (b"\xff\xfe\x00\xd8a", "file_encoding"),
        (";".join(f"c{n}" for n in range(61)).encode(), "too_many_columns"),
        (b"a\n" + b"x\n" * 2001, "too_many_rows"),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, code: str) -> None:
    assert _code(data) == code


def test_as_many_rows_as_allowed_are_read() -> None:
    assert len(read_sheet(b"a\n" + b"x\n" * 2000).rows) == 2000


def test_a_zip_bomb_is_not_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * (sheets.UNZIPPED_MOST + 1))
    data = buffer.getvalue()
    assert len(data) < 100_000
    assert _code(data) == "file_too_large"


def test_a_zip_that_lies_about_its_size_is_unreadable() -> None:
    good = _workbook(("a",), ("1",))
    source = zipfile.ZipFile(io.BytesIO(good))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in source.infolist():
            data = source.read(member)
            archive.writestr(
                member.filename, data + b" " * 1_000_000 if "sheet1" in member.filename else data
            )
    lying = bytearray(buffer.getvalue())
    place = lying.rfind(b"xl/worksheets/sheet1.xml") - 46 + 24
    lying[place : place + 4] = (100).to_bytes(4, "little")
    assert _code(bytes(lying)) == "file_unreadable"


def test_entities_do_not_grow() -> None:
    layers = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "laugh">{layers}]><x>&l11;</x>'.encode()
    source = zipfile.ZipFile(io.BytesIO(_workbook(("a",), ("1",))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in source.infolist():
            archive.writestr(
                member.filename, bomb if "sheet1.xml" in member.filename else source.read(member)
            )
    assert _code(buffer.getvalue()) in ("file_unreadable", "file_empty")


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda tail: b"PK\x03\x04" + tail))
def test_any_bytes_are_rows_or_invalid(data: bytes) -> None:
    try:
        sheet = read_sheet(data)
    except Invalid:
        return
    assert all(len(row.cells) == len(sheet.headers) for row in sheet.rows)


@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_any_text_is_rows_or_invalid(text: str, encoding: str) -> None:
    try:
        read_sheet(text.encode(encoding, "replace"))
    except Invalid as error:
        assert error.errors[0].field == "file"


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
safe = printable.filter(lambda cell: not cell.startswith("'"))


@given(st.lists(st.tuples(safe, safe), min_size=1, max_size=5))
def test_what_is_written_as_csv_is_read_again_and_is_no_formula(rows: list[tuple[str, str]]) -> None:
    # The delimiter is read off the header, which is ours: names, without commas.
    data = write_csv([("Poste", "Nom"), *rows])
    assert [tuple(row.cells) for row in read_sheet(data).rows] == rows
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"):
        assert not [cell for cell in row if cell[:1] in set("=+-@\t\r")]


def test_what_is_written_as_a_workbook_is_text() -> None:
    data = write_xlsx([("Poste", "Nom"), ("0098", "=1+1")], "Téléphones")
    assert read_sheet(data).rows[0].cells == ("0098", "=1+1")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert (sheet.title, sheet["B2"].data_type) == ("Téléphones", "s")
