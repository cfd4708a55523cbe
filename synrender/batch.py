"""Renders a batch: what is missing of a range of samples, each committed as soon as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from synrender.catalog import Catalog
from synrender.console import format_duration
from synrender.embedding import prepare_blender
from synrender.interrupts import interrupts_held
from synrender.provenance import add_rejected, claim_blender_version, claim_dataset
from synrender.records import (
    find_missing,
    image_path,
    record_path,
    write_array,
    write_atomically,
)
from synrender.sampling import draw_sample
from synrender.settings import Settings


@dataclass(frozen=True)
class BatchReport:
    """What a batch did."""

    num_samples: int
    num_rendered: int  # the others were complete already
    seconds: float
    rejected: dict[str, str] = field(default_factory=dict)  # by this batch: {name: reason}
    notes: list[str] = field(default_factory=list)  # lines to tell the user

    def to_lines(self, dataset_dir: Path) -> list[str]:
        """The report as lines to print."""
        lines = list(self.notes)
        if self.num_rendered == 0:
            return [*lines, f"{dataset_dir}: all {self.num_samples} samples are complete already."]
        lines += [f"rejected {name}: {reason}" for name, reason in self.rejected.items()]
        kept = self.num_samples - self.num_rendered
        lines.append(
            f"{dataset_dir}: rendered {self.num_rendered} samples in "
            f"{format_duration(self.seconds)}" + (f", kept {kept}." if kept else ".")
        )
        return lines


def render_batch(
    settings: Settings,
    dataset_dir: Path,
    catalog: Catalog,
    overwrite: bool = False,
    on_sample: Callable[[int, int], None] = lambda done, total: None,
    on_stage: Callable[[str, int], None] = lambda stage, idx: None,
) -> BatchReport:
    """Renders those samples of ``settings.batch`` that are not complete.

    Starts Blender only if there is something to render.

    Args:
        settings: of the data set and the batch.
        dataset_dir: folder of the data set; made if need be.
        catalog: the models and textures.
        overwrite: begin the data set anew.
        on_sample: called as ``on_sample(done, total)`` at the start and after each sample.
        on_stage: called as ``on_stage("build" or "render", idx)`` before each of a sample's stages.

    Raises:
        UserError: the folder holds another data set, or this Blender cannot do what is asked.
        RuntimeError: Blender failed.
        OSError: files cannot be written.
        KeyboardInterrupt: after the sample during which Ctrl-C came.
    """
    start = time.monotonic()
    batch, render_exr = settings.batch, settings.rendering.render_exr
    rejected = known_rejected = claim_dataset(dataset_dir, settings, catalog, overwrite)
    idxs = range(batch.idx_offset, batch.idx_offset + batch.num_samples)
    missing = find_missing(dataset_dir, idxs, render_exr)
    if not missing:
        return BatchReport(batch.num_samples, 0, time.monotonic() - start)

    prepare_blender()
    from synrender.blender.build import Builder
    from synrender.blender.engine import BLENDER_VERSION, render_frame, start_engine

    claim_blender_version(dataset_dir, BLENDER_VERSION)
    with interrupts_held() as check_for_interrupt:
        scene, notes = start_engine(settings.rendering)
        builder = Builder(scene, settings, catalog, rejected)
        on_sample(0, len(missing))
        for done, idx in enumerate(missing, start=1):
            check_for_interrupt()
            on_stage("build", idx)
            plan = draw_sample(settings, catalog, idx)
            record = builder.build_sample(plan)
            if builder.rejected.keys() > rejected.keys():
                rejected = dict(builder.rejected)
                add_rejected(dataset_dir, rejected)
            on_stage("render", idx)
            write_atomically(
                image_path(dataset_dir, idx, render_exr),
                lambda path, plan=plan: render_frame(scene, path, plan.noise_seed),
            )
            write_array(record_path(dataset_dir, idx), record)
            on_sample(done, len(missing))
    newly_rejected = {k: v for k, v in rejected.items() if k not in known_rejected}
    return BatchReport(
        batch.num_samples, len(missing), time.monotonic() - start, newly_rejected, notes
    )
