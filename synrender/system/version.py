"""The version of this program."""

from __future__ import annotations

import subprocess

import synrender
from synrender.system.folders import PROJECT_DIR


def find_program_version() -> str:
    """Version of this program, with the git commit if it runs from a clone."""
    if not (PROJECT_DIR / ".git").exists():  # do not use an outer repository's commit
        return synrender.__version__
    command = ["git", "-C", str(PROJECT_DIR), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return synrender.__version__
    return f"{synrender.__version__}+{commit}"
