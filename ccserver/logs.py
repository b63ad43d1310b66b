"""Structured logs: one line per fact, JSON or text, with the request id and linkedid of what is being done.

``bound(request_id=...)`` puts a value on every line of the current task and of those it starts. Values under
names that look secret are masked, whoever logged them.
"""

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import structlog
from structlog.typing import Processor

_SECRET_NAME = re.compile(
    r"passw|secret|token|cookie|authorization|credential|jwt|csrf|api_?key|private", re.IGNORECASE
)
_SECRET_IN_TEXT = re.compile(
    r"(?i)(bearer\s+|(?:password|secret|token|jwt|csrf)[\"']?\s*[=:]\s*[\"']?|://[^\s:/@]*:)([^\s\"'&,;@]+)"
)
_MASK = "***"


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: values under secret-looking names, and secret-looking pairs inside texts, become ``***``."""
    for name, value in event.items():
        event[name] = _masked(name, value)
    return event


@lru_cache(maxsize=4096)
def _looks_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(name, inner) for inner in value]
    if _looks_secret(name) and value not in (None, "", True, False):
        return _MASK
    if isinstance(value, str):
        return _SECRET_IN_TEXT.sub(lambda match: match[1] + _MASK, value)
    return value


def configure(log_format: str, level: str) -> None:
    """Set up logging for the whole process, libraries included. ``log_format``: json or text."""
    # No line of ours shows these, and each would be looked up for each line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    if log_format == "json":
        ending: list[Processor] = [
            structlog.processors.format_exc_info,
            mask_secrets,
            structlog.processors.JSONRenderer(),
        ]
    else:
        ending = [
            structlog.processors.format_exc_info,
            mask_secrets,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    structlog.configure(
        processors=[*shared[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These tell every step or request; ours tell what matters.
    for noisy in ("yoyo", "aiohttp.access", "asyncio", "panoramisk"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


@contextmanager
def bound(**values: str) -> Iterator[None]:
    """Put ``values`` (request_id, linkedid, ...) on each line logged inside the block."""
    with structlog.contextvars.bound_contextvars(**values):
        yield
