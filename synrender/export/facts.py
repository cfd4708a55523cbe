"""What there is to tell of an export, gathered once for the card and for Croissant."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.info import DatasetInfo
from synrender.dataset.last_audit import StoredAudit, read_audit
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import UserError, shorten
from synrender.export.columns import Content
from synrender.export.format import Format, Job
from synrender.export.licenses import (
    DEMO,
    DTD,
    OWN,
    SHAPENET,
    Licence,
    Source,
    check_licence_id,
    choose_licence,
    find_sources,
)
from synrender.export.marker import ExportedFile
from synrender.loading.dataset import Dataset
from synrender.settings.bounds import check_line

_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.:-]*(/[A-Za-z0-9._~:/?#@!$&*+,;=%-]*)?")
"""Without blanks, quotes, brackets, and what ends a link in Markdown."""


@dataclass(frozen=True)
class Publisher:
    """What a user says of a data set that is published."""

    license: str = ""  # of the images, as the Hugging Face Hub names it; "": not chosen
    creator: str = ""
    url: str = ""
    models_license: str = ""  # likewise, or shapenet; "": not stated
    textures_license: str = ""  # likewise, or dtd

    def __post_init__(self) -> None:
        """Raises UserError if a text cannot be what it says."""
        checks = {"creator": check_line, "url": check_url}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            try:
                if value:
                    checks.get(field.name, check_licence_id)(value)
            except ValueError as rule:
                raise UserError(f"--{field.name} {shorten(value)!r}: {rule}") from None

    def find_told(self, dataset_path: Path) -> dict[str, str]:
        """What a card tells that may change though the data set does not."""
        audit = read_audit(dataset_path)
        texts = {**dataclasses.asdict(self), "audit": audit.date if audit else ""}
        return {name: text for name, text in texts.items() if text}

    @property
    def declared(self) -> dict[str, str]:
        """Licences of what the images show."""
        return {"models": self.models_license, "textures": self.textures_license}


def check_url(text: str) -> str:
    """An address of a page.

    Raises:
        ValueError: it is none; the message says the rule.
    """
    if not _URL.fullmatch(text):
        raise ValueError("must be an address such as https://example.org/data")
    return text


@dataclass(frozen=True)
class ClassRow:
    """A class and the number of its objects in each split."""

    name: str
    synset_id: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Facts:
    """All that a card tells."""

    name: str
    job: Job
    form: Format
    content: Content
    info: DatasetInfo
    files: tuple[ExportedFile, ...]
    classes: tuple[ClassRow, ...]
    sources: tuple[Source, ...]
    licence: Licence
    publisher: Publisher
    audit: StoredAudit | None
    render_command: str
    line: str  # of Python, that reads the export
    date: str  # ISO 8601

    @property
    def splits(self) -> dict[str, int]:
        """Samples of each split that has any."""
        return {name: len(rows) for name, rows in self.job.split_rows.items() if rows}

    @property
    def audit_command(self) -> str:
        """What checks the data set."""
        return f"python audit_dataset.py -d {shlex.quote(self.name)}"

    @property
    def summary(self) -> str:
        """One sentence."""
        res, num = self.info.settings.rendering.resolution, self.info.settings.sample.num_objs
        objects = "one object" if self.content.is_single else f"{num} objects"
        num_classes = len(self.classes)
        classes = "one class" if num_classes == 1 else f"{num_classes} classes"
        dense = ", with instances, classes and depth to the pixel"
        labels = dense if self.content.has_labels else ""
        return (
            f"{self.job.num_rows:,} images of {res} x {res} px, rendered in Blender, of {objects} "
            f"each, of {classes}{labels}, and a record of every factor."
        )


def gather_facts(
    job: Job,
    form: Format,
    content: Content,
    data: Dataset,
    files: list[ExportedFile],
    publisher: Publisher,
) -> Facts:
    """Reads what the card tells, such as the number of objects of each class."""
    info, name = data.info, job.dataset_path.name
    sources = find_sources(info.sources, publisher.declared)
    folder = shlex.quote(f"{job.out.name}/{CONFIG_FILE}")
    return Facts(
        name,
        job,
        form,
        content,
        info,
        tuple(files),
        _count_classes(job, content, data),
        sources,
        choose_licence(sources, publisher.license),
        publisher,
        read_audit(job.dataset_path),
        f"python render.py -d {shlex.quote(name)} -g {folder}",
        form.line(json.dumps(job.out.name, ensure_ascii=False)[1:-1], job),
        datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    )


def _count_classes(job: Job, content: Content, data: Dataset) -> tuple[ClassRow, ...]:
    classes = data.read_column("class").reshape(len(data), -1)
    counts = [
        collections.Counter(np.ravel(classes[rows.start : rows.stop]).tolist())
        for rows in job.split_rows.values()
        if rows
    ]
    named = zip(content.class_ids, content.class_names, strict=True)
    return tuple(
        ClassRow(name, data.info.classes[c].synset_id, tuple(count[c] for count in counts))
        for c, name in named
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
