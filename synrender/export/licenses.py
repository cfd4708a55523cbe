"""Who made the models and textures that images show, and what may be done with these images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synrender.assets.provenance import ModelCredit, Sources
from synrender.errors import UserError

_DEMO_PREFIX = "demo, version "

SPDX_NAMES = {
    name.lower(): name
    for name in (
        *("BSD-3-Clause", "MIT", "Apache-2.0", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0"),
        *("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0"),
    )
}
"""Licenses that have an address, by the name that the Hugging Face Hub gives them."""

_NUM_SHOWN = 10
"""Licenses, and creators, that a card names; dataset.json has all."""

_LICENSE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")


@dataclass(frozen=True)
class Credit:
    """Models, textures or environments that the samples show."""

    what: str  # "models", "textures" or "environments"
    kind: str  # DEMO, SHAPENET, DTD or OWN
    name: str
    terms: str  # in words
    url: str  # of the terms or the source; "": there is none
    fingerprint: str  # of the sorted names
    is_stated: bool = True  # whether its license is known


@dataclass(frozen=True)
class License:
    """License of the rendered images."""

    id: str  # as the Hugging Face Hub names it
    name: str  # where the id is "other"
    url: str
    note: str  # why, in words


DEMO, SHAPENET, DTD, OWN = "demo", "shapenet", "dtd", "own"
_DEMO = (
    "built-in demo set",
    "BSD-3-Clause, like the code that makes them",
    "https://spdx.org/licenses/BSD-3-Clause.html",
)
_KNOWN = {
    ("models", SHAPENET): (
        "ShapeNetCore.v2",
        "ShapeNet's terms of use: non-commercial research and education; each model belongs to its "
        "author",
        "https://shapenet.org/terms",
    ),
    ("textures", DTD): (
        "Describable Textures Dataset (DTD)",
        "made available for research; each picture belongs to its photographer",
        "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
    ),
}
"""Name, terms and address of sources that a user may declare, by "models" or "textures"."""


def check_license_id(text: str) -> str:
    """Returns a license id of the Hugging Face Hub, or a name that `find_credits` knows.

    Raises:
        ValueError: it is not a valid id; the message says the rule.
    """
    if not _LICENSE_ID.fullmatch(text):
        raise ValueError(
            "must be an id of letters, digits, '.', '-' and '+', as the Hugging Face Hub lists "
            "them, such as cc-by-4.0; or other"
        )
    return text


def find_credits(sources: Sources, declared: Mapping[str, str]) -> tuple[Credit, ...]:
    """The models, and the textures and environments if there are any.

    Args:
        sources: of the data set.
        declared: license ids by "models", "textures" and "environments", ``shapenet`` and ``dtd``
            among them; "": not stated. The files in a folder do not say who made them.

    Raises:
        UserError: a license is declared for the demo set, which has its own, or for textures or
            environments that the data set does not have.
    """
    found = []
    for what, used in (
        ("models", sources.models),
        ("textures", sources.textures),
        ("environments", sources.environments),
    ):
        license = declared.get(what, "")
        source = None if used is None else used.source
        is_demo = (source or "").startswith(_DEMO_PREFIX)
        if license and (is_demo or source is None):
            why = (
                "are from the built-in demo set, whose license is known"
                if is_demo
                else "do not exist"
            )
            raise UserError(
                f"--{what}_license {license}: the {what} of this data set {why}; leave it out"
            )
        if used is not None and source is not None:
            found.append(_describe(what, DEMO if is_demo else license, used.fingerprint))
    if found and found[0].kind == OWN and not found[0].is_stated and sources.models.credits:
        found[0] = _credit_models(found[0], sources.models.credits)
    return tuple(found)


def _describe(what: str, license: str, fingerprint: str) -> Credit:
    if license == DEMO:
        return Credit(what, DEMO, *_DEMO, fingerprint)
    if known := _KNOWN.get((what, license.lower())):
        return Credit(what, license.lower(), *known, fingerprint)
    name, stated = f"own {what}", _name_license(license)
    terms = f"Own {what}: {stated or 'license not stated'}"
    return Credit(what, OWN, name, terms, find_url(license), fingerprint, bool(stated))


def _credit_models(own: Credit, groups: Sequence[ModelCredit]) -> Credit:
    """What the source itself states of each model."""
    counts, creators = Counter[str](), Counter[str]()
    for group in groups:
        counts[_name_license(group.license or "license not stated")] += group.num_models
        creators[group.creator or ""] += group.num_models
    terms = "; ".join(
        f"{name} ({number} model{'s' * (number > 1)})"
        for name, number in counts.most_common(_NUM_SHOWN)
    )
    named = [name for name, _ in creators.most_common() if name]
    who = ", ".join(named[:_NUM_SHOWN]) + f" and {len(named) - _NUM_SHOWN} more" * (
        len(named) > _NUM_SHOWN
    )
    by = f"; by {who}" if who else ""
    is_stated = all(group.license for group in groups)
    sets = sorted({group.source or own.name for group in groups})
    name = ", ".join(sets[:_NUM_SHOWN]) + ", ..." * (len(sets) > _NUM_SHOWN)
    head = "Own models" if name == own.name else "As their source states"
    return replace(own, name=name, terms=f"{head}: {terms}{by}", is_stated=is_stated)


def choose_license(sources: tuple[Credit, ...], chosen: str) -> License:
    """License of the images: the choice of the user, or what follows from models and textures."""
    if chosen:
        note = "chosen by the publisher"
        return License(chosen, _name_license(chosen), find_url(chosen), note)
    kinds = {source.kind for source in sources}
    if kinds == {DEMO}:
        name, _, url = _DEMO
        return License("bsd-3-clause", "BSD-3-Clause", url, f"all that is shown is from the {name}")
    unstated = " and ".join(source.what for source in sources if not source.is_stated)
    if unstated or OWN in kinds:
        why = (
            f"the license of the {unstated} is not stated"
            if unstated
            else "the models and textures have licenses of their own"
        )
        return License("unknown", "not stated", "", f"not chosen, and {why}")
    terms = next(source for source in sources if source.kind != DEMO)
    return License(
        "other",
        "research-only",
        terms.url,
        "not chosen; the terms of the sources allow only research",
    )


def find_url(license: str) -> str:
    """Address of a license that has one; else ""."""
    name = SPDX_NAMES.get(license.lower())
    return f"https://spdx.org/licenses/{name}.html" if name else ""


def _name_license(license: str) -> str:
    return SPDX_NAMES.get(license.lower(), license)
