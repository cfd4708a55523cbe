"""What a data set knows of itself: ``config.gin``, ``dataset.json`` and ``color_reference.npy``."""

from __future__ import annotations

import contextlib
import fcntl
import json
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import numpy as np

from synrender.camera import SENSOR_WIDTH_MM, scene_to_intrinsics, scene_to_world_to_camera
from synrender.catalog import Catalog
from synrender.errors import UserError
from synrender.records import remove_stale_files, write_array, write_text
from synrender.sampling import draw_color_reference
from synrender.settings import Settings, settings_to_dict, settings_to_gin

FORMAT_VERSION = 1
"""Of the files of a data set; raised when a reader has to know of a change."""

# What may differ between two runs that fill the same data set: it changes no pixel.
FREE_SETTINGS = ("batch.idx_offset", "batch.num_samples", "rendering.threads", "rendering.use_gpu")


def claim_dataset(
    dataset_dir: Path, settings: Settings, catalog: Catalog, overwrite: bool = False
) -> dict[str, str]:
    """Makes a data set's folder, or finds the one that the same settings began, and describes it.

    Args:
        dataset_dir: folder of the data set.
        settings: of this run; ``config.gin`` comes to span the samples of all runs.
        catalog: of this run.
        overwrite: remove what is there and begin anew.

    Returns:
        Models and textures that earlier runs rejected: ``{name: reason}``.

    Raises:
        UserError: the folder holds something else, or a data set made with other settings.
    """
    if overwrite:
        _remove_dataset(dataset_dir)
    (dataset_dir / "img").mkdir(parents=True, exist_ok=True)
    with _locked(dataset_dir):
        info = read_dataset_info(dataset_dir)
        if info is None:
            _refuse_strangers(dataset_dir)
            info = _describe(settings, catalog)
            _write_all(dataset_dir, info, settings)
        else:
            _refuse_other_settings(dataset_dir, info, settings, catalog)
            _widen(dataset_dir, info, settings)
        remove_stale_files(dataset_dir / "img")
        return info["rejected"]


def read_dataset_info(dataset_dir: Path) -> dict[str, Any] | None:
    """Content of ``dataset.json``, or None where there is none."""
    path = dataset_dir / "dataset.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(
            f"{path}: damaged ({error}); --overwrite starts the data set anew"
        ) from None


def claim_blender_version(dataset_dir: Path, version: str) -> None:
    """Notes the Blender that renders, and refuses a second one: its pixels would differ.

    Args:
        dataset_dir: folder of a claimed data set.
        version: such as ``"4.5.15"``.
    """
    with _locked(dataset_dir):
        info = read_dataset_info(dataset_dir)
        known = info["versions"].get("blender")
        if known == version:
            return
        if known is not None:
            raise UserError(
                f"{dataset_dir} was rendered with Blender {known}, this is {version}: the two give "
                "different pixels; choose another --dataset_name, or --overwrite to start anew"
            )
        info["versions"]["blender"] = version
        _write_info(dataset_dir, info)


def add_rejected(dataset_dir: Path, rejected: dict[str, str]) -> None:
    """Adds rejected models and textures, ``{name: reason}``, to ``dataset.json``."""
    with _locked(dataset_dir):
        info = read_dataset_info(dataset_dir)
        if rejected.items() <= info["rejected"].items():
            return
        info["rejected"] = dict(sorted({**info["rejected"], **rejected}.items()))
        _write_info(dataset_dir, info)


# --- writing ------------------------------------------------------------------------------------


def _describe(settings: Settings, catalog: Catalog) -> dict[str, Any]:
    scene, resolution = settings.scene, settings.rendering.resolution
    return {
        "format_version": FORMAT_VERSION,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "gin": gin.__version__ if hasattr(gin, "__version__") else None,
        },
        "seed": settings.batch.seed,
        "sources": catalog.to_provenance(),
        "camera": {
            "convention": "OpenCV: x right, y down, z forward; pixel = K @ (world_to_camera @ p); "
            "the top left pixel's centre is (0.5, 0.5); metres",
            "intrinsics": scene_to_intrinsics(scene, resolution).tolist(),
            "world_to_camera": scene_to_world_to_camera(scene).tolist(),
            "lens_mm": scene.camera_lens,
            "sensor_width_mm": SENSOR_WIDTH_MM,
            "resolution": resolution,
        },
        "classes": {
            str(c): {"name": settings.sample.classes[c], "synset_id": catalog.synset_ids[c]}
            for c in settings.sample.class_list
        },
        "settings": settings_to_dict(settings),
        "rejected": {},
    }


def _write_all(dataset_dir: Path, info: dict[str, Any], settings: Settings) -> None:
    color_reference = draw_color_reference(
        settings.batch.seed, len(settings.sample.classes), settings.material.num_modes
    )
    write_array(dataset_dir / "color_reference.npy", color_reference)
    write_text(dataset_dir / "config.gin", settings_to_gin(settings))
    _write_info(dataset_dir, info)


def _write_info(dataset_dir: Path, info: dict[str, Any]) -> None:
    write_text(dataset_dir / "dataset.json", json.dumps(info, indent=1) + "\n")


def _widen(dataset_dir: Path, info: dict[str, Any], settings: Settings) -> None:
    """Makes ``config.gin`` span the samples of this run too."""
    known, batch = info["settings"], settings.batch
    start = min(known["batch.idx_offset"], batch.idx_offset)
    end = max(
        known["batch.idx_offset"] + known["batch.num_samples"],
        batch.idx_offset + batch.num_samples,
    )
    if (start, end - start) == (known["batch.idx_offset"], known["batch.num_samples"]):
        return
    known.update({"batch.idx_offset": start, "batch.num_samples": end - start})
    lines = (dataset_dir / "config.gin").read_text(encoding="utf-8").splitlines()
    for i, line in enumerate(lines):
        name = line.partition(" = ")[0]
        if name in ("batch.idx_offset", "batch.num_samples"):
            lines[i] = f"{name} = {known[name]}"
    write_text(dataset_dir / "config.gin", "\n".join(lines) + "\n")
    _write_info(dataset_dir, info)


# --- refusing -----------------------------------------------------------------------------------


def _refuse_strangers(dataset_dir: Path) -> None:
    """Refuses a folder that was not begun here; what a killed first run left is ours."""
    ours = ("img", "config.gin", "color_reference.npy")
    found = [*dataset_dir.iterdir(), *(dataset_dir / "img").glob("*")]
    strangers = [p.name for p in found if p.name not in ours and not p.name.startswith(".")]
    if strangers:
        raise UserError(
            f"{dataset_dir} exists and is no data set of this program (it holds {strangers[0]}): "
            "choose another --dataset_name"
        )


def _refuse_other_settings(
    dataset_dir: Path, info: dict[str, Any], settings: Settings, catalog: Catalog
) -> None:
    remedy = "choose another --dataset_name, or --overwrite to start anew"
    known = info["settings"]
    for name, value in settings_to_dict(settings).items():
        if name not in FREE_SETTINGS and known.get(name) != value:
            raise UserError(
                f"{dataset_dir} was made with {name} = {known.get(name)!r}, this run has "
                f"{value!r}: {remedy}"
            )
    for kind, source in catalog.to_provenance().items():
        if info["sources"][kind]["fingerprint"] != source["fingerprint"]:
            raise UserError(
                f"{dataset_dir} was made with other {kind} ({info['sources'][kind]['source']}) "
                f"than this run finds ({source['source']}): {remedy}"
            )


def _remove_dataset(dataset_dir: Path) -> None:
    if not dataset_dir.exists():
        return
    if not (dataset_dir / "dataset.json").exists():
        _refuse_strangers(dataset_dir)
    # dataset.json goes after the bulk, so that a removal that is killed can be repeated.
    shutil.rmtree(dataset_dir / "img", ignore_errors=True)
    (dataset_dir / "dataset.json").unlink(missing_ok=True)
    shutil.rmtree(dataset_dir)


@contextlib.contextmanager
def _locked(dataset_dir: Path) -> Iterator[None]:
    """Holds off other processes that change the same data set's description."""
    with (dataset_dir / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
