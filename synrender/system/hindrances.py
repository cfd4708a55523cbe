"""What keeps a process from reading a file that may well be intact."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from synrender.errors import UserError

_OTHER_PROCESS = "another process has locked it; wait until it is closed there"
_NO_RIGHT = "this user may not read it; its owner can change that with chmod"
_NO_DISK = "its disk does not answer; repeat the command when it does"

_OF_FILES = {
    **dict.fromkeys((errno.EAGAIN, errno.EWOULDBLOCK), _OTHER_PROCESS),
    **dict.fromkeys((errno.EACCES, errno.EPERM), _NO_RIGHT),
    **dict.fromkeys((errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN), _NO_DISK),
}
_OF_PROCESSES = {
    errno.EMFILE: "this process has too many files open; allow more with: ulimit -n 4096",
    errno.ENFILE: "this machine has too many files open; end some processes",
}


class Hindrance(UserError):
    """A file cannot be read now; that says nothing of its content, nor of that of others."""

    def __init__(self, line: str, strerror: str) -> None:
        """Keeps the line for the user, and what the system says."""
        super().__init__(line, strerror)
        self.strerror = strerror

    def __str__(self) -> str:
        """The line for the user."""
        return self.args[0]


class Unreadable(Hindrance):
    """A hindrance of this file alone: others can be read."""


def find_hindrance(path: Path | str, error: BaseException) -> Hindrance | None:
    """What to raise for an error that is no fault of the file; None if it may be one."""
    number = find_errno(error)
    if number is None:
        return None
    for kind, rules in ((Unreadable, _OF_FILES), (Hindrance, _OF_PROCESSES)):
        if rule := rules.get(number):
            reason = os.strerror(number)
            return kind(f"{path}: cannot be read ({reason}): {rule}", reason)
    return None


def find_errno(error: BaseException) -> int | None:
    """The number that the system gave, also of HDF5's errors; None if there was none."""
    number = getattr(error, "errno", None)
    if number is None and (match := re.search(r"errno = (\d+)", str(error))):
        number = int(match[1])
    return number
