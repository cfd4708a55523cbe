"""Runs the whole audit: chooses samples, spreads the work over processes, gathers verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from synrender.audit.alphas import check_alpha
from synrender.audit.captions.run import check_all_captions
from synrender.audit.check import Check, Verdict
from synrender.audit.designs.run import check_designs
from synrender.audit.designs.twins import find_meant_duplicates
from synrender.audit.exposures import check_exposure
from synrender.audit.labels.label_verdicts import check_all_labels
from synrender.audit.measure_samples import SampleFindings, cut_tasks, examine
from synrender.audit.picture_verdicts import check_images, check_outline
from synrender.audit.rays.audited_dataset import Subject, load_records, open_subject
from synrender.audit.rays.view import require_ray_caster
from synrender.audit.scene_verdicts import (
    check_camera,
    check_ground,
    check_layout,
    check_lights,
)
from synrender.audit.split_shares import check_balance, check_splits
from synrender.audit.verdicts import (
    check_boxes,
    check_class,
    check_depth,
    check_files,
    check_mask,
    check_pose,
    check_stored,
)
from synrender.dataset.folder import DatasetFolder
from synrender.errors import UserError
from synrender.system.folders import MODELS_VARIABLE, Folders
from synrender.system.workers import Workers

_TASK_SIZE = 20


@dataclass(frozen=True)
class Audit:
    """The result of an audit, and what it rests on."""

    checks: list[Check]  # in the order of the table
    num_samples: int  # that were examined
    cast_idxs: tuple[int, ...]  # samples that rays were cast for, ascending
    num_objects: int  # of these samples
    num_px: int  # of these samples: one ray for each, at least

    @property
    def num_failed(self) -> int:
        """Number of checks that fail."""
        return sum(check.verdict is Verdict.FAIL for check in self.checks)


@dataclass(frozen=True)
class RayDraw:
    """A random draw of the samples or images that rays are cast for."""

    num: int  # 0: all
    seed: int = 0

    def choose(self, idxs: np.ndarray) -> np.ndarray:
        """The drawn ones of ascending numbers (n,), ascending; all of them if there are fewer."""
        if self.num == 0 or self.num >= len(idxs):
            return idxs
        rng = np.random.Generator(np.random.PCG64(self.seed))
        return np.sort(rng.choice(idxs, self.num, replace=False))


def audit_dataset(
    folder: DatasetFolder, folders: Folders, num_cast: int, jobs: int = 0, is_quiet: bool = False
) -> list[Check]:
    """Audits a data set; all checks, in the order of the table. See `run_audit`."""
    with Workers(jobs) as workers:
        return run_audit(folder, folders, RayDraw(num_cast), workers, is_quiet).checks


def run_audit(
    folder: DatasetFolder, folders: Folders, draw: RayDraw, workers: Workers, is_quiet: bool = False
) -> Audit:
    """Audits a data set. What needs no rays is checked on all samples, whatever is drawn.

    Raises:
        UserError: there is no ray caster, no data set, no complete sample, or none of its models.
    """
    require_ray_caster()
    subject = open_subject(folder, folders)
    records = load_records(subject)
    chosen = set(draw.choose(records.sample_idxs).tolist())
    samples = records.by_sample()
    size = max(1, min(_TASK_SIZE, len(samples) // workers.num_jobs))
    tasks = [(subject, task) for task in cut_tasks(samples, chosen, size)]
    findings = gather(workers.map(examine, tasks), len(samples), "samples", is_quiet)
    _refuse_other_models(subject, findings)
    checks = [
        check_files(records, findings),
        check_mask(subject, findings),
        check_class(subject, records, findings),
        check_depth(subject, findings),
        check_boxes(subject, findings),
        check_stored(subject, findings),
        *check_all_labels(subject, records, findings),
        check_all_captions(subject, [(f.idx, f.captions) for f in findings if f.captions]),
        check_outline(subject, records, findings),
        check_pose(records, findings),
        check_camera(subject, records),
        check_ground(subject, records, findings),
        check_layout(subject, records),
        check_lights(subject, records),
        check_exposure(subject, records),
        check_alpha(subject, findings),
        check_images(subject, findings, find_meant_duplicates(subject.design, records)),
        check_splits(subject, records),
        check_balance(subject, records),
        *check_designs(subject, records, findings),
    ]
    cast_idxs = tuple(sorted(f.idx for f in findings if f.positions is not None))
    num_objects = int(np.isin(records.idxs, cast_idxs).sum())
    num_px = len(cast_idxs) * subject.camera.resolution**2
    return Audit(checks, len(findings), cast_idxs, num_objects, num_px)


Findings = TypeVar("Findings")


def gather(
    parts: Iterable[list[Findings]], total: int, unit: str, is_quiet: bool
) -> list[Findings]:
    """Findings of all tasks, with a progress bar that counts them in a unit such as "samples"."""
    from tqdm import tqdm

    findings: list[Findings] = []
    with tqdm(total=total, unit=f" {unit}", disable=True if is_quiet else None) as bar:
        for found in parts:
            findings += found
            bar.update(len(found))
    return findings


def _refuse_other_models(subject: Subject, findings: list[SampleFindings]) -> None:
    """Raises UserError if no model can be used: the folder is wrong, not the data set."""
    reasons = [f.damage for f in findings if f.damage.startswith("model ")]
    if reasons and not any(f.positions for f in findings):
        raise UserError(
            f"{reasons[0]}; {subject.models_path} has none of the data set's models, set "
            f"{MODELS_VARIABLE} to where they are now"
        )
