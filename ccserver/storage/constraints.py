"""What PostgreSQL refuses, told as domain errors: the name of a constraint is the whole truth of a clash.

Nothing is selected before it is inserted: two requests at the same instant would both find nothing.
"""

import asyncpg

from ccserver.domain.errors import Conflict, DomainError, FieldError, Invalid

_TAKEN: dict[str, tuple[str, str]] = {
    "tenants_slug_unique": ("slug", "slug_taken"),
    "sites_slug_unique": ("slug", "slug_taken"),
    "sites_name_unique": ("name", "name_taken"),
    "users_login_unique": ("login", "login_taken"),
    "phones_extension_unique": ("extension", "extension_taken"),
    "phones_user_unique": ("user_id", "phone_exists"),
    "trunks_slug_unique": ("slug", "slug_taken"),
    "trunks_address_unique": ("host", "address_taken"),
    "trunks_account_unique": ("username", "account_taken"),
    "trunk_networks_overlap": ("addresses", "addresses_overlap"),
    "dids_number_unique": ("number", "number_taken"),
    "schedules_name_unique": ("name", "name_taken"),
    "routes_unique": ("routes", "route_twice"),
}

_UNKNOWN: dict[str, str] = {
    "users_site_fkey": "site_id",
    "phones_site_fkey": "site_id",
    "user_sites_site_fkey": "site_ids",
    "trunks_site_fkey": "site_id",
    "dids_site_fkey": "site_id",
    "dids_user_fkey": "user_id",
    "dids_phone_fkey": "opened.phone_id",
    "dids_closed_user_fkey": "closed.user_id",
    "dids_closed_phone_fkey": "closed.phone_id",
    "dids_unanswered_user_fkey": "unanswered.user_id",
    "dids_unanswered_phone_fkey": "unanswered.phone_id",
    "dids_schedule_fkey": "schedule_id",
    "routes_site_fkey": "site_id",
    "routes_trunk_fkey": "routes",
}


def domain_error(error: asyncpg.IntegrityConstraintViolationError) -> DomainError | None:
    """The domain error that a violated constraint stands for, None when no caller could mend it."""
    name = error.constraint_name or ""
    if name in _TAKEN:
        field, code = _TAKEN[name]
        return Conflict(code, field=field)
    if name in _UNKNOWN:
        return Invalid(FieldError(_UNKNOWN[name], "unknown"))
    return None
