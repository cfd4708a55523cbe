"""What a user is told whose command was cut short: whether it goes on, and how."""

from __future__ import annotations

import contextlib
import contextvars
import enum
from collections.abc import Generator


class Resume(enum.Enum):
    """How a command that was cut short goes on."""

    NOT = ""
    SAME = "the same command goes on from"
    WITHOUT_OVERWRITE = "the same command without --overwrite goes on from"


_resume: contextvars.ContextVar[Resume] = contextvars.ContextVar("resume", default=Resume.NOT)
"""How the command goes on that runs in this process, if one does."""


@contextlib.contextmanager
def resumed(resume: Resume) -> Generator[None]:
    """Has what is said within be true of a command."""
    token = _resume.set(resume)
    try:
        yield
    finally:
        _resume.reset(token)


def add_resume(line: str) -> str:
    """A line on why the command ends early, and how it goes on, if it does."""
    how = _resume.get().value
    return f"{line}; what is finished is valid, and {how} there" if how else line


def describe_stop() -> str:
    """A line for who has stopped the command."""
    how = _resume.get().value
    return f"stopped; {how} here" if how else "stopped"
