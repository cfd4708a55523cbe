"""How often the audit's silhouette check fails true data sets, and catches falsified ones.

    python benchmarks/silhouettes.py FOLDER [--samples 2400] [--res 32 48 64] [--keep FILE]

Renders samples of single objects into FOLDER (3 minutes for 2,400 of 32 px on one core), finds the
outline of each, and forms 200 data sets of 12 samples and 200 of 120 from them. With 2,400 samples
no two data sets of 12 share a sample, and each sample is in ten data sets of 120. Prints how many
data sets fail; how often each mishap happens to an outline, beside the bound that the check
assumes; and how many data sets of 480 of the samples fail after each falsification of the masks.
``--keep`` writes all findings, from which tests form their data sets.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.shared import run_script
from synrender.audit.check import Verdict
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.picture_verdicts import MISHAPS, check_outline
from synrender.audit.pictures import OutlineFindings, find_outline
from synrender.audit.rays.audited_dataset import Records, Subject, load_records, open_subject
from synrender.audit.rays.model_caster import ModelCaster
from synrender.audit.rays.view import RayView
from synrender.dataset.folder import open_dataset_folder
from synrender.system.folders import Folders

NUM_SETS, SET_SIZES = 200, (12, 120)
SETTINGS = (
    "rendering.render_samples = 1", "rendering.threads = 1", "batch.cache_obj_frames = 2",
    "object.random_viewpoint = 1", "lighting.r = 1",
)  # fmt: skip
LENGTHS = (24, 32, 48, 64, 96, 128, 192, 100_000)

Falsify = Callable[[Sequence[np.ndarray], int], np.ndarray]
"""Instances of all samples (h, w) each, and the place of one: what its mask becomes."""


def shift(num_px: int) -> Falsify:
    return lambda masks, i: np.roll(masks[i], num_px, axis=1)


def erode(num_px: int) -> Falsify:
    return lambda masks, i: (
        masks[i] * ndimage.binary_erosion(masks[i] > 0, iterations=num_px).astype(masks[i].dtype)
    )


def dilate(num_px: int) -> Falsify:
    return lambda masks, i: ndimage.grey_dilation(masks[i], size=2 * num_px + 1)


FALSIFICATIONS: dict[str, Falsify] = {
    "1 px to the right": shift(1),
    "2 px to the right": shift(2),
    "another pose of the model": lambda masks, i: masks[i ^ 1],
    "another model": lambda masks, i: masks[(i + 37) % len(masks)],
    "1 px smaller": erode(1),
    "2 px smaller": erode(2),
    "2 px larger": dilate(2),
}


@dataclass(frozen=True)
class Pool:
    """True samples of one resolution."""

    subject: Subject
    records: Records
    pictures: list[np.ndarray]  # (h, w, 3) uint8
    masks: list[np.ndarray]  # (h, w) instances that the rays see


def render_pool(data_dir: Path, res: int, num_samples: int) -> Pool:
    """Renders what is missing, and casts rays for all samples."""
    name, size = f"true_{res}", f"num_samples = {num_samples}"
    bindings = f"batch.{size}", f"object.total_{size}", f"rendering.resolution = {res}"
    run_script(data_dir, "render.py", "-d", name, "-p", *SETTINGS, *bindings)
    subject = open_subject(open_dataset_folder(data_dir, name), Folders(data_dir))
    records = load_records(subject)
    starts = np.unique(records.idxs, return_index=True)[1]
    load = functools.cache(ModelCaster)
    pictures, masks = [], []
    for record in np.split(records.rows, starts[1:]):
        path = subject.folder.image_path(int(record["sample_idx"][0]))
        pictures.append(np.asarray(Image.open(path).convert("RGB")))
        casters = {str(p): load(p) for p in map(subject.model_file, record)}
        view = RayView(subject, record, subject.find_camera(record), casters)
        masks.append(view.cast.instance)
    return Pool(subject, records, pictures, masks)


def find_all(pool: Pool, falsify: Falsify | None, num: int) -> list[OutlineFindings]:
    """Findings of the first samples, with their masks or falsified ones."""
    masks = [falsify(pool.masks, i) if falsify else pool.masks[i] for i in range(num)]
    return [find_outline(pool.pictures[i], mask) for i, mask in enumerate(masks)]


def form_sets(num: int, size: int) -> list[np.ndarray]:
    """Places of the samples of `NUM_SETS` data sets, (size,) each.

    The samples are shuffled and cut into data sets; then they are shuffled anew.
    """
    rng, sets = np.random.default_rng(0), []
    while len(sets) < NUM_SETS:
        order = rng.permutation(num)[: num - num % size]
        sets += [np.sort(places) for places in np.split(order, num // size)]
    return sets[:NUM_SETS]


def count_failed(pool: Pool, outlines: Sequence[OutlineFindings], size: int) -> int:
    """How many data sets of `form_sets` fail."""
    failed = 0
    idxs = pool.records.sample_idxs
    for places in form_sets(len(outlines), size):
        is_chosen = np.isin(pool.records.idxs, idxs[places])
        records = Records(pool.records.rows[is_chosen], pool.records.idxs[is_chosen], {})
        findings = [SampleFindings(int(idxs[i]), outline=outlines[i]) for i in places]
        verdict = check_outline(pool.subject, records, findings).verdict
        failed += verdict is Verdict.FAIL
    return failed


def print_limits(outlines: Sequence[OutlineFindings]) -> None:
    """Upper 95 % limit of each mishap's number, as a share of the number that the check assumes."""
    some = [o for o in outlines if o.is_measured]
    assumed = sum(1 / o.length_px for o in some)
    for mishap in MISHAPS:
        num = sum(mishap.has(o) for o in some)
        limit = stats.chi2.isf(0.05, 2 * (num + 1)) / 2  # of a Poisson number; 3.0 for none
        share = limit / (mishap.px * assumed)
        print(f"  {mishap.name}: {num} of {len(some)}, with 95 % at most {share:.2f} of the bound")


def print_mishaps(outlines: Sequence[OutlineFindings]) -> None:
    """How often each happens to outlines of similar length, in percent, and its bound there."""
    for low, high in itertools.pairwise(LENGTHS):
        some = [o for o in outlines if low <= o.length_px < high]
        if some:
            bound = np.mean([1 / o.length_px for o in some])
            shares = (
                f"{100 * np.mean([m.has(o) for o in some]):.2f} (bound {100 * m.px * bound:.2f})"
                for m in MISHAPS
            )
            print(f"  {low:>4} to {high:<6} px {len(some):>5} outlines: {', '.join(shares)}")


def to_rows(outlines: Sequence[OutlineFindings]) -> np.ndarray:
    """What the check goes by, (n, 4) float32: shift in x and y, rank, length."""
    return np.array([(*o.shift_px, o.rank, o.length_px) for o in outlines], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=2400)
    parser.add_argument("--res", type=int, nargs="+", default=[32, 48, 64])
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    kept = {}
    for res in arguments.res:
        pool = render_pool(arguments.folder.absolute(), res, arguments.samples)
        true = find_all(pool, None, len(pool.masks))
        kept[f"{res} px"] = to_rows(true)
        for size in SET_SIZES:
            failed = count_failed(pool, true, size)
            print(f"{res} px: {failed} of {NUM_SETS} true sets of {size} fail")
        print_limits(true)
        print(f"  in percent: {', '.join(mishap.name for mishap in MISHAPS)}")
        print_mishaps(true)
        for name, falsify in FALSIFICATIONS.items():
            outlines = find_all(pool, falsify, min(480, len(pool.masks)))
            kept[f"{res} px, {name}"] = to_rows(outlines)
            failed = (f"{count_failed(pool, outlines, size)} of {size}" for size in SET_SIZES)
            print(f"  {name}: of {NUM_SETS} sets each fail {', '.join(failed)} samples", flush=True)
    if arguments.keep:
        np.savez_compressed(arguments.keep, **kept)


if __name__ == "__main__":
    main()
