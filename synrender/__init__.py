"""Synthetic-dataset renderer: every sample is a pure function of (config, seed, index).

The names in `__all__` are the public interface; nothing else is. They are imported when they are
asked for, because Blender's own Python lacks what some of them need. Types: ``__init__.pyi``.
"""

import importlib
from typing import Any

__version__ = "1.0.0"

_HOMES = {
    "Dataset": "loading.dataset",
    "Renderer": "api.renderer",
    "Settings": "settings.groups",
    "UserError": "errors",
    "draw_sample": "api.functions",
    "load_settings": "api.functions",
    "open_dataset": "loading.dataset",
    "render_dataset": "api.functions",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"synrender.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
