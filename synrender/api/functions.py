"""Settings, plans and whole data sets by one call each."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from synrender.assets.catalog import Catalog, create_catalog, with_own_classes
from synrender.assets.places import ensure_demo_sources, open_assets
from synrender.dataset.folder import name_to_dataset_dir
from synrender.errors import EXIT_USER, UserError
from synrender.sampling import sample_plan
from synrender.sampling.sample_plan import SamplePlan
from synrender.settings import load
from synrender.settings.groups import Settings
from synrender.settings.load import settings_to_gin
from synrender.system.folders import DATA_VARIABLE, Folders, find_folders


def load_settings(*config: str, **bindings: object) -> Settings:
    """Reads settings from gin files and bindings; bindings win over files, later ones over earlier.

    Args:
        config: names from ``config/`` such as ``"render_multi"``, paths of gin files, and bindings
            such as ``"batch.seed = 3"``. Without a file: ``"render_single"``.
        bindings: likewise, by name: ``**{"batch.seed": 3}``.

    Raises:
        UserError: there is no such file or setting, or a value is out of its range.

    >>> import synrender
    >>> settings = synrender.load_settings("render_multi", "batch.seed = 3")
    >>> settings.batch.seed, settings.sample.num_objs
    (3, 4)
    """
    files = [text for text in config if "=" not in text]
    texts = [text for text in config if "=" in text]
    texts += [f"{name} = {value!r}" for name, value in bindings.items()]
    return load.load_settings(files or ["render_single"], texts)


def draw_sample(settings: Settings, idx: int) -> SamplePlan:
    """Draws a sample as plain numbers; does not start Blender.

    Args:
        settings: of the data set, from `load_settings`.
        idx: 0 to ``settings.object.total_num_samples`` - 1.

    Raises:
        UserError: there is no such sample, or models or textures are missing.

    >>> import synrender
    >>> plan = synrender.draw_sample(synrender.load_settings("render_multi"), 13)
    >>> plan.idx, len(plan.objects)
    (13, 4)
    """
    return draw_from(*load_sources(settings, find_folders(os.environ)), idx)


def load_sources(settings: Settings, folders: Folders) -> tuple[Settings, Catalog]:
    """Settings with the classes of their source, and its catalog; makes the demo set if needed."""
    assets = open_assets(settings, folders)
    settings = with_own_classes(settings, assets)
    ensure_demo_sources(settings, assets)
    return settings, create_catalog(settings, assets)


def draw_from(settings: Settings, catalog: Catalog, idx: int) -> SamplePlan:
    """`draw_sample` from a catalog that is loaded.

    Raises:
        UserError: there is no such sample.
    """
    total = settings.object.total_num_samples
    if not 0 <= idx < total:
        raise UserError(
            f"sample {idx}: must be from 0 to object.total_num_samples - 1 = {total - 1}"
        )
    return sample_plan.draw_sample(settings, catalog, idx)


def render_dataset(
    name: str,
    settings: Settings,
    overwrite: bool = False,
    data_dir: str | Path | None = None,
    is_quiet: bool = False,
) -> Path:
    """Renders a data set, or what is missing of it, as ``render.py`` does.

    Args:
        name: of the data set.
        settings: from `load_settings`; ``batch`` says which samples.
        overwrite: remove a data set of this name first.
        data_dir: folder that the data set goes to; None: ``SYNRENDER_DATA_DIR``, else
            ``datasets/``.
        is_quiet: print nothing.

    Returns:
        Folder of the data set, for `open_dataset`.

    Raises:
        UserError: a mistake in the settings, or another data set has this name.
        RuntimeError: rendering failed.
    """
    folders = find_folders(os.environ)
    if data_dir is not None:
        folders = dataclasses.replace(folders, data=Path(data_dir).absolute())
    dataset_dir = name_to_dataset_dir(folders.data, name)
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch, "config.gin")
        config.write_text(settings_to_gin(settings), encoding="utf-8")
        options = ["--overwrite"] * overwrite + ["-r"] * is_quiet
        result = subprocess.run(
            [sys.executable, "-m", "synrender.cli.render", "-d", name, "-g", config, *options],
            env={**os.environ, DATA_VARIABLE: str(folders.data)},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    line = result.stderr.strip().rpartition("\n")[2].removeprefix("error: ")
    if result.returncode == EXIT_USER:
        raise UserError(line)
    if result.returncode:
        raise RuntimeError(line or f"render.py ended with status {result.returncode}")
    return dataset_dir
