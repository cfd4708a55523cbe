"""How every command begins and ends: packages, folders, exit status, one line for an error."""

from __future__ import annotations

import argparse
import errno
import importlib.util
import io
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from synrender.blender.start import remove_scratch_folder
from synrender.errors import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_USER,
    CutShort,
    UserError,
    shorten,
    to_line,
)
from synrender.system.disk import FULL_DISK, find_full_disk
from synrender.system.folders import NO_DEFAULTS, PROJECT_DIR, Folders, find_folders, is_clone
from synrender.system.interrupts import (
    Resume,
    Terminated,
    add_resume,
    describe_stop,
    endings_interrupt,
    resumed,
)

BLENDER_PACKAGES = ("numpy", "gin")
"""Modules that every command imports; Blender's own Python may lack them."""

HOST_PACKAGES = (*BLENDER_PACKAGES, "h5py", "imageio", "kornia_rs", "PIL", "skimage")
MAX_LINE = 8000
"""Largest length of an error: that of two paths of the largest length."""

_PROJECTS = {"gin": "gin-config", "kornia_rs": "kornia-rs", "PIL": "pillow"}
_PROJECTS |= {"skimage": "scikit-image"}
"""Names of packages for pip, where they differ from those of their modules."""


@dataclass(frozen=True)
class Command:
    """What a command does."""

    parse: Callable[[list[str]], argparse.Namespace]
    run: Callable[[argparse.Namespace, Folders], int]  # returns the exit status
    packages: tuple[str, ...]  # modules that it imports
    find_resume: Callable[[argparse.Namespace], Resume] = lambda arguments: Resume.NOT
    is_requeued: bool = False  # ends with `EXIT_UNFINISHED` after SIGTERM, for batch systems


def choose_resume(is_resumable: bool, overwrite: bool) -> Resume:
    """How a command that was cut short is resumed; with ``--overwrite`` it would begin again."""
    if not is_resumable:
        return Resume.NOT
    return Resume.WITHOUT_OVERWRITE if overwrite else Resume.SAME


def refuse_with_shard(shard: str, is_given: bool, option: str) -> None:
    """Refuses an option that does not go together with ``--shard``.

    Raises:
        UserError: both are given.
    """
    if not (shard and is_given):
        return
    why = {
        "--overwrite": "shards would remove what others have rendered; choose another "
        "--dataset_name, or remove the data set's folder first",
        "--replay": "it renders one sample; leave --shard out",
        "--preview": "it shows samples of all shards; leave --shard out",
    }
    raise UserError(f"{option} with --shard {shorten(shard)}: {why[option]}")


def run_command(
    command: Command, argv: Sequence[str], defaults: Mapping[str, object] = NO_DEFAULTS
) -> int:
    """Runs a command in this process; returns the exit status and prints an error in one line.

    Args:
        command: to run.
        argv: its arguments, without the name of the script.
        defaults: of the folders, see `find_folders`.

    Raises:
        SystemExit: the arguments are wrong, or they ask for help.
    """
    arguments = command.parse(list(argv))
    resume = command.find_resume(arguments)
    with resumed(resume, command.is_requeued and resume is not Resume.NOT):
        return _run(command, arguments, defaults)


def _run(command: Command, arguments: argparse.Namespace, defaults: Mapping[str, object]) -> int:
    folder = None  # data folder, whose disk is named if it is full
    try:
        require_packages(command.packages)
        folders = find_folders(os.environ, defaults)
        folder = folders.data
        with endings_interrupt():
            return command.run(arguments, folders)
    except UserError as error:
        return _fail(str(error), EXIT_USER)
    except BrokenExecutor:
        memory = (
            "a process was killed, perhaps because there was not enough memory; try fewer --jobs"
        )
        return _fail(add_resume(memory), EXIT_FAILURE)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return _fail(f"{shorten(error)}: give a shorter name", EXIT_USER)
        full = find_full_disk(error, folder) if folder and error.errno in FULL_DISK else None
        is_cut_short = full or isinstance(error, CutShort)
        line = str(full or error)
        return _fail(add_resume(line) if is_cut_short else line, EXIT_FAILURE)
    except KeyboardInterrupt as error:
        print(describe_stop(), file=sys.stderr)
        return error.status if isinstance(error, Terminated) else EXIT_INTERRUPTED


def _fail(line: str, status: int) -> int:
    print(f"error: {to_line(line[:MAX_LINE])}", file=sys.stderr)
    return status


def run_script(command: Command, defaults: Mapping[str, object] = NO_DEFAULTS) -> NoReturn:
    """Runs a command with the arguments of this process, and ends the process at once.

    Blender can crash during a normal exit.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may be no valid text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = run_command(command, _find_arguments(), defaults)
    except SystemExit as error:
        status = _code_to_status(error.code)
    except BaseException:
        traceback.print_exc()
        status = EXIT_FAILURE
    sys.stdout.flush()
    sys.stderr.flush()
    remove_scratch_folder()
    if "synrender.system.workers" in sys.modules:
        sys.modules["synrender.system.workers"].remove_server_folder()
    os._exit(status)


def _code_to_status(code: object) -> int:
    """Exit status of a `SystemExit`, as Python defines it: a text is printed and means 1."""
    if code is None:
        return 0
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        return EXIT_FAILURE
    return code if 0 <= code <= 255 else EXIT_FAILURE


def _find_arguments() -> list[str]:
    """Arguments after ``--``; if there is no ``--``, all, or none in a Blender executable."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return [] if _is_blender() else sys.argv[1:]


def _is_blender() -> bool:
    """Whether a Blender executable runs this script; its arguments are then for Blender."""
    return "bpy" in sys.modules


# --- packages -------------------------------------------------------------------------------------


def require_packages(modules: Sequence[str]) -> None:
    """Raises UserError if this Python lacks packages; the line names them and the remedy."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if not missing:
        return
    projects = [_PROJECTS.get(name, name) for name in missing]
    lacks = f"this Python ({_find_python()}) lacks {', '.join(projects)}"
    ours = PROJECT_DIR / ".venv" / "bin" / "python"
    if _is_blender() or not is_clone():
        raise UserError(f"{lacks}: {_find_install_command(projects)}")
    if ours.exists() and Path(sys.prefix) != ours.parents[1]:
        activate = f"source {ours.with_name('activate')}"
        raise UserError(f"{lacks}; use {ours} instead, or type first: {activate}")
    raise UserError(f"{lacks}; type in {PROJECT_DIR}: make setup, then use {ours}")


def _find_python() -> str:
    """Path of the Python that runs this script."""
    # In a Linux distribution's Blender, sys.executable may not be the Python that it uses.
    python = Path(sys.prefix, "bin", "python{}.{}".format(*sys.version_info))
    return str(python if python.exists() else sys.executable)


def _find_install_command(projects: Sequence[str]) -> str:
    """Command that installs packages into the Python that runs this script."""
    python = f'"{_find_python()}"'
    is_managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    option = " --break-system-packages" if is_managed else ""
    install = f"{python} -m pip install{option} {' '.join(projects)}"
    if importlib.util.find_spec("pip") is None:
        get_pip = "apt-get install python3-pip" if is_managed else f"{python} -m ensurepip"
        return f"{get_pip} && {install}"
    return install
