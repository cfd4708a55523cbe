"""Shared by all scripts: argument types, exit statuses, and a safe end of the process."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import NoReturn

from synrender.errors import UserError, shorten
from synrender.settings.bounds import MAX_SAMPLES
from synrender.system.disk import FULL_DISK, find_full_disk
from synrender.system.interrupts import EXIT_INTERRUPTED, STOPPED

EXIT_FAILURE, EXIT_USER = 1, 2
"""Exit statuses: a failure that the user did not cause (such as a full disk); a user's mistake."""

RESUME_HINT = "what is finished is valid, and the same command goes on from there"

# --- arguments ------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(EXIT_USER, f"error: {message}; --help explains the arguments\n")


def create_parser(prog: str, description: str | None, epilog: str) -> argparse.ArgumentParser:
    """A parser whose help keeps the line breaks of description and epilog."""
    return _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_gin_arguments(add: Callable[..., object], gin_config: str, gin_param: str) -> None:
    """Adds ``-g`` and ``-p``, of which all count that are given.

    Args:
        add: ``add_argument`` of a parser or of a group.
        gin_config: help of ``-g``.
        gin_param: help of ``-p``.
    """
    for flag, name, metavar, text in (
        ("-g", "--gin_config", "NAME", gin_config),
        ("-p", "--gin_param", "BINDING", gin_param),
    ):
        add(flag, name, nargs="+", action="extend", default=[], metavar=metavar, help=text)


def whole_number(low: int, high: int = MAX_SAMPLES) -> Callable[[str], int]:
    """Argument type: a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shorten(text)!r}: must be a whole number") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{text}: must be at least {low}")
        if value > high:
            raise argparse.ArgumentTypeError(f"{text}: must be at most {high}")
        return value

    return parse


def positive_or_zero(high: float) -> Callable[[str], float]:
    """Argument type: a number from 0 to ``high``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shorten(text)!r}: must be a number") from None
        if not 0 <= value <= high:  # not a number is neither
            raise argparse.ArgumentTypeError(f"{text}: must be a number from 0 to {high:,.10g}")
        return value

    return parse


# --- exit -----------------------------------------------------------------------------------------


def run_to_status(run: Callable[[], int], folder: Path | None = None) -> int:
    """Runs a script's job; returns the exit status and prints errors in one line.

    Args:
        run: the job.
        folder: that it writes to; its disk is named if it is full.
    """
    try:
        return run()
    except UserError as error:
        return _fail(str(error), EXIT_USER)
    except BrokenExecutor:
        memory = "a process was killed, perhaps because memory ran out; try fewer --jobs"
        return _fail(f"{memory}; {RESUME_HINT}", EXIT_FAILURE)
    except OSError as error:
        full = find_full_disk(error, folder) if folder and error.errno in FULL_DISK else None
        return _fail(f"{full or error}; {RESUME_HINT}", EXIT_FAILURE)
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return EXIT_INTERRUPTED


def _fail(line: str, status: int) -> int:
    print(f"error: {line}", file=sys.stderr)
    return status


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Runs ``main`` and ends the process at once: Blender can crash during a normal exit."""
    try:
        status = main()
    except SystemExit as error:  # from argparse
        status = error.code if isinstance(error.code, int) else 0
    except BaseException:
        traceback.print_exc()
        status = EXIT_FAILURE
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules:
        shutil.rmtree(sys.modules["bpy"].app.tempdir, ignore_errors=True)
    os._exit(status)
