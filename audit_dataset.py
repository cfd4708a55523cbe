"""Checks a data set against an independent ray caster; see ``--help``."""

from __future__ import annotations

import paths
from synrender.cli.audit import COMMAND
from synrender.cli.script import run_script

if __name__ == "__main__":
    run_script(COMMAND, vars(paths))
