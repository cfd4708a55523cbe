"""The data set to audit: its files, and the models that it was rendered from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.assets.provenance import DEFAULT_LAYOUT
from synrender.assets.rendered_models import (
    DEMO_SOURCE,
    find_model_file,
    find_rendered_models,
)
from synrender.assets.textures import find_images_dir
from synrender.audit.rays.cameras import Backdrop, Camera, Stage
from synrender.dataset.cpu_kinds import CpuSamples
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.folder import DatasetFolder
from synrender.errors import UserError
from synrender.settings.groups import Settings
from synrender.system.files import is_plain_name
from synrender.system.folders import Folders


@dataclass(frozen=True)
class Subject:
    """A data set as its files describe it."""

    folder: DatasetFolder
    models_path: Path  # folder or file that the models are in
    stage: Stage
    settings: Settings
    synset_ids: dict[int, str]  # by class id
    class_names: dict[int, str]  # likewise
    design: DesignInfo | None = None  # how its factors vary together; None: at random
    textures_dir: Path | None = None  # images/ of DTD, or of the demo textures; None: none used
    rejected: frozenset[str] = frozenset()  # models and textures that could not be used
    incomplete: dict[str, str] = field(default_factory=dict)  # what of a model is not shown
    cpus: tuple[CpuSamples, ...] = ()  # which kind of CPU rendered which samples
    layout: str = DEFAULT_LAYOUT  # of the models

    @property
    def has_own_materials(self) -> bool:
        """Whether objects show what their models' files say about colors."""
        return self.settings.material.source == "own"

    @property
    def camera(self) -> Camera:
        """Camera of all samples, unless a design varies it."""
        return self.stage.camera

    def find_problem(self, row: np.void) -> str | None:
        """What of an object's own materials could not be shown; "" if all could, None: unused."""
        if not self.has_own_materials:
            return None
        return self.incomplete.get(f"{row['synset_id']}/{row['model_id']}", "")

    def find_camera(self, record: np.ndarray) -> Camera:
        """Camera of a sample, as its record says; records from before designs do not."""
        row = record[0]
        if not np.isfinite(row["world_to_camera"]).all():
            return self.camera
        return Camera(row["intrinsics"], row["world_to_camera"], self.camera.resolution)

    def find_backdrop(self, record: np.ndarray) -> Backdrop:
        """Backdrop of a sample."""
        return self.stage.find_backdrop(record["factor_values"][0])

    def texture_path(self, name: str) -> Path:
        """Image file of a texture.

        Raises:
            ValueError: the data set has no textures.
        """
        if self.textures_dir is None:
            raise ValueError("dataset.json names no textures")
        return self.textures_dir / name

    def model_file(self, row: np.void) -> ModelFile:
        """File of the model of an object of a record; one that is not there need not exist."""
        synset_id, model_id = str(row["synset_id"]), str(row["model_id"])
        return find_model_file(self.models_path, self.layout, synset_id, model_id)


@dataclass(frozen=True)
class Records:
    """All records of a data set, one row for each object."""

    rows: np.ndarray  # (r,) of RECORD_DTYPE
    idxs: np.ndarray  # (r,) int64, sample that each row belongs to, by its file's name
    damaged: dict[int, str]  # samples that cannot be audited, with the reason

    @property
    def sample_idxs(self) -> np.ndarray:
        """Samples with a readable record and an image, ascending."""
        return np.unique(self.idxs)

    def by_sample(self) -> dict[int, np.ndarray]:
        """Record of each sample, (num_objs,) each, by its index, ascending."""
        idxs, starts = np.unique(self.idxs, return_index=True)
        return dict(zip(idxs.tolist(), np.split(self.rows, starts[1:]), strict=True))


def open_subject(folder: DatasetFolder, folders: Folders) -> Subject:
    """Reads the description of a data set.

    Raises:
        UserError: its models are not found.
    """
    info = folder.read_info()
    camera = Camera(
        np.array(info.camera.intrinsics),
        np.array(info.camera.world_to_camera),
        info.camera.resolution,
    )
    return Subject(
        folder,
        find_rendered_models(info.sources.models.source, folders, info.sources.models.layout),
        Stage(camera, info.camera.lens_mm, info.settings.scene),
        info.settings,
        {c: entry.synset_id for c, entry in info.classes.items()},
        {c: entry.name for c, entry in info.classes.items()},
        info.design,
        find_textures_dir(info.sources.textures.source, folders),
        frozenset(info.rejected),
        info.incomplete,
        info.cpus,
        info.sources.models.layout,
    )


def find_textures_dir(source: str | None, folders: Folders) -> Path | None:
    """Folder of the textures that `dataset.json` calls ``source``; it need not exist."""
    if source is None:
        return None
    if DEMO_SOURCE.fullmatch(source):
        return folders.demo / "dtd" / "images"
    return find_images_dir((folders.textures or folders.dtd or Path(source)).absolute())


def load_records(subject: Subject) -> Records:
    """Reads the records of all samples.

    Raises:
        UserError: no sample is complete.
    """
    folder = subject.folder
    listing = folder.list_samples()
    reason = "image or record missing"
    rows, damaged = {}, dict.fromkeys(listing.find_missing(listing.found), reason)
    for idx in listing.pairs:
        try:
            record = folder.read_record(idx)
        except (OSError, ValueError) as error:
            damaged[idx] = f"record: {error}"
            continue
        names = [str(name) for row in record for name in (row["synset_id"], row["model_id"])]
        if not all(map(is_plain_name, names)):  # it would lead out of the folder of models
            damaged[idx] = f"record: {names} must be plain names"
            continue
        if (record["sample_idx"] != idx).any():
            damaged[idx] = f"its record says it is sample {record['sample_idx'].tolist()}"
        if len(record):
            rows[idx] = record
    if not rows:
        raise UserError(
            f"{folder.path}: no sample is complete; render it first: python render.py -d "
            f"{folder.name} -g {folder.config_path}"
        )
    idxs = np.repeat(np.array(list(rows), np.int64), [len(r) for r in rows.values()])
    return Records(np.concatenate(list(rows.values())), idxs, damaged)
