"""Renders samples of a data set; see ``--help``.

python render.py ARGS                                   (with the bpy wheel)
blender --background --python render.py -- ARGS         (with any Blender from 3.4 to 5.2)
"""

from __future__ import annotations

import sys
from pathlib import Path

# A Blender executable does not put the script's folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import paths
from synrender.cli.render import COMMAND
from synrender.cli.script import run_script

if __name__ == "__main__":
    run_script(COMMAND, vars(paths))
