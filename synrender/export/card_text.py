"""Sentences that the card and Croissant share: what a data set is for, and what it is not."""

from __future__ import annotations

from collections.abc import Sequence

from synrender.export.licences import DEMO, DTD, OWN, SHAPENET, Source

CITATION = """\
@inproceedings{newell2020useful,
  title     = {How Useful is Self-Supervised Pretraining for Visual Tasks?},
  author    = {Newell, Alejandro and Deng, Jia},
  booktitle = {Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2020}
}"""

USES = (
    "Training and evaluation of models of vision where every factor behind an image must be known: "
    "representation learning, robustness to a change of one factor, shortcuts, and causes.",
    "Benchmarks of segmentation, detection, depth and pose on synthetic images.",
)

_LIMITS = (
    "The images are synthetic: simple scenes of objects before a flat backdrop, in random textures "
    "and with simple lights. What is measured on them need not hold for photographs.",
)
_LIMIT_OF_THE_WEB = (
    "Models, classes and textures of ShapeNet and DTD were collected on the web, and represent "
    "some kinds of objects and places better than others."
)
_LIMIT_OF_DEMO = (
    "Models and textures are a few that code makes; they stand in for ShapeNet and DTD, and are "
    "too plain for more than a first look."
)
_LIMIT_OF_OWN = (
    "Own models or textures are shown: how they were chosen, and what they stand for, is not known "
    "here."
)

_BIAS_OF_MODELS = (
    "Classes and models are those of the source of models; common household objects and vehicles "
    "prevail, in shapes that are usual in the countries of their authors."
)
_BIASES = (
    "Poses, colours and lights follow the distributions of the configuration, not those of the "
    "world.",
)

COLLECTION = (
    "Rendered in Blender from 3D models and textures. Every random choice comes from a stream of "
    "its own, seeded by the seed of the configuration, the factor and the number of the sample."
)
ANNOTATION = (
    "Labels come from the renderer, not from people: class, pose and factors are what the scene "
    "was built from; instances, classes and depth are render passes."
)
_PERSONAL = "None is intended: nobody was asked, followed or measured."
_NO_PEOPLE = "No scene has people."
_PERSONAL_OF_OWN = "Whether own models or textures show people is not known here."
_PERSONAL_OF_DTD = (
    "Some textures of DTD, such as its class freckled, are close-ups of skin, and can appear on "
    "objects."
)
IMPACT = (
    "Renderings avoid the privacy risks of photographs. Methods that are judged on synthetic "
    "images alone may be trusted too much elsewhere."
)
MAINTENANCE = (
    "The data set can be rendered again from its configuration and seed; corrections are new "
    "exports."
)


def find_limits(sources: Sequence[Source]) -> list[str]:
    """What a data set of these sources is not good for."""
    kinds = {source.kind for source in sources}
    limits = list(_LIMITS)
    limits += [_LIMIT_OF_THE_WEB] if kinds & {SHAPENET, DTD} else []
    limits += [_LIMIT_OF_OWN] if OWN in kinds else []
    return limits + ([_LIMIT_OF_DEMO] if kinds == {DEMO} else [])


def find_biases(sources: Sequence[Source]) -> list[str]:
    """What its samples lean to."""
    models = next(source for source in sources if source.what == "models")
    return [*([_LIMIT_OF_OWN] if models.kind == OWN else [_BIAS_OF_MODELS]), *_BIASES]


def find_personal(sources: Sequence[Source]) -> list[str]:
    """What it may tell of people."""
    kinds = {source.kind for source in sources}
    found = [_PERSONAL if OWN in kinds else f"{_PERSONAL} {_NO_PEOPLE}"]
    found += [_PERSONAL_OF_OWN] if OWN in kinds else []
    return found + ([_PERSONAL_OF_DTD] if DTD in kinds else [])
