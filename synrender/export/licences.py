"""Who made what a rendering is of, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from synrender.assets.sources import Sources

_DEMO_PREFIX = "demo, version "

SPDX_NAMES = {
    name.lower(): name
    for name in (
        *("BSD-3-Clause", "MIT", "Apache-2.0", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0"),
        *("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0"),
    )
}
"""Licences that have an address, by the name that the Hugging Face Hub gives them."""


@dataclass(frozen=True)
class Source:
    """Models or textures that the samples show."""

    what: str  # "models" or "textures"
    name: str
    terms: str  # in words
    url: str  # of the terms, or of what is cited
    fingerprint: str  # of the sorted names


@dataclass(frozen=True)
class Licence:
    """Of the rendered images."""

    id: str  # as the Hugging Face Hub names it
    name: str  # where the id is "other"
    url: str
    note: str  # why, in words


DEMO_NAME = "built-in demo set"
_DEMO = (
    DEMO_NAME,
    "BSD-3-Clause, as the code that makes them",
    "https://spdx.org/licenses/BSD-3-Clause.html",
)
_SHAPENET = (
    "ShapeNetCore.v2",
    "ShapeNet's terms of use: non-commercial research and education; each model belongs to its "
    "author",
    "https://shapenet.org/terms",
)
_DTD = (
    "Describable Textures Dataset (DTD)",
    "made available for research; each picture belongs to its photographer",
    "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
)


def find_sources(sources: Sources) -> tuple[Source, ...]:
    """The models, and the textures if there are any."""
    models, textures = sources.models, sources.textures
    found = [Source("models", *_choose(models.source, _SHAPENET), models.fingerprint)]
    if textures.source is not None:
        found.append(Source("textures", *_choose(textures.source, _DTD), textures.fingerprint))
    return tuple(found)


def choose_licence(sources: tuple[Source, ...], chosen: str) -> Licence:
    """Licence of the images: the user's choice, or what follows from the sources."""
    if chosen:
        name = SPDX_NAMES.get(chosen.lower())
        url = f"https://spdx.org/licenses/{name}.html" if name else ""
        return Licence(chosen, chosen, url, "chosen by who exported the data set")
    if all(source.name == DEMO_NAME for source in sources):
        name, _, url = _DEMO
        return Licence("bsd-3-clause", "BSD-3-Clause", url, f"all that is shown is of the {name}")
    terms = next(source for source in sources if source.name != DEMO_NAME)
    return Licence(
        "other", "research-only", terms.url, "not chosen; the sources' terms allow research alone"
    )


def _choose(source: str, other: tuple[str, str, str]) -> tuple[str, str, str]:
    return _DEMO if source.startswith(_DEMO_PREFIX) else other
