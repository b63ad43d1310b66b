"""Who may do and see what: roles, abilities, and the scope of streamed rows."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """The four roles, from narrow to wide."""

    AGENT = "AGENT"
    SUPERVISOR = "SUPERVISOR"
    ADMIN = "ADMIN"
    SUPER_ADMIN = "SUPER_ADMIN"


class Ability(StrEnum):
    """What a route or a command asks of its caller."""

    PUBLIC = "public"  # nobody needs to be logged in
    SESSION = "session"  # logged in, even with a password that must be changed first
    USE = "use"  # any role, password in order
    CALL = "call"  # place and end own calls
    SEE_BOARD = "see_board"
    SEE_HISTORY = "see_history"
    MANAGE_USERS = "manage_users"
    MANAGE_SITES = "manage_sites"
    SEE_SYSTEM = "see_system"
    MANAGE_PBX = "manage_pbx"  # look at and apply the configuration of Asterisk


_AGENT = frozenset({Ability.USE, Ability.CALL, Ability.SEE_HISTORY})
_SUPERVISOR = _AGENT | {Ability.SEE_BOARD}
_ADMIN = _SUPERVISOR | {
    Ability.MANAGE_USERS,
    Ability.MANAGE_SITES,
    Ability.SEE_SYSTEM,
    Ability.MANAGE_PBX,
}

ABILITIES: dict[Role, frozenset[Ability]] = {
    Role.AGENT: _AGENT,
    Role.SUPERVISOR: _SUPERVISOR,
    Role.ADMIN: _ADMIN,
    Role.SUPER_ADMIN: _ADMIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: the logged-in user as every service and the stream's hub sees them.

    ``site_ids`` is None when the user sees every site of the tenant (ADMIN, or a SUPERVISOR without a list).
    """

    user_id: UUID
    tenant_id: UUID
    role: Role
    login: str
    session_id: UUID
    site_ids: frozenset[UUID] | None = None
    must_change_password: bool = False
    locale: str = "fr"

    def may(self, ability: Ability) -> bool:
        """Whether this actor has the ability; a password to be changed leaves only PUBLIC and SESSION."""
        if ability in (Ability.PUBLIC, Ability.SESSION):
            return True
        return not self.must_change_password and ability in ABILITIES[self.role]


def may_grant(actor: Role, granted: Role) -> bool:
    """Whether a user of role ``actor`` may create or edit users of role ``granted``: never above oneself."""
    order = list(Role)
    return actor in (Role.ADMIN, Role.SUPER_ADMIN) and order.index(granted) <= order.index(actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a row belongs: nothing leaves the hub without passing ``sees``.

    ``tenant_id`` None means a row about the system (links, health) that holds nobody's data.
    ``user_id`` is the agent a row is about.
    """

    tenant_id: UUID | None
    site_id: UUID | None = None
    user_id: UUID | None = None


TOPIC_ABILITY: dict[str, Ability] = {
    "agents": Ability.USE,
    "calls": Ability.USE,
    "history": Ability.SEE_HISTORY,
    "links": Ability.USE,
    "users": Ability.MANAGE_USERS,
    "sites": Ability.MANAGE_SITES,
    "phones": Ability.MANAGE_SITES,
    "stations": Ability.MANAGE_SITES,
    "config": Ability.MANAGE_PBX,
    "me": Ability.SESSION,
}
"""Every topic of the stream and the ability that subscribing needs; an unknown topic is refused."""


def sees(actor: Actor, topic: str, scope: Scope) -> bool:
    """Whether ``actor`` may see a row of ``topic`` with this ``scope``. Pure, total, tested per topic."""
    ability = TOPIC_ABILITY.get(topic)
    if ability is None or not actor.may(ability):
        return False
    if topic == "me":
        return scope.user_id == actor.user_id and scope.tenant_id == actor.tenant_id
    if scope.tenant_id is None:
        return True
    if scope.tenant_id != actor.tenant_id:
        return actor.role is Role.SUPER_ADMIN
    if actor.role is Role.AGENT:
        return scope.user_id == actor.user_id
    if actor.site_ids is None:
        return True
    return scope.site_id is not None and scope.site_id in actor.site_ids
