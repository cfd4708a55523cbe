"""Errors that are not bugs: a user's mistake, a run cut short, an unusable model or texture."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_FAILURE, EXIT_USER, EXIT_UNFINISHED, EXIT_INTERRUPTED = 1, 2, 75, 130
"""Exit statuses, besides 0 if all is done.

1: a failure that the user did not cause (such as a full disk), or a check that failed. 2: a user's
mistake. 75: rendering was asked to stop, by SIGTERM, before it was finished; the same command goes
on from there (``EX_TEMPFAIL`` of sysexits.h). 130: Ctrl-C (128 plus the number of SIGINT, as in
shells). Other commands that a signal of a batch system or a terminal ends: 128 plus its number.
"""

MAX_COMPARED = 200
"""Letters of a name that are compared with others; a text of a megabyte would take for ever."""


class UserError(Exception):
    """A mistake that the user can fix: one line with the value, the rule and the remedy.

    Commands print it without a traceback and exit with status 2.
    """


class CutShort(OSError):
    """Something outside ended the work early, such as a full disk; what is finished is valid."""


class RejectedAsset(Exception):
    """A model or texture that cannot be used; the message is the recorded reason."""


def nearest_name(name: str, valid_names: Iterable[str]) -> str:
    """Suggests a valid name: ``"; did you mean 'chair'?"``, or lists up to 20 of them."""
    valid_names = sorted(valid_names)
    begun = [valid for valid in valid_names if name and valid.startswith(name)]
    close = begun[:1] or difflib.get_close_matches(
        name[:MAX_COMPARED], valid_names, n=1, cutoff=0.5
    )
    if close:
        return f"; did you mean {shorten(close[0])!r}?"
    return f"; valid: {', '.join(map(shorten, valid_names[:20]))}" if valid_names else ""


def shorten(value: object, max_length: int = 60) -> str:
    """Text of a value in one line; a long one is cut, and what cannot be shown is escaped."""
    text = " ".join(str(value).split())
    line = to_line(text[: max_length + 1])
    return line if len(line) <= max_length else f"{line[:max_length]}..."


def to_line(text: str) -> str:
    r"""A text in one line: what cannot be shown is escaped, a line break as ``\n``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
