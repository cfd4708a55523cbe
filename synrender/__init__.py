"""Synthetic-dataset renderer: every sample is a pure function of (config, seed, index).

`open_dataset` is imported when it is asked for, because Blender's Python lacks what it needs; its
type is in ``__init__.pyi``.
"""

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "open_dataset":
        return importlib.import_module("synrender.loading.dataset").open_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
