"""Audits a data set in BOP format: chooses images, casts rays, gathers verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.bop.bop_files import BopImage, BopSet, open_bop
from synrender.audit.bop.bop_verdicts import (
    check_bop_depth,
    check_bop_files,
    check_bop_info,
    check_bop_mask,
    check_bop_models,
    check_bop_pose,
    find_mean_iou,
)
from synrender.audit.bop.examine import BopFindings, examine_image
from synrender.audit.check import Check, Verdict
from synrender.audit.rays.model_caster import ModelCaster, UnusableModel
from synrender.audit.rays.view import require_ray_caster
from synrender.audit.run import RayDraw, gather
from synrender.errors import UserError
from synrender.system.workers import Workers

_TASK_SIZE = 25
PIXEL_CENTERS = (0.0, 0.5)
"""Where the center of the top left pixel may be. OpenCV, BlenderProc's cameras and the toolkit's
distances have 0; OpenGL, which draws the toolkit's and BlenderProc's masks, has 0.5."""

_NUM_COMPARED = 5
"""If masks fail, so many images are examined with the other center, in case that is the reason."""


def audit_bop(
    path: Path, draw: RayDraw, pixel_center: float, workers: Workers, is_quiet: bool = False
) -> list[Check]:
    """Audits a data set in BOP format, a split, or a scene; all checks, in the order of the table.

    Rays are cast for the images of the draw; the center of their top left pixel is given.

    Raises:
        UserError: there is no ray caster, no such data set, or none of its models.
    """
    require_ray_caster()
    bop = open_bop(path)
    images = [bop.images[i] for i in draw.choose(np.arange(len(bop.images)))]
    size = max(1, min(_TASK_SIZE, len(images) // workers.num_jobs))
    starts = range(0, len(images), size)
    tasks = [(bop.models_dir, images[k : k + size], pixel_center) for k in starts]
    findings = gather(workers.map(examine, tasks), len(images), "images", is_quiet)
    _refuse_other_models(bop, findings)
    hints = _compare_centers(bop, findings, pixel_center)
    obj_ids = sorted({thing.obj_id for image in bop.images for thing in image.objects})
    return [
        check_bop_files(bop, findings),
        check_bop_models(bop, obj_ids),
        check_bop_pose(findings),
        check_bop_mask("mask", findings, hints.get("mask", "")),
        check_bop_mask("visible", findings, hints.get("visible", "")),
        check_bop_depth(bop, findings),
        check_bop_info(findings),
    ]


def examine(models_dir: Path, images: Sequence[BopImage], pixel_center: float) -> list[BopFindings]:
    """Examines some images; loads each model once."""
    casters: dict[int, ModelCaster] = {}
    findings = []
    for image in images:
        try:
            for thing in image.objects:
                if thing.obj_id not in casters:
                    path = models_dir / f"obj_{thing.obj_id:06d}.ply"
                    casters[thing.obj_id] = ModelCaster(ModelFile(path))
        except UnusableModel as error:
            findings.append(BopFindings(image.name, str(error)))
            continue
        own = [casters[thing.obj_id] for thing in image.objects]
        findings.append(examine_image(image, own, pixel_center))
    return findings


def _refuse_other_models(bop: BopSet, findings: Sequence[BopFindings]) -> None:
    """Raises UserError if no model can be used: the models belong to another data set."""
    reasons = [f.damage for f in findings if f.damage.startswith("model ")]
    if reasons and len(reasons) == len(findings):
        raise UserError(
            f"{reasons[0]}; {bop.models_dir} does not hold the models of this data set: put them "
            "there"
        )


def _compare_centers(
    bop: BopSet, findings: Sequence[BopFindings], pixel_center: float
) -> dict[str, str]:
    """For each kind of mask: a hint, if the other pixel center fits the failing masks better."""
    other = next(center for center in PIXEL_CENTERS if center != pixel_center)
    by_name = {image.name: image for image in bop.images}
    hints = {}
    for kind in ("mask", "visible"):
        failing = [f for f in findings if find_mean_iou([f], kind)[1] < 1]
        failing = sorted(failing, key=lambda f: find_mean_iou([f], kind)[1])[:_NUM_COMPARED]
        if not failing or check_bop_mask(kind, findings).verdict is Verdict.PASS:
            continue
        again = examine(bop.models_dir, [by_name[f.name] for f in failing], other)
        (before, _), (after, _) = (find_mean_iou(found, kind) for found in (failing, again))
        if after > before:
            hints[kind] = (
                f"; with --pixel_center {other:g} the mean IoU of the worst {len(failing)} images "
                f"is {after:.4f} instead of {before:.4f}"
            )
    return hints
