"""Imports of users and physical phones from files, and the templates to fill in."""

import asyncio
from typing import Literal
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct

from ccserver.domain.access import Ability, Actor
from ccserver.services.imports import BYTES_MOST, ImportReport
from ccserver.services.sheets import CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from ccserver.web import keys
from ccserver.web.decoding import Body
from ccserver.web.i18n import N_
from ccserver.web.problem import tell_field
from ccserver.web.route import Route

UPLOADS = (CSV_TYPE, XLSX_TYPE, "application/vnd.ms-excel", "application/octet-stream")
"""Browsers of machines with an Excel call a CSV its file; what it is, is seen from its bytes."""

_USER_HEADERS = {
    "login": N_("Login"),
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "email": N_("Email"),
    "role": N_("Role"),
    "site": N_("Site"),
    "extension": N_("Extension"),
    "station": N_("Station"),
    "mobile": N_("Mobile"),
}
_USER_EXAMPLE = {
    "login": "anna.lenoir",
    "first_name": "Anna",
    "last_name": "Lenoir",
    "email": "anna.lenoir@example.org",
    "role": N_("agent"),
    "site": "paris",
    "extension": "1001",
    "station": "softphone",
    "mobile": "",
}
_PHONE_HEADERS = {"site": N_("Site"), "extension": N_("Extension"), "label": N_("Label")}
_PHONE_EXAMPLE = {"site": "paris", "extension": "1801", "label": N_("Meeting room")}


class ImportQuery(Body, frozen=True, kw_only=True):
    """``dry_run``: look only, and change nothing."""

    dry_run: bool = False


class TemplateQuery(Body, frozen=True, kw_only=True):
    """csv opens in every office program by a double click, xlsx keeps leading zeros."""

    format: Literal["csv", "xlsx"] = "csv"


class ImportColumn(Struct, frozen=True, kw_only=True):
    """A column as the file heads it, and the field that it fills: "" for one that is not read."""

    name: str
    field: str


class CellError(Struct, frozen=True, kw_only=True):
    """A wrong cell: the line of the file, the field, a stable code, a sentence."""

    line: int
    field: str
    code: str
    message: str


class ImportCredential(Struct, frozen=True, kw_only=True):
    """What to hand to one person or to type into one phone, this once; "" for what there is not."""

    line: int
    name: str
    login: str
    password: str
    extension: str
    sip_secret: str


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """What was found: everything is made, or, with any error or on a dry run, nothing."""

    total: int
    valid: int
    created: int
    errors: tuple[CellError, ...]
    columns: tuple[ImportColumn, ...]
    credentials: tuple[ImportCredential, ...]


async def import_users(request: web.Request, actor: Actor, query: ImportQuery, data: bytes) -> ImportAnswer:
    report = await request.app[keys.IMPORTS].import_users(
        actor, data, locale=actor.locale, dry_run=query.dry_run
    )
    return _answer(request, report)


async def import_phones(request: web.Request, actor: Actor, query: ImportQuery, data: bytes) -> ImportAnswer:
    return _answer(request, await request.app[keys.IMPORTS].import_phones(actor, data, dry_run=query.dry_run))


async def users_template(request: web.Request, _actor: Actor, query: TemplateQuery) -> web.Response:
    return await _template(request, query.format, N_("Users"), _USER_HEADERS, _USER_EXAMPLE)


async def phones_template(request: web.Request, _actor: Actor, query: TemplateQuery) -> web.Response:
    return await _template(request, query.format, N_("Phones"), _PHONE_HEADERS, _PHONE_EXAMPLE)


def _answer(request: web.Request, report: ImportReport) -> ImportAnswer:
    catalogues, locale = request.app[keys.CATALOGUES], keys.locale_of(request)
    told = ((found.line, tell_field(found.error, catalogues, locale)) for found in report.errors)
    return ImportAnswer(
        total=report.total,
        valid=report.valid,
        created=report.created,
        errors=tuple(
            CellError(line=line, field=one.field, code=one.code, message=one.message) for line, one in told
        ),
        columns=tuple(ImportColumn(name=column.name, field=column.field) for column in report.columns),
        credentials=tuple(
            ImportCredential(
                line=one.line,
                name=one.name,
                login=one.login,
                password=one.password,
                extension=one.extension,
                sip_secret=one.sip_secret,
            )
            for one in report.credentials
        ),
    )


async def _template(
    request: web.Request, kind: str, title: str, headers: dict[str, str], example: dict[str, str]
) -> web.Response:
    catalogues, locale = request.app[keys.CATALOGUES], keys.locale_of(request)
    rows = [
        [catalogues.say(locale, text) for text in headers.values()],
        # gettext's own header is what the empty sentence translates to.
        [catalogues.say(locale, text) if text else "" for text in example.values()],
    ]
    name = catalogues.say(locale, title)
    if kind == "csv":
        data, content_type = write_csv(rows), CSV_TYPE
    else:
        data, content_type = await asyncio.to_thread(write_xlsx, rows, name), XLSX_TYPE
    return web.Response(
        body=data,
        content_type=content_type,
        charset="utf-8" if kind == "csv" else None,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.{kind}"},
    )


ROUTES = (
    Route(
        "GET",
        "/api/users/import-template",
        users_template,
        ability=Ability.MANAGE_USERS,
        query=TemplateQuery,
        content_type=CSV_TYPE,
        other_types=(XLSX_TYPE,),
        summary="A table of users to fill in (text/csv or a workbook)",
    ),
    Route(
        "POST",
        "/api/users/import",
        import_users,
        ability=Ability.MANAGE_USERS,
        query=ImportQuery,
        upload=UPLOADS,
        body_limit=BYTES_MOST,
        returns=ImportAnswer,
        summary="Create users from a file (CSV or XLSX), all or none; their secrets are shown once",
    ),
    Route(
        "GET",
        "/api/phones/import-template",
        phones_template,
        ability=Ability.MANAGE_SITES,
        query=TemplateQuery,
        content_type=CSV_TYPE,
        other_types=(XLSX_TYPE,),
        summary="A table of physical phones to fill in (text/csv or a workbook)",
    ),
    Route(
        "POST",
        "/api/phones/import",
        import_phones,
        ability=Ability.MANAGE_SITES,
        query=ImportQuery,
        upload=UPLOADS,
        body_limit=BYTES_MOST,
        returns=ImportAnswer,
        summary="Create physical phones from a file (CSV or XLSX), all or none; their secrets are shown once",
    ),
)
