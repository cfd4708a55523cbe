"""Writes a report to look at a data set; see ``--help``."""

from __future__ import annotations

import paths
from synrender.cli.report import COMMAND
from synrender.cli.script import run_script

if __name__ == "__main__":
    run_script(COMMAND, vars(paths))
