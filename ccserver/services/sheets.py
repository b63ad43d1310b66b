"""Tables in files, as people keep them: CSV of any office program and XLSX, read with suspicion and written with care.

Everything here blocks and works on bytes from outside: call it in a thread. Whatever the bytes, the answer is rows of
text or Invalid on the field ``file``.
"""

import codecs
import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import openpyxl

from ccserver.domain.errors import FieldError, Invalid

CSV_TYPE: Final = "text/csv"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_MOST: Final = 2000
COLUMNS_MOST: Final = 60
CELL_MOST: Final = 1000
"""Signs of a cell that are looked at: longer ones are refused by their field's own limit."""
UNZIPPED_MOST: Final = 40 * 1024 * 1024
"""An XLSX of two thousand people unpacks to less than one megabyte."""
_SCANNED_MOST: Final = 20 * ROWS_MOST
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_DELIMITERS: Final = (";", ",", "\t")
_SPACES: Final = " \t\u00a0\u202f\u2007\ufeff"
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_SHIELDED: Final = re.compile(r"'(?=[=+\-@\t\r])")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: the line of the file where it begins, and its cells, as many as there are headers."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its headers as they are written, and its rows that are not empty."""

    headers: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def read_sheet(data: bytes) -> Sheet:
    """The table in ``data``, whatever its kind claims to be. Raises Invalid on ``file``.

    Codes: file_empty, file_old_excel, file_unreadable, file_encoding, file_too_large, too_many_rows, too_many_columns.
    """
    if data.startswith(_OLD_EXCEL):
        raise _wrong("file_old_excel")
    lines = _xlsx_lines(data) if data.startswith(_ZIP) else _csv_lines(data)
    headers: tuple[str, ...] | None = None
    rows: list[SheetRow] = []
    for line, cells in lines:
        if not any(cells):
            continue
        if headers is None:
            headers = _headers(cells)
            continue
        if len(rows) == ROWS_MOST:
            raise _wrong("too_many_rows", maximum=str(ROWS_MOST))
        width = len(headers)
        rows.append(SheetRow(line, (*cells[:width], *("",) * (width - len(cells)))))
    if headers is None:
        raise _wrong("file_empty")
    return Sheet(headers, tuple(rows))


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV that a French Excel opens by a double click: semicolons, and a mark that says UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(
        [shielded(c) for c in row] for row in rows
    )
    return codecs.BOM_UTF8 + text.getvalue().encode()


def write_xlsx(rows: Iterable[Sequence[str]], title: str) -> bytes:
    """A workbook of one sheet whose cells are all text: an extension keeps its zeros."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title[:31]
    for number, row in enumerate(rows, start=1):
        for place, value in enumerate(row, start=1):
            cell = sheet.cell(row=number, column=place, value=value)
            cell.data_type = "s"
            cell.number_format = "@"
            sheet.column_dimensions[cell.column_letter].width = 22
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def shielded(cell: str) -> str:
    """A cell that no office program takes for a formula; ``read_sheet`` takes the shield off again."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _headers(cells: Sequence[str]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > COLUMNS_MOST:
        raise _wrong("too_many_columns", maximum=str(COLUMNS_MOST))
    return tuple(cells)


def _cell(text: str) -> str:
    return _SHIELDED.sub("", text.strip(_SPACES + "\r\n"), count=1)[:CELL_MOST]


def _csv_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(data)
    first, _, rest = text.partition("\n")
    skipped = 0
    delimiter = ""
    if re.fullmatch(r"sep=.\r?", first):  # Excel's own way to name the delimiter
        delimiter, text, skipped = first[4], rest, 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
    line = skipped + 1
    try:
        for cells in reader:
            yield line, [_cell(cell) for cell in cells]
            line = skipped + reader.line_num + 1
    except csv.Error:
        raise _wrong("file_unreadable") from None


def _delimiter(text: str) -> str:
    """The one that stands most often in the first line that says anything, outside quotation marks."""
    first = next((line for line in text.splitlines() if line.strip(_SPACES + ";,")), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=bare.count)


def _decoded(data: bytes) -> str:
    """Text in the encodings in which offices write: marked or plain UTF-8, UTF-16, Windows-1252."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode(data, "utf-16")
    if b"\x00" in data[:2]:
        # One byte of a Latin letter in UTF-16 is zero, the first one when the high byte leads.
        return _decode(data, "utf-16-be" if data[:1] == b"\x00" else "utf-16-le")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decode(data, "cp1252")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise _wrong("file_encoding") from None


def _xlsx_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from _workbook_lines(data)
    except Invalid:
        raise
    except Exception:
        # A zip of anything: what zipfile, expat and openpyxl raise on it is no finite list.
        raise _wrong("file_unreadable") from None


def _workbook_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # zipfile never unpacks more of a member than its entry here says.
        if sum(member.file_size for member in archive.infolist()) > UNZIPPED_MOST:
            raise _wrong("file_too_large")
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a program claimed about its size is not believed
        for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            if line > _SCANNED_MOST:
                raise _wrong("too_many_rows", maximum=str(ROWS_MOST))
            yield line, [_cell(_text(value)) for value in values[: COLUMNS_MOST + 1]]
    finally:
        book.close()


def _text(value: Any) -> str:
    """A cell as people see it: 1001.0 is an extension, not a fraction."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _wrong(code: str, **params: str) -> Invalid:
    return Invalid(FieldError("file", code, tuple(params.items())))
