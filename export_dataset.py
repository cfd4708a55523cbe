"""Writes a data set in the format of other tools; see ``--help``."""

from __future__ import annotations

import paths
from synrender.cli.export import COMMAND
from synrender.cli.script import run_script

if __name__ == "__main__":
    run_script(COMMAND, vars(paths))
