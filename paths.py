"""Where things are. Plain values and no I/O: edit the defaults, or set the environment variables.

SYNRENDER_DATA_DIR      data sets are written to (and read from) this folder
SYNRENDER_SHAPENET_DIR  ShapeNetCore.v2: taxonomy.json and one folder for each synset
SYNRENDER_DTD_DIR       DTD, the Describable Textures Dataset: images/ and labels/
"""

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent
CONFIG_DIR = PROJECT_DIR / "config"

DATA_DIR = Path(os.environ.get("SYNRENDER_DATA_DIR") or PROJECT_DIR / "datasets").absolute()

# A source that is set here or in the environment must exist. Left at None, it is looked for in
# DATA_DIR, and the built-in demo set stands in where it is absent.
SHAPENET_DIR = os.environ.get("SYNRENDER_SHAPENET_DIR") or None
DTD_DIR = os.environ.get("SYNRENDER_DTD_DIR") or None
