"""Archives a data set in HDF5 and prepares it for training; see ``--help``."""

from __future__ import annotations

import paths
from synrender.cli.preprocess import COMMAND
from synrender.cli.script import run_script

if __name__ == "__main__":
    run_script(COMMAND, vars(paths))
