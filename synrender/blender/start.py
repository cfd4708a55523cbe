"""Prepares the process for Blender before ``bpy`` is imported for the first time."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import sys
from pathlib import Path

from synrender.errors import UserError


def prepare_blender(home: Path) -> None:
    """Imports ``bpy`` if that is not done yet, with all of Blender's folders inside ``home``.

    Blender (the wheel too) creates folders for thumbnails, settings and scratch files when it
    starts. A Blender executable creates them before it runs our code; to move these as well, start
    it with the variables of `blender_environment`.

    Raises:
        UserError: this Python has no ``bpy``.
    """
    if "bpy" in sys.modules:
        return
    if importlib.util.find_spec("bpy") is None:
        raise UserError(
            f"{sys.executable} has no Blender (the bpy wheel): run 'make setup' and use "
            ".venv/bin/python, or 'blender --background --python render.py -- ARGS'"
        )
    os.environ.update(blender_environment(home))
    try:
        import bpy  # noqa: F401  (the import starts Blender)
    except ImportError as error:
        raise UserError(
            f"the bpy wheel cannot be loaded ({error}): 'make setup' installs the system libraries "
            "that it needs, or prints the command for it"
        ) from None


def blender_environment(home: Path) -> dict[str, str]:
    """Creates Blender's folders in ``home``; returns environment variables that name them."""
    folders = {
        "BLENDER_USER_RESOURCES": home / "user",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "TMPDIR": home / "tmp",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {name: str(folder) for name, folder in folders.items()}


def has_egl() -> bool:
    """Whether libEGL is installed: Eevee in the bpy wheel aborts the process without it."""
    return ctypes.util.find_library("EGL") is not None
