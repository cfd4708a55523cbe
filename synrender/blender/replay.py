"""Renders a stored sample again and compares it with its files."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.assets.catalog import create_catalog
from synrender.assets.places import OpenAssets
from synrender.assets.provenance import Sources
from synrender.blender.batch import BatchTask, render_batch
from synrender.dataset.claim import add_rejected, claim_dataset
from synrender.dataset.cpu_kinds import MAX_LEVELS, MAX_SHARE_BEYOND, find_bound, find_cpu_of
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import refuse_other_revision
from synrender.dataset.record import (
    NEW_NAMES,
    are_equal,
    count_columns,
    is_old_record,
    keep_columns,
)
from synrender.dataset.removal import find_shown
from synrender.errors import UserError
from synrender.images.image_files import read_image
from synrender.images.scanline_exr import read_channels
from synrender.settings.groups import Assets, Settings
from synrender.system.locks import temporary_folder


@dataclass(frozen=True)
class ReplayResult:
    """Result of a replay."""

    is_equal: bool
    line: str  # to print


def load_replay_settings(folder: DatasetFolder, idx: int) -> Settings:
    """Recorded settings of a data set, reduced to one complete sample.

    Raises:
        UserError: the sample is missing or incomplete.
    """
    if not folder.is_complete(idx):
        raise UserError(f"--replay {folder.name} {idx}: no such complete sample in {folder.path}")
    info = folder.read_info()
    batch = dataclasses.replace(info.settings.batch, idx_offset=idx, num_samples=1)
    settings = dataclasses.replace(info.settings, batch=batch)
    return dataclasses.replace(settings, assets=_find_assets(settings.assets, info.sources))


def _find_assets(assets: Assets, sources: Sources) -> Assets:
    """Names what lies where it lay; of the demo set or moved, the environment says where it is."""
    models, textures, environments = sources.models, sources.textures, sources.environments
    if _is_there(models.source):
        assets = dataclasses.replace(assets, models=models.source, source=models.layout)
    if _is_there(textures.source):
        assets = dataclasses.replace(assets, textures=textures.source)
    if environments and _is_there(environments.source):
        assets = dataclasses.replace(assets, environments=environments.source)
    return assets


def _is_there(source: str | None) -> bool:
    return source is not None and os.path.isabs(source) and os.path.exists(source)


def replay_sample(
    folder: DatasetFolder, idx: int, settings: Settings, assets: OpenAssets
) -> ReplayResult:
    """Renders sample ``idx`` of a data set again, with the settings of `load_replay_settings`.

    Renders into a temporary folder, elsewhere if the data folder cannot be written to. Record and
    pixels must be equal to the bit; if the sample was rendered on another kind of CPU, pixels must
    be within a bound.

    Raises:
        UserError: the models or textures differ from those of the data set, or another version of
            this program renders its pixels.
    """
    info = folder.read_info()
    refuse_other_revision(folder.path, info, "replays it")
    folders, catalog = assets.folders, create_catalog(settings, assets)
    if difference := info.sources.find_difference(catalog.sources):
        kind, there, here = difference
        raise UserError(
            f"--replay {folder.name}: its {kind} came from {there}, but {here} has "
            "different ones; set the folders as they were"
        )
    stored = folder.read_record(idx)
    is_writable = os.access(folders.data, os.W_OK)
    parent = folders.data if is_writable else Path(tempfile.gettempdir())
    with temporary_folder(parent, ".replay") as scratch_dir:
        scratch = DatasetFolder(scratch_dir / folder.name, folder.is_exr)
        claim_dataset(scratch, settings, catalog)
        # What this sample shows was rejected later.
        used = find_shown(stored)
        add_rejected(scratch, {n: reason for n, reason in info.rejected.items() if n not in used})
        home = folders.blender if is_writable else scratch_dir / "blender"
        render_batch(BatchTask(settings, scratch, catalog, home))
        now = scratch.read_info()
        cpus = {find_cpu_of(i.cpus, idx) for i in (info, now)} - {None}
        difference = find_record_difference(stored, scratch.read_record(idx))
        difference = difference or _find_image_difference(
            folder.image_path(idx), scratch.image_path(idx), is_same_cpu=len(cpus) < 2
        )
    version, known = now.versions["blender"], info.versions.get("blender")
    by = f"Blender {version}" if version == known else f"Blender {version}, originally {known}"
    if len(cpus) < 2:
        found = difference or "equal, pixels and record"
    else:
        what = difference or "record equal, pixels within the bound for that"
        found = f"on another kind of CPU ({' and '.join(sorted(map(str, cpus)))}): {what}"
    return ReplayResult(difference is None, f"sample {idx} of {folder.name} ({by}): {found}")


def find_record_difference(stored: np.ndarray, now: np.ndarray) -> str | None:
    """First field in which two records of shape (num_objs,) differ; None if they are equal."""
    if stored.shape != now.shape:
        return f"the record has {len(stored)} objects stored, {len(now)} now"
    now = keep_columns(now, count_columns(stored))
    for field in stored.dtype.names or ():
        if is_old_record(stored) and field in NEW_NAMES:
            continue  # was not written then
        for k, (a, b) in enumerate(zip(stored[field], now[field], strict=True)):
            if not are_equal(a, b):
                return f"field {field!r} of object {k + 1} differs: stored {a!s}, now {b!s}"
    return None


def find_pixel_difference(
    name: str, stored: np.ndarray, now: np.ndarray, bound: float | None = None
) -> str | None:
    """First pixel in which two images, (h, w) or (h, w, c), differ; None if they do not.

    Values of two kinds of CPU may differ by a bound, but for few pixels; without one by nothing.
    """
    if stored.shape != now.shape:
        return f"{name} has shape {stored.shape} stored, {now.shape} now"
    with np.errstate(invalid="ignore"):
        differences = np.abs(stored.astype(float) - now.astype(float))
    is_other = (stored != now) & ~(differences <= (bound or 0))
    is_other = is_other.any(axis=2) if is_other.ndim == 3 else is_other
    num_allowed = 0 if bound is None else max(1, MAX_SHARE_BEYOND * is_other.size)
    if is_other.sum() <= num_allowed:
        return None
    y, x = np.argwhere(is_other)[0]
    largest = differences.max()
    return (
        f"{name} differs in {is_other.sum()} of {is_other.size} pixels, by {largest:g} at most; "
        f"first at x {x}, y {y}: stored {stored[y, x]}, now {now[y, x]}"
    )


def _find_image_difference(stored: Path, now: Path, is_same_cpu: bool) -> str | None:
    try:
        if read_image(stored) == read_image(now):
            return None
    except ValueError as error:
        return f"the stored image cannot be compared: {error}"
    if stored.suffix == ".png":
        from synrender.blender.image_blocks import read_png

        levels = None if is_same_cpu else MAX_LEVELS
        return find_pixel_difference("the image", read_png(stored), read_png(now), levels)
    try:
        (_, stored_channels), (_, now_channels) = read_channels(stored), read_channels(now)
    except ValueError as error:
        raise UserError(str(error)) from None
    if stored_channels.keys() != now_channels.keys():
        return f"the passes are {', '.join(stored_channels)} stored, {', '.join(now_channels)} now"
    differences = (
        find_pixel_difference(
            name, pixels, now_channels[name], None if is_same_cpu else find_bound(name)
        )
        for name, pixels in stored_channels.items()
    )
    return next(filter(None, differences), None)
