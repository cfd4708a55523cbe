"""What the card and Croissant say of an export, gathered once for both."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synrender.dataset.certificate import StoredAudit
from synrender.dataset.info import DatasetInfo
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import UserError, shorten
from synrender.export.format import ExportedFile, ExportPlan, Format, Loader, find_format
from synrender.export.licenses import (
    DEMO,
    DTD,
    OWN,
    SHAPENET,
    Credit,
    License,
    check_license_id,
    choose_license,
    find_credits,
)
from synrender.loading.dataset import Dataset
from synrender.report.design_summary import DesignSummary, count_design, summarize_design
from synrender.settings.checks import check_line

_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.:-]*(/[A-Za-z0-9._~:/?#@!$&*+,;=%-]*)?")
"""Without blanks, quotes, brackets, and what ends a link in Markdown."""


@dataclass(frozen=True)
class Publisher:
    """What a user says about a data set that will be published."""

    license: str = ""  # of the images, as the Hugging Face Hub names it; "": not chosen
    creator: str = ""
    url: str = ""
    models_license: str = ""  # likewise, or shapenet; "": not stated
    textures_license: str = ""  # likewise, or dtd
    environments_license: str = ""  # likewise

    def __post_init__(self) -> None:
        """Raises UserError if a text is not valid for its field."""
        checks = {"creator": check_line, "url": check_url}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            try:
                if value:
                    checks.get(field.name, check_license_id)(value)
            except ValueError as rule:
                raise UserError(f"--{field.name} {shorten(value)!r}: {rule}") from None

    def find_told(self, audit: StoredAudit | None) -> dict[str, str]:
        """What a card says that may change while the data set stays the same."""
        texts = {**dataclasses.asdict(self), "audit": audit.date if audit else ""}
        return {name: text for name, text in texts.items() if text}

    @property
    def declared(self) -> dict[str, str]:
        """Licenses of models, textures and environments."""
        return {
            "models": self.models_license,
            "textures": self.textures_license,
            "environments": self.environments_license,
        }


def check_url(text: str) -> str:
    """Returns the address of a page.

    Raises:
        ValueError: it is not an address; the message says the rule.
    """
    if not _URL.fullmatch(text):
        raise ValueError("must be an address such as https://example.org/data")
    return text


@dataclass(frozen=True)
class ClassRow:
    """A class and the number of its objects in each split."""

    class_id: int
    name: str
    synset_id: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Facts:
    """All that the card and Croissant say."""

    plan: ExportPlan
    info: DatasetInfo
    files: tuple[ExportedFile, ...]  # that hold the samples, in formats of large files
    classes: tuple[ClassRow, ...]
    design: DesignSummary
    credits: tuple[Credit, ...]
    license: License
    publisher: Publisher
    audit: StoredAudit | None

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.plan.source.path.name

    @property
    def form(self) -> Format[object]:
        """Format of the export."""
        return find_format(self.plan.format)

    @property
    def splits(self) -> dict[str, int]:
        """Samples of each split that has any."""
        return {name: num for name, num in self.plan.split_sizes.items() if num}

    @property
    def date(self) -> str:
        """Today, ISO 8601."""
        return datetime.datetime.now(datetime.timezone.utc).date().isoformat()

    @property
    def loaders(self) -> tuple[Loader, ...]:
        """What reads the export: the package that the format is for, and others."""
        name = json.dumps(self.plan.out.name, ensure_ascii=False)[1:-1]
        own = Loader("", self.form.reading_line(name, self.plan))
        return (own, *self.form.list_loaders(name, self.plan))

    @property
    def render_command(self) -> str:
        """Command that renders the data set again."""
        config = shlex.quote(f"{self.plan.out.name}/{CONFIG_FILE}")
        return f"python render.py -d {shlex.quote(self.name)} -g {config}"

    @property
    def audit_command(self) -> str:
        """Command that audits the data set."""
        return f"python audit_dataset.py -d {shlex.quote(self.name)}"

    @property
    def summary(self) -> str:
        """The data set in one sentence."""
        res, num = self.info.settings.rendering.resolution, self.info.settings.sample.num_objs
        objects = "one object" if self.plan.schema.is_single else f"{num} objects"
        num_classes = len(self.classes)
        classes = "one class" if num_classes == 1 else f"{num_classes} classes"
        dense = ", with instances, classes and depth to the pixel"
        labels = dense if self.plan.schema.has_labels else ""
        return (
            f"{self.plan.num_rows:,} images of {res} x {res} px, rendered in Blender, of {objects} "
            f"each, of {classes}{labels}, and a record of every factor."
        )


def gather_facts(
    plan: ExportPlan,
    data: Dataset,
    files: Sequence[ExportedFile],
    publisher: Publisher,
    audit: StoredAudit | None,
) -> Facts:
    """Gathers the facts, such as the number of objects of each class."""
    found = find_credits(data.info.sources, publisher.declared)
    return Facts(
        plan,
        data.info,
        tuple(files),
        _count_classes(plan, data),
        summarize_design(data.info, count_design(data)),
        found,
        choose_license(found, publisher.license),
        publisher,
        audit,
    )


def _count_classes(plan: ExportPlan, data: Dataset) -> tuple[ClassRow, ...]:
    classes = data.read_column("class").reshape(len(data), -1)
    counts = [
        collections.Counter(np.ravel(classes[rows.start : rows.stop]).tolist())
        for rows in plan.split_rows.values()
        if rows
    ]
    return tuple(
        ClassRow(c, name, data.info.classes[c].synset_id, tuple(count[c] for count in counts))
        for c, name in plan.schema.names_by_class.items()
    )


# --- sentences ------------------------------------------------------------------------------------


CITATION = """\
@inproceedings{newell2020useful,
  title     = {How Useful is Self-Supervised Pretraining for Visual Tasks?},
  author    = {Newell, Alejandro and Deng, Jia},
  booktitle = {Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2020}
}"""

USES = (
    "Training and evaluation of vision models where every factor behind an image must be known: "
    "representation learning, robustness to the change of one factor, shortcuts, causal factors.",
    "Benchmarks of segmentation, detection, depth and pose on synthetic images.",
)

_LIMITS = (
    "The images are synthetic: simple scenes of objects before a flat backdrop, in random textures "
    "and with simple lights. Results on them may not hold for photographs.",
)
_LIMIT_OF_THE_WEB = (
    "Models, classes and textures of ShapeNet and DTD were collected on the web, and represent "
    "some kinds of objects and places better than others."
)
_LIMIT_OF_DEMO = (
    "The models and textures are made by code that comes with the renderer. They are simpler than "
    "scanned or modeled objects, and results hold for these shapes and textures."
)
_LIMIT_OF_OWN = (
    "The images show the publisher's own models or textures. How these were chosen, and what they "
    "represent, is not known here."
)

_BIAS_OF_MODELS = (
    "The classes and models are those of their source: mostly common household objects and "
    "vehicles, in shapes that are usual in the countries of their authors."
)
_BIASES = (
    "Poses, colors and lights follow the distributions of the configuration, not those of the real "
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
_PERSONAL = "None is intended: no data on people was collected."
_NO_PEOPLE = "No scene shows people."
_PERSONAL_OF_OWN = "It is not known whether the publisher's own models or textures show people."
_PERSONAL_OF_DTD = (
    "Some textures of DTD, such as its class freckled, are close-ups of skin, and can appear on "
    "objects."
)
IMPACT = (
    "Rendered images avoid the privacy risks of photographs. Methods that are evaluated on them "
    "alone may be trusted too much on photographs."
)
MAINTENANCE = (
    "The data set can be rendered again from its configuration and seed; corrections are new "
    "exports."
)


def find_limits(credits: Sequence[Credit]) -> list[str]:
    """What a data set of these models and textures is not good for."""
    kinds = {credit.kind for credit in credits}
    limits = list(_LIMITS)
    limits += [_LIMIT_OF_THE_WEB] if kinds & {SHAPENET, DTD} else []
    limits += [_LIMIT_OF_OWN] if OWN in kinds else []
    return limits + ([_LIMIT_OF_DEMO] if kinds == {DEMO} else [])


def find_biases(credits: Sequence[Credit]) -> list[str]:
    """How its samples are biased."""
    models = next(credit for credit in credits if credit.what == "models")
    return [*([_LIMIT_OF_OWN] if models.kind == OWN else [_BIAS_OF_MODELS]), *_BIASES]


def find_personal(credits: Sequence[Credit]) -> list[str]:
    """What it may reveal about people."""
    kinds = {credit.kind for credit in credits}
    found = [_PERSONAL if OWN in kinds else f"{_PERSONAL} {_NO_PEOPLE}"]
    found += [_PERSONAL_OF_OWN] if OWN in kinds else []
    return found + ([_PERSONAL_OF_DTD] if DTD in kinds else [])
