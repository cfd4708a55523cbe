"""How an entry script that may hold Blender ends: errors to exit statuses, and a safe way out."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from synrender.errors import UserError
from synrender.interrupts import EXIT_INTERRUPTED, STOPPED


def run_to_status(run: Callable[[], int]) -> int:
    """Runs a script's job; returns its exit status, 2 for a user's mistake, 1 for other trouble."""
    try:
        return run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"error: {error}; what is finished is valid, and the same command goes on from there",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return EXIT_INTERRUPTED


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Ends the process right after ``main``: at a normal exit Blender can crash, all work done."""
    try:
        status = main()
    except SystemExit as error:  # of argparse
        status = error.code if isinstance(error.code, int) else 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules:
        shutil.rmtree(sys.modules["bpy"].app.tempdir, ignore_errors=True)
    os._exit(status)
