"""How every script begins and ends: its arguments' types, its exit status, and a safe way out."""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import NoReturn

from synrender.errors import UserError
from synrender.interrupts import EXIT_INTERRUPTED, STOPPED

EXIT_TROUBLE, EXIT_USER = 1, 2
"""Exit statuses: trouble that is nobody's mistake (a full disk, say), and a user's mistake."""

GOES_ON = "what is finished is valid, and the same command goes on from there"

# --- arguments ------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, as all scripts do."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(EXIT_USER, f"error: {message}; --help explains the arguments\n")


def create_parser(prog: str, description: str | None, epilog: str) -> argparse.ArgumentParser:
    """A parser whose help shows description and epilog as they are written."""
    return _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def whole_number(low: int) -> Callable[[str], int]:
    """Type of an argument: a whole number of at least ``low``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{text}: must be at least {low}")
        return value

    return parse


def positive_or_zero(text: str) -> float:
    """Type of an argument: a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number") from None
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text}: must be a number of at least 0")
    return value


# --- the end --------------------------------------------------------------------------------------


def run_to_status(run: Callable[[], int]) -> int:
    """Runs a script's job; returns its exit status and says in one line what went wrong."""
    try:
        return run()
    except UserError as error:
        return _fail(str(error), EXIT_USER)
    except BrokenExecutor:
        memory = "a process was killed, perhaps for want of memory; try fewer --jobs"
        return _fail(f"{memory}; {GOES_ON}", EXIT_TROUBLE)
    except OSError as error:
        return _fail(f"{error}; {GOES_ON}", EXIT_TROUBLE)
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return EXIT_INTERRUPTED


def _fail(line: str, status: int) -> int:
    print(f"error: {line}", file=sys.stderr)
    return status


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Ends the process right after ``main``: at a normal exit Blender can crash, all work done."""
    try:
        status = main()
    except SystemExit as error:  # of argparse
        status = error.code if isinstance(error.code, int) else 0
    except BaseException:
        traceback.print_exc()
        status = EXIT_TROUBLE
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules:
        shutil.rmtree(sys.modules["bpy"].app.tempdir, ignore_errors=True)
    os._exit(status)
