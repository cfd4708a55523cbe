"""Renders a sample of a finished data set again and compares it with what is stored."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.batch import render_batch
from synrender.catalog import load_catalog
from synrender.errors import UserError, nearest_name
from synrender.provenance import add_rejected, claim_dataset, read_dataset_info
from synrender.records import image_path, is_complete, read_record, record_path
from synrender.scanline_exr import read_channels
from synrender.settings import load_settings


@dataclass(frozen=True)
class Verdict:
    """What a replay found."""

    is_equal: bool
    line: str


def replay_sample(data_dir: Path, name: str, idx: int) -> Verdict:
    """Renders sample ``idx`` of data set ``name`` from its recorded configuration.

    Pixels and record are compared to the bit, in a folder that is removed afterwards.

    Raises:
        UserError: there is no such complete sample, or its models or textures are not at hand.
    """
    dataset_dir = data_dir / name
    info = read_dataset_info(dataset_dir)
    if info is None:
        names = [path.parent.name for path in data_dir.glob("*/dataset.json")]
        raise UserError(f"--replay {name}: no such data set{nearest_name(name, names)}")
    batch = [f"batch.idx_offset = {idx}", "batch.num_samples = 1"]
    settings = load_settings([str(dataset_dir / "config.gin")], batch)
    render_exr = settings.rendering.render_exr
    if not is_complete(dataset_dir, idx, render_exr):
        raise UserError(f"--replay {name} {idx}: no such complete sample in {dataset_dir}")
    catalog, _ = load_catalog(settings)
    for kind, source in catalog.to_provenance().items():
        if source["fingerprint"] != info["sources"][kind]["fingerprint"]:
            raise UserError(
                f"--replay {name}: its {kind} came from {info['sources'][kind]['source']}, and "
                f"those of {source['source']} are others; set the folders as they were"
            )
    stored = read_record(record_path(dataset_dir, idx))
    scratch = data_dir / f".replay.{os.getpid()}"
    try:
        claim_dataset(scratch, settings, catalog)
        add_rejected(scratch, _without_used(info["rejected"], stored))
        render_batch(settings, scratch, catalog)
        difference = find_record_difference(stored, read_record(record_path(scratch, idx)))
        difference = difference or _find_image_difference(
            image_path(dataset_dir, idx, render_exr), image_path(scratch, idx, render_exr)
        )
        version = read_dataset_info(scratch)["versions"]["blender"]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    known = info["versions"].get("blender")
    by = f"Blender {version}" if version == known else f"Blender {version}, first {known}"
    found = difference or "equal, pixels and record"
    return Verdict(difference is None, f"sample {idx} of {name} ({by}): {found}")


def _without_used(rejected: dict[str, str], record: np.ndarray) -> dict[str, str]:
    """Rejections without those that came after the sample was rendered: it shows the asset."""
    used = {f"{row['synset_id']}/{row['model_id']}" for row in record}
    used |= {str(row[field]) for row in record for field in ("texture", "backdrop_texture")}
    return {name: reason for name, reason in rejected.items() if name not in used}


def find_record_difference(stored: np.ndarray, now: np.ndarray) -> str | None:
    """First field in which two records, (num_objs,) each, differ; None if they are equal."""
    if stored.shape != now.shape:
        return f"the record has {len(stored)} objects stored, {len(now)} now"
    for field in stored.dtype.names:
        for k, (a, b) in enumerate(zip(stored[field], now[field], strict=True)):
            if not np.array_equal(a, b):
                return f"field {field!r} of object {k + 1} differs: stored {a!s}, now {b!s}"
    return None


def find_pixel_difference(name: str, stored: np.ndarray, now: np.ndarray) -> str | None:
    """First pixel in which two images, (h, w) or (h, w, c), differ; None if they are equal."""
    if stored.shape != now.shape:
        return f"{name} has shape {stored.shape} stored, {now.shape} now"
    is_other = stored != now
    is_other = is_other.any(axis=2) if is_other.ndim == 3 else is_other
    if not is_other.any():
        return None
    y, x = np.argwhere(is_other)[0]
    largest = np.abs(stored.astype(float) - now.astype(float)).max()
    return (
        f"{name} differs in {is_other.sum()} of {is_other.size} pixels, by {largest:g} at most; "
        f"first at x {x}, y {y}: stored {stored[y, x]}, now {now[y, x]}"
    )


def _find_image_difference(stored: Path, now: Path) -> str | None:
    if stored.read_bytes() == now.read_bytes():
        return None
    if stored.suffix == ".png":
        from synrender.blender.pixels import read_png

        return find_pixel_difference("the image", read_png(stored), read_png(now))
    try:
        (_, stored_channels), (_, now_channels) = read_channels(stored), read_channels(now)
    except ValueError as error:
        raise UserError(str(error)) from None
    if stored_channels.keys() != now_channels.keys():
        return f"the passes are {', '.join(stored_channels)} stored, {', '.join(now_channels)} now"
    differences = (
        find_pixel_difference(name, pixels, now_channels[name])
        for name, pixels in stored_channels.items()
    )
    return next(filter(None, differences), None)
