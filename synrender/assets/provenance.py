"""Where the assets of a data set come from, as ``dataset.json`` records it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from synrender.assets.sources.source import ModelEntry
from synrender.settings.checks import check_line

DEFAULT_LAYOUT = "shapenet-v2"
"""Of the demo models, and of all data sets that record none."""


MAX_CREDITED = 100_000
"""Models that are named one by one: those of a larger set take too much room."""


@dataclass(frozen=True)
class ModelCredit:
    """Models that have the same license, creator and source."""

    license: str | None  # in words of their source; None: not stated
    creator: str | None
    num_models: int
    models: tuple[str, ...] = ()  # "class/model", sorted; empty: too many to name
    source: str | None = None  # what set they are from
    titles: tuple[str, ...] = ()  # of the models, "" if it has none; empty: none has

    def __post_init__(self) -> None:
        for text in filter(None, (self.license, self.creator, self.source, *self.titles)):
            check_line(text)
        if self.titles and len(self.titles) != len(self.models):
            raise ValueError(f"{len(self.titles)} titles of {len(self.models)} models")


def credit_models(models: Iterable[tuple[str, ModelEntry]]) -> tuple[ModelCredit, ...]:
    """Groups models, given with the keys of their classes, by license, creator and source.

    Returns:
        One credit for each group, sorted; none if nothing is stated of any model.
    """
    models = list(models)
    can_name = len(models) <= MAX_CREDITED
    groups: dict[tuple[str | None, ...], list[tuple[str, str]]] = {}
    for key, entry in models:
        group = (entry.license, entry.creator if can_name else None, entry.source)
        groups.setdefault(group, []).append((f"{key}/{entry.model_id}", entry.title or ""))
    if not any(any(group) for group in groups):
        return ()
    credits = []
    for group in sorted(groups, key=lambda group: [text or "" for text in group]):
        (license, creator, source), members = group, groups[group]
        credit = ModelCredit(license, creator, len(members), (), source)
        if can_name:
            names, titles = zip(*sorted(members), strict=True)
            credit = replace(credit, models=names, titles=titles if any(titles) else ())
        credits.append(credit)
    return tuple(credits)


@dataclass(frozen=True)
class StatedModel:
    """What is stated of one model; None: it is not."""

    license: str | None
    creator: str | None
    source: str | None
    title: str | None


def list_stated(credits: Iterable[ModelCredit]) -> dict[str, StatedModel]:
    """What is stated of each model that the credits name, by "class/model"."""
    return {
        name: StatedModel(credit.license, credit.creator, credit.source, title or None)
        for credit in credits
        for name, title in itertools.zip_longest(credit.models, credit.titles)
    }


@dataclass(frozen=True)
class ModelSource:
    """Where the models come from."""

    source: str  # "demo, version 2", or the folder or file
    num_models: dict[str, int]  # by synset id, or another key of a class
    fingerprint: str  # SHA-256 of the sorted names
    layout: str = DEFAULT_LAYOUT  # name of a source of `synrender.assets.sources`
    credits: tuple[ModelCredit, ...] = ()  # empty: nothing is stated


@dataclass(frozen=True)
class TextureSource:
    """Where the textures come from."""

    source: str | None  # None: no textures were used
    num_textures: int
    fingerprint: str


@dataclass(frozen=True)
class EnvironmentSource:
    """Where the environments come from."""

    source: str  # "demo, version 1", or the folder
    num_environments: int
    fingerprint: str  # SHA-256 of the sorted ids, each with its file's name


@dataclass(frozen=True)
class Sources:
    """Models, textures and environments that a data set uses."""

    models: ModelSource
    textures: TextureSource
    environments: EnvironmentSource | None = None  # None: no sample shows one

    def find_difference(self, other: Sources) -> tuple[str, str, str] | None:
        """First kind of files that differs: (kind, own source, other source); None if equal."""
        for kind in ("models", "textures", "environments"):
            mine, theirs = (
                (source.fingerprint, source.source) if source else (None, None)
                for source in (getattr(self, kind), getattr(other, kind))
            )
            if mine[0] != theirs[0]:
                return kind, str(mine[1]), str(theirs[1])
        return None
