"""Rows of the topics ``users``, ``sites`` and ``me``, the same over HTTP: one struct per thing.

``version`` (``domain/version.py``) tells the states of a row apart: who edits it sends it back in ``If-Match``.
"""

from uuid import UUID

import msgspec

from ccserver.domain.directory import RING_SECONDS, Destination
from ccserver.domain.schedule import Opening, SpecialDay


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """One user. ``site_ids``: a supervisor's scope, empty for every site. Instants are epoch seconds, UTC.

    ``station``: softphone, browser or mobile; "" without a phone. ``mobile``: E.164, for that station only.
    """

    id: UUID
    login: str
    first_name: str
    last_name: str
    name: str
    email: str
    role: str
    site_id: UUID | None
    site_ids: tuple[UUID, ...]
    extension: str
    phone_id: UUID | None
    station: str
    mobile: str
    locale: str
    active: bool
    must_change_password: bool
    last_login_at: float | None
    created_at: float
    version: str = ""


class SiteRow(msgspec.Struct, frozen=True, kw_only=True, tag="site", tag_field="kind"):
    """One site: ``zone`` IANA, ``country`` ISO alpha-2, ``caller_id`` E.164 or empty; the rest as in ``Site``."""

    id: UUID
    slug: str
    name: str
    zone: str
    country: str
    caller_id: str
    area: str = ""
    subnets: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    allowed_prefixes: tuple[str, ...] = ()
    version: str = ""


class TrunkRow(msgspec.Struct, frozen=True, kw_only=True, tag="trunk", tag_field="kind"):
    """One trunk of a site; the lowest ``priority`` is tried first. Its secret is never told, only whether it has one.

    ``host`` is an IP address or a host name, ``addresses`` are further networks whose traffic is this trunk's.
    """

    id: UUID
    site_id: UUID
    slug: str
    host: str
    port: int
    codecs: tuple[str, ...]
    priority: int
    name: str = ""
    preset: str = "generic"
    mode: str = "peer"
    transport: str = "udp"
    username: str = ""
    has_secret: bool = False
    from_domain: str = ""
    addresses: tuple[str, ...] = ()
    number_format: str = "national"
    dial_prefix: str = ""
    qualify_seconds: int = 10
    active: bool = True
    version: str = ""


class DidRow(msgspec.Struct, frozen=True, kw_only=True, tag="did", tag_field="kind"):
    """One number that outside callers dial, E.164, and where its callers go while it is opened and closed.

    ``unanswered``: where they go when nobody has answered after ``ring_seconds``. ``user_id`` is that of ``opened``.
    """

    id: UUID
    site_id: UUID
    number: str
    user_id: UUID | None
    label: str
    schedule_id: UUID | None = None
    opened: Destination = Destination()
    closed: Destination = Destination()
    unanswered: Destination = Destination()
    ring_seconds: int = RING_SECONDS
    version: str = ""


class ScheduleRow(msgspec.Struct, frozen=True, kw_only=True, tag="schedule", tag_field="kind"):
    """Opening hours in their own ``zone``. ``open_now``: as of the moment when the row was told."""

    id: UUID
    name: str
    zone: str
    holidays: str
    hours: tuple[Opening, ...]
    exceptions: tuple[SpecialDay, ...]
    open_now: bool
    version: str = ""


class RouteRow(msgspec.Struct, frozen=True, kw_only=True, tag="route", tag_field="kind"):
    """Calls of a site to numbers that begin with ``prefix`` (E.164; "" for all) may leave by this trunk."""

    id: UUID
    site_id: UUID
    trunk_id: UUID
    prefix: str
    priority: int


class MeNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What a user's own pages are told (topic ``me``, key = session id, or user id for ``profile``).

    ``kind`` session_ended: that session is over because of ``reason`` (session_replaced, signed_out,
    password_changed, password_reset, deactivated, token_reused, role_changed). ``kind`` profile: something of
    the user changed, read /api/me again.
    """

    kind: str
    user_id: UUID
    session_id: UUID | None
    reason: str
    at: float
