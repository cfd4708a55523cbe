"""Paths of your data. Edit these lines, or set environment variables, which override them.

The scripts in this folder read this file. Code that imports `synrender`, and the commands that an
installed package brings, go by the environment variables.

SYNRENDER_DATA_DIR      data sets are written to and read from this folder
SYNRENDER_SHAPENET_DIR  ShapeNetCore.v2: taxonomy.json and one folder for each synset
SYNRENDER_DTD_DIR       DTD, the Describable Textures Dataset: images/ and labels/
"""

from __future__ import annotations

# None: the folder datasets/ beside this file.
DATA_DIR: str | None = None

# None: ShapeNetCore.v2 and dtd in the data folder, or the built-in demo set if they are missing.
# A folder that is set here or in the environment must exist.
SHAPENET_DIR: str | None = None
DTD_DIR: str | None = None
