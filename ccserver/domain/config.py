"""Asterisk's configuration as people see it: what is pending, what was applied, what is running now."""

from typing import Final, Literal
from uuid import UUID

import msgspec

StepState = Literal["pending", "running", "done", "failed", "skipped"]
Origin = Literal["page", "command", "automatic"]
RunAction = Literal["check", "apply", "rollback"]
RevisionResult = Literal["running", "applied", "refused", "rolled_back", "failed", "interrupted"]
Mode = Literal["automatic", "manual"]

TOPIC: Final = "config"
STATE_KEY: Final = "state"
"""The one row of the stream's topic: a ``ConfigState``."""

CHECK_STEPS: Final = ("plan", "stage", "rehearse")
APPLY_STEPS: Final = (*CHECK_STEPS, "back_up", "install", "reload", "verify")
ROLLBACK_STEPS: Final = ("back_up", "install", "reload", "verify")
UNDO_STEP: Final = "roll_back"
"""Added behind the others when a run that had begun to install puts everything back."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence as a code and its values, some of which are sentences themselves (``domain/config_words.py``)."""

    code: str
    params: "dict[str, str | Words]" = {}


class ConfigStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run. ``at``: epoch seconds of its last change of state.

    ``message``: in Asterisk's words, or ours in English; ``words``: the same by codes, a line each.
    """

    name: str
    state: StepState = "pending"
    at: float | None = None
    message: str = ""
    words: tuple[Words, ...] = ()


class ConfigRun(msgspec.Struct, frozen=True, kw_only=True):
    """A check, an apply or a rollback. ``result`` once it is over: a revision's, or unchanged, or checked.

    ``passing``: what stood in its way may pass (a full disk, a part that was away), nothing was refused.
    """

    id: str
    action: RunAction
    step: str
    steps: tuple[ConfigStep, ...]
    who: str
    origin: Origin
    started_at: float
    ended_at: float | None = None
    result: str = ""
    message: str = ""
    words: tuple[Words, ...] = ()
    revision: int | None = None
    passing: bool = False


class AppliedRevision(msgspec.Struct, frozen=True, kw_only=True):
    """What Asterisk runs on. ``at``: epoch seconds."""

    revision: int
    at: float
    who: str
    fingerprint: str


class ConfigState(msgspec.Struct, frozen=True, kw_only=True):
    """The whole picture in one row.

    ``configured``: whether this Asterisk is ours to configure. ``changes``: how many are not applied.
    ``fingerprint``: of what would be applied now; to be sent with an apply. ``held``: somebody went back to a former
    revision, so that automatic mode waits for a person; over as soon as Asterisk runs on what the database says.
    ``stuck``: what waits was tried by itself and did not succeed; ``retry_at`` (epoch seconds): tried again then,
    None when it was refused and waits for a change. ``run``: what runs, or ran last. ``restart_needed``: files that
    Asterisk reads only when it starts. ``left_out``: rows of the database that Asterisk cannot carry. ``problem``: why
    nothing can be planned. ``left_out_words`` and ``problem_words``: the same by codes, for pages of any language.
    """

    configured: bool = False
    mode: Mode = "manual"
    held: bool = False
    stuck: bool = False
    retry_at: float | None = None
    changes: int = 0
    fingerprint: str = ""
    restart_needed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    left_out_words: tuple[Words, ...] = ()
    problem: str = ""
    problem_words: tuple[Words, ...] = ()
    applied: AppliedRevision | None = None
    run: ConfigRun | None = None
    blind: bool = False


class ObjectChange(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One thing of the model that is not as it was when last applied."""

    kind: str
    name: str
    action: Literal["added", "removed", "changed", "edited"]
    fields: tuple[str, ...] = ()


class FileDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One file's unified diff, secrets masked. ``edited``: somebody changed it by hand since it was applied."""

    name: str
    diff: str
    edited: bool = False


class ConfigDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply would change."""

    fingerprint: str
    changes: tuple[ObjectChange, ...]
    files: tuple[FileDiff, ...]


class RevisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history. Instants are epoch seconds."""

    id: int
    at: float
    ended_at: float | None
    user_id: UUID | None
    who: str
    origin: Origin
    action: Literal["apply", "rollback"]
    fingerprint: str
    result: RevisionResult
    files: tuple[str, ...]
    message: str
    changes: int
    can_roll_back: bool
    words: tuple[Words, ...] = ()


class RevisionDetail(RevisionRow, frozen=True, kw_only=True):
    """The same with what it changed and how it went."""

    diff: str
    steps: tuple[ConfigStep, ...]
    objects: tuple[ObjectChange, ...]
