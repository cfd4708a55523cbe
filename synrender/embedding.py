"""Readies the process for Blender before ``bpy`` is imported for the first time."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import sys
from pathlib import Path

from synrender.errors import UserError


def prepare_blender(home: Path) -> None:
    """Starts Blender if it is not there, with all its own folders inside ``home``.

    Blender (the wheel too) makes folders for thumbnails, settings and scratch files as it starts.
    A Blender executable has made them before it runs our code; whoever starts one can pass the
    same variables, see `blender_environment`.

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
        import bpy  # noqa: F401, TID251  (starting it is the point)
    except ImportError as error:
        raise UserError(
            f"the bpy wheel does not load ({error}): 'make setup' installs the system libraries "
            "that it needs, or prints the command for it"
        ) from None


def blender_environment(home: Path) -> dict[str, str]:
    """Environment variables that keep Blender's own folders inside ``home``; makes them."""
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
    """Whether Eevee can run without a display; without libEGL the wheel aborts the process."""
    return ctypes.util.find_library("EGL") is not None
