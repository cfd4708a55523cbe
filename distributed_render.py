"""Renders all variants of a data set, on all CPUs or a Ray cluster; see ``--help``."""

from __future__ import annotations

import paths
from synrender.cli.distribute import COMMAND
from synrender.cli.script import run_script

if __name__ == "__main__":
    run_script(COMMAND, vars(paths))
