"""Prepares the process for Blender before ``bpy`` is imported for the first time.

Whatever the user's environment holds, pixels are the same: the variables that Blender and its
libraries read are removed.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from synrender.errors import UserError

READ_BY_BLENDER = (
    *("BLENDER_", "CYCLES_"),
    *("OCIO", "OIDN_", "OIIO_", "OPENIMAGEIO_", "OSL_", "EMBREE_", "PXR_", "USD"),  # its libraries
    *("MESA_", "GALLIUM_", "LP_", "LIBGL_ALWAYS_", "__GL_"),  # drivers of OpenGL, for Eevee
)
"""Beginnings of the names of environment variables that can change pixels.

Those that say where a driver is, or which GPUs there are, stay.
"""


def prepare_blender(home: Path, scratch: Path | None = None) -> None:
    """Imports ``bpy`` if that is not done yet, with all of Blender's folders inside ``home``.

    Blender (the wheel too) creates folders for thumbnails, settings and scratch files when it
    starts; scratch files may go elsewhere. A Blender executable creates them before it runs our
    code; to move these as well, start it with the environment of `create_environment`.

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
    for name in os.environ.keys() - drop_blender_variables(os.environ):
        del os.environ[name]
    os.environ.update(blender_environment(home, scratch))
    try:
        import bpy  # noqa: F401  (the import starts Blender)
    except ImportError as error:
        raise UserError(
            f"the bpy wheel cannot be loaded ({error}): 'make setup' installs the system libraries "
            "that it needs, or prints the command for it"
        ) from None


def drop_blender_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the variables that can change pixels."""
    return {k: v for k, v in environment.items() if not k.startswith(READ_BY_BLENDER)}


def create_environment(home: Path, scratch: Path | None = None) -> dict[str, str]:
    """Environment for a Blender executable; for its folders see `prepare_blender`."""
    return {**drop_blender_variables(os.environ), **blender_environment(home, scratch)}


def restart_if_influenced() -> None:
    """Starts the Blender executable that runs this script again, without what can change pixels.

    It read the variables before it ran our code. Returns only if there are none of them.
    """
    kept = drop_blender_variables(os.environ)
    if "bpy" in sys.modules and kept != dict(os.environ):
        remove_scratch_folder()
        sys.stdout.flush()
        os.execve(sys.modules["bpy"].app.binary_path, sys.argv, kept)


def remove_scratch_folder() -> None:
    """Removes the scratch folder of this process's Blender, which it keeps unless it ends normally.

    A Blender that could make no folder of its own (``blender_`` and six letters) names one that
    others use, such as ``/tmp``; that one stays.
    """
    folder = Path(sys.modules["bpy"].app.tempdir) if "bpy" in sys.modules else Path()
    if folder.name.startswith("blender_"):
        shutil.rmtree(folder, ignore_errors=True)


def blender_environment(home: Path, scratch: Path | None = None) -> dict[str, str]:
    """Creates Blender's folders in ``home``; returns environment variables that name them."""
    folders = {
        "BLENDER_USER_RESOURCES": home / "user",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "TMPDIR": scratch or home / "tmp",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {name: str(folder) for name, folder in folders.items()}


def has_egl() -> bool:
    """Whether libEGL is installed: Eevee in the bpy wheel aborts the process without it."""
    return ctypes.util.find_library("EGL") is not None
