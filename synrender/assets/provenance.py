"""Where the models and textures of a data set come from, as ``dataset.json`` records it."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_LAYOUT = "shapenet-v2"
"""Of the demo models, and of all data sets that record none."""


@dataclass(frozen=True)
class ModelSource:
    """Where the models come from."""

    source: str  # "demo, version 2", or the folder or file
    num_models: dict[str, int]  # by synset id, or another key of a class
    fingerprint: str  # SHA-256 of the sorted names
    layout: str = DEFAULT_LAYOUT  # name of a source of `synrender.assets.sources`


@dataclass(frozen=True)
class TextureSource:
    """Where the textures come from."""

    source: str | None  # None: no textures were used
    num_textures: int
    fingerprint: str


@dataclass(frozen=True)
class Sources:
    """Models and textures that a data set uses."""

    models: ModelSource
    textures: TextureSource

    def find_difference(self, other: Sources) -> tuple[str, str, str] | None:
        """First kind of files that differs: (kind, own source, other source); None if equal."""
        for kind in ("models", "textures"):
            mine, theirs = getattr(self, kind), getattr(other, kind)
            if mine.fingerprint != theirs.fingerprint:
                return kind, str(mine.source), str(theirs.source)
        return None
