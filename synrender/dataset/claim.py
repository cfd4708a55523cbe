"""Claims a data set's folder for a run: starts and describes it, or compares the settings.

The only module of this package that depends on sampling and the camera.
"""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import socket
from collections.abc import Generator, Sequence
from importlib import metadata

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.dataset.cpu_kinds import add_samples, describe_mixture
from synrender.dataset.design_info import CausalInfo, DesignFactor, DesignInfo, ShortcutInfo
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import (
    FORMAT_VERSION,
    RENDER_REVISION,
    CameraInfo,
    ClassInfo,
    DatasetInfo,
    RenderedBy,
    find_device,
    is_other_revision,
    read_info,
    refuse_other_revision,
    write_info,
)
from synrender.dataset.lock import in_use, locked
from synrender.dataset.removal import refuse_other_files, refuse_removal, remove_dataset
from synrender.errors import UserError
from synrender.sampling.camera import SENSOR_WIDTH_MM, scene_to_intrinsics, scene_to_world_to_camera
from synrender.sampling.designs import Rules
from synrender.sampling.designs.causal import Graph
from synrender.sampling.designs.grid import Grid
from synrender.sampling.designs.holdout import Holdout
from synrender.sampling.designs.kind import find_spreads
from synrender.sampling.designs.one_at_a_time import Sweeps
from synrender.sampling.designs.sequence import Sequence as Sequences
from synrender.sampling.designs.shortcut import Shortcut
from synrender.sampling.designs.twins import Twins
from synrender.sampling.distributions import check_distributions, find_distributions
from synrender.sampling.draws import draw_color_reference
from synrender.sampling.levels import Levels, find_levels
from synrender.sampling.sample_plan import find_rules
from synrender.settings.factor_table import COLUMNS, find_columns, find_factor
from synrender.settings.groups import Assets, Design, Settings
from synrender.settings.load import settings_to_dict, settings_to_gin, with_layout
from synrender.system.disk import READ_ONLY
from synrender.system.files import write_array, write_text
from synrender.system.folders import find_program_version

FREE_SETTINGS = (
    *("batch.idx_offset", "batch.num_samples", "rendering.threads"),
    *("rendering.use_gpu", "rendering.allow_mixed_devices"),
    *("assets.models", "assets.source", "assets.textures", "assets.environments"),
    *("captions.style", "captions.patterns", "captions.num_negatives"),
)
"""Settings that may differ between two runs of the same data set, because they change no pixel.
Models are compared by their fingerprint, wherever they are.
If ``use_gpu`` selects another device, `claim_renderer` refuses the run."""

RECORDED_PACKAGES = ("numpy", "gin-config")
REMEDY = "choose another --dataset_name, or add --overwrite to start again"


def claim_dataset(folder: DatasetFolder, settings: Settings, catalog: Catalog) -> DatasetInfo:
    """`claimed`, where another process keeps the data set from being overwritten."""
    with claimed(folder, settings, catalog) as info:
        return info


@contextlib.contextmanager
def claimed(
    folder: DatasetFolder, settings: Settings, catalog: Catalog, overwrite: bool = False
) -> Generator[DatasetInfo]:
    """Starts a data set in its folder, or resumes one with the same settings.

    The stored batch is extended to include the samples of this run; with ``overwrite`` the data set
    is removed first. Until the context ends, no other process can overwrite it. A complete data set
    may be on a disk or in a folder that cannot be written to.

    Yields:
        The description, as stored.

    Raises:
        UserError: the folder holds other files, or a data set with other settings; or somebody is
            at work there.
    """
    settings = with_layout(settings, folder.files_per_folder)
    describe_design(settings, catalog)  # refuses what cannot be, before anything is written
    if overwrite:
        refuse_removal(folder)
    else:
        refuse_other_files(folder)
    folder.path.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as holds:
        with locked(folder.path):
            if overwrite:
                remove_dataset(folder)
            _create_image_dir(folder)
            info = _begin_or_resume(folder, settings, catalog)
            holds.enter_context(in_use(folder.path, "rendered", is_shared=True))
        yield info


def _create_image_dir(folder: DatasetFolder) -> None:
    try:
        folder.image_dir.mkdir(exist_ok=True)
    except OSError as error:  # an archived data set, which needs none
        if error.errno not in READ_ONLY or not folder.is_begun:
            raise


def _begin_or_resume(folder: DatasetFolder, settings: Settings, catalog: Catalog) -> DatasetInfo:
    info = refuse_other_settings(folder, settings, catalog)
    if info is None:
        info = _describe(settings, catalog)
        color_reference = draw_color_reference(
            settings.batch.seed, len(settings.sample.classes), settings.material.num_modes
        )
        write_array(folder.color_reference_path, color_reference)
        write_description(folder, info)
        return info
    extended = extend_batch(info, settings)
    if extended != info:
        write_description(folder, extended)
    return extended


def claim_renderer(folder: DatasetFolder, by: RenderedBy, idxs: Sequence[int]) -> str:
    """Records what renders ascending samples; refuses what gives other pixels than the data set's.

    Another kind of CPU is not refused. The data set is claimed.

    Returns:
        A line to print if samples of several kinds of CPU are in the data set; else "".

    Raises:
        UserError: the data set was rendered with another Blender, device or revision.
    """
    with locked(folder.path):
        info = folder.read_info()
        refuse_other_revision(folder.path, info, f"continues it; or {REMEDY}", by.revision)
        version, device = by.blender, by.device
        known_version = info.versions.get("blender")
        if known_version not in (None, version):
            raise UserError(
                f"{folder.path} was rendered with Blender {known_version}, this is {version}: the "
                f"two give different pixels; {REMEDY}"
            )
        known_device, is_mixed = find_device(info), info.settings.rendering.allow_mixed_devices
        if known_device not in (None, device) and not is_mixed:
            raise UserError(
                f"{folder.path} was rendered on {known_device}, this run has {device}, on "
                f"{socket.gethostname()}: the two give different pixels; set rendering.use_gpu as "
                "it was and leave such machines out, or allow it with "
                f"rendering.allow_mixed_devices = True; or {REMEDY}"
            )
        versions = {**info.versions, "blender": version}
        cpus = add_samples(info.cpus, by.cpu, idxs, device if is_mixed else None)
        known_device = known_device or device
        claimed = dataclasses.replace(info, versions=versions, device=known_device, cpus=cpus)
        if claimed != info:
            write_info(folder.path, claimed)
    mixture = describe_mixture(entry.cpu for entry in cpus)
    return f"{folder.path} is of {mixture}" if mixture else ""


def add_rejected(folder: DatasetFolder, rejected: dict[str, str]) -> None:
    """Adds rejected models and textures, ``{name: reason}``, to ``dataset.json``."""
    _add_reasons(folder, "rejected", rejected)


def add_incomplete(folder: DatasetFolder, incomplete: dict[str, str]) -> None:
    """Adds models without all of their own look, ``{name: reason}``, to ``dataset.json``."""
    _add_reasons(folder, "incomplete", incomplete)


def _add_reasons(folder: DatasetFolder, field: str, reasons: dict[str, str]) -> None:
    with locked(folder.path):
        info = folder.read_info()
        known = getattr(info, field)
        if reasons.items() <= known.items():
            return
        merged = dict(sorted({**known, **reasons}.items()))
        write_info(folder.path, dataclasses.replace(info, **{field: merged}))


# --- describing -----------------------------------------------------------------------------------


def _describe(settings: Settings, catalog: Catalog) -> DatasetInfo:
    scene, resolution = settings.scene, settings.rendering.resolution
    return DatasetInfo(
        format_version=FORMAT_VERSION,
        versions=_find_versions(),
        seed=settings.batch.seed,
        sources=catalog.sources,
        camera=CameraInfo(
            convention="OpenCV: x right, y down, z forward; pixel = K @ (world_to_camera @ p); "
            "the top left pixel's centre is (0.5, 0.5); metres",
            intrinsics=_to_tuples(scene_to_intrinsics(scene, resolution)),
            world_to_camera=_to_tuples(scene_to_world_to_camera(scene)),
            lens_mm=scene.camera_lens,
            sensor_width_mm=SENSOR_WIDTH_MM,
            resolution=resolution,
        ),
        classes={
            c: ClassInfo(catalog.class_names[c], catalog.synset_ids[c])
            for c in settings.sample.class_list
        },
        # Without paths, which do not hold on other machines.
        settings=dataclasses.replace(settings, assets=Assets(up_axis=settings.assets.up_axis)),
        design=describe_design(settings, catalog),
        render_revision=RENDER_REVISION,
        num_columns=len(COLUMNS),
    )


def _to_tuples(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def _find_versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {
        "synrender": find_program_version(),
        "python": platform.python_version(),
    }
    for package in RECORDED_PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):  # only linked into Blender's path
            versions[package] = metadata.version(package)
    return versions


def write_description(folder: DatasetFolder, info: DatasetInfo) -> None:
    """Writes ``config.gin``, then ``dataset.json``."""
    write_text(folder.config_path, settings_to_gin(info.settings))
    write_info(folder.path, info)


def extend_batch(info: DatasetInfo, settings: Settings) -> DatasetInfo:
    """Extends the stored batch so that it includes the samples of this run, and what it allows."""
    known, batch = info.settings.batch, settings.batch
    start = min(known.idx_offset, batch.idx_offset)
    end = max(known.idx_offset + known.num_samples, batch.idx_offset + batch.num_samples)
    span = dataclasses.replace(known, idx_offset=start, num_samples=end - start)
    rendering = info.settings.rendering
    if settings.rendering.allow_mixed_devices:
        rendering = dataclasses.replace(rendering, allow_mixed_devices=True)
    extended = dataclasses.replace(
        info.settings, batch=span, captions=settings.captions, rendering=rendering
    )
    return dataclasses.replace(info, settings=extended)


# --- refusing -----------------------------------------------------------------------------------

MAX_LISTED = 4
"""Settings that one line names."""


def describe_difference(stored: Settings, now: Settings) -> str:
    """The settings that differ, those that the user named first; "" if none do."""
    known, wanted = settings_to_dict(stored), settings_to_dict(now)
    names = [n for n in wanted if n not in FREE_SETTINGS and known[n] != wanted[n]]
    if "design.level_choice" in names and not _uses_level_choice(stored.design):
        names.remove("design.level_choice")
    if not names:
        return ""
    first, *others = [*(n for n in now.named if n in names), *names]
    others = [name for name in dict.fromkeys(others) if name != first]
    listed = ", ".join(others[:MAX_LISTED]) + ", ..." * (len(others) > MAX_LISTED)
    also = f"; also different: {listed}" if others else ""
    return f"{first} = {known[first]!r}, this run has {wanted[first]!r}{also}"


def _uses_level_choice(design: Design) -> bool:
    """Whether ``design.level_choice`` decides any value: of files, levels are always drawn."""
    files = ("class", "model", "texture", "backdrop_texture", "environment")
    return any(isinstance(v, int) for name, v in design.levels.items() if name not in files)


def refuse_other_settings(
    folder: DatasetFolder, settings: Settings, catalog: Catalog
) -> DatasetInfo | None:
    """Refuses to resume a data set with settings, models or textures that differ.

    Likewise one that lacks samples, if this program renders other pixels.

    Returns:
        The description, as stored; None if the data set is not begun.

    Raises:
        UserError: they differ.
    """
    info = read_info(folder.path)
    if info is None:
        return None
    settings = with_layout(settings, folder.files_per_folder)
    if difference := describe_difference(info.settings, settings):
        raise UserError(f"{folder.path} was made with {difference}: {REMEDY}")
    if difference := info.sources.find_difference(catalog.plain_sources):
        kind, there, here = difference
        raise UserError(
            f"{folder.path} was made with other {kind} ({there}) than this run finds ({here}): "
            f"{REMEDY}"
        )
    if is_other_revision(info) and folder.find_missing(settings.batch.idxs):
        refuse_other_revision(folder.path, info, f"continues it; or {REMEDY}")
    return info


# --- designs, with all that was drawn for them ----------------------------------------------------


def describe_design(settings: Settings, catalog: Catalog) -> DesignInfo | None:
    """Description of the design of a data set; None where all is drawn at random.

    Raises:
        UserError: the design cannot be; one line says why.
    """
    design, rules = settings.design, find_rules(settings)
    for name, value in design.fixed.items():
        find_levels(name, (value,), settings, catalog)  # refuses values out of range
    files = dict.fromkeys(("texture", "backdrop_texture"), catalog.textures)
    files["environment"] = catalog.environments
    check_distributions(settings, files)
    if design.kind == ("random",) and not design.levels and not design.distributions:
        return None
    grid, sweeps, twins = rules.find(Grid), rules.find(Sweeps), rules.find(Twins)
    holdout = rules.find(Holdout)
    twin_names = twins.decided if twins else ()
    for name in twin_names:
        if name not in rules.num_levels:
            _refuse_equal_twins(name, settings, catalog)
    sequence = rules.find(Sequences)
    paths = sequence.paths if sequence else {}
    for name, path in paths.items():
        if path.kind == "drawn" or (path.kind == "linear" and not path.numbers):
            _refuse_still(name, settings)
    inner_ranges = holdout.inner_ranges if holdout else {}
    named = (*rules.num_levels, *twin_names, *inner_ranges, *design.distributions, *paths)
    return DesignInfo(
        kinds=design.kind,
        factors={
            name: _describe_factor(name, design, settings, catalog) for name in dict.fromkeys(named)
        },
        split_buckets=rules.split_buckets,
        repeats=grid.repeats if grid else 1,
        block_size=rules.block_size,
        grid=grid.decided if grid else (),
        sweeps=sweeps.decided if sweeps else (),
        twins=twin_names,
        shortcut=_describe_shortcut(rules),
        held_out=holdout.list_combinations() if holdout else (),
        inner_ranges={n: tuple(map(float, r)) for n, r in inner_ranges.items()},
        causal=_describe_graph(rules),
        paths=dict(paths),
    )


def _refuse_equal_twins(name: str, settings: Settings, catalog: Catalog) -> None:
    """Refuses twins that would look the same, because the factor is not drawn or not visible."""
    design, material, num = settings.design, settings.material, settings.design.twin_size
    num_textures, num_classes = len(catalog.textures), len(settings.sample.class_list)
    is_own = material.source == "own"
    has_textures = num_textures >= num * (settings.sample.num_objs + 1)
    shows_images = material.use_texture or is_own
    num_models = min(
        len(catalog.bucket_models(c, b))
        for c in settings.sample.class_list
        for b in range(settings.object.n_buckets)
    )
    reasons = {
        **_find_spreads(settings),
        "texture": ("material.source" if is_own else "textures", has_textures and not is_own),
        "backdrop_texture": ("textures", has_textures),
        "class": ("sample.class_idxs", num_classes >= num),
        "model": ("models in each bucket", num_models >= num),
    }
    own = find_distributions(design).get(name)
    if own is not None and not (is_own and name == "texture"):
        num_weighted = sum(weight > 0 for weight in own.numbers)
        is_varied = own.kind != "weights" or num_weighted >= num
        reasons[name] = ("its weights in design.distributions", is_varied)
    if name in ("color", "backdrop_color"):  # visible, however it is drawn
        reasons["color"] = (
            "material.color_intensity",
            not shows_images or material.color_intensity > 0,
        )
        reasons["backdrop_color"] = ("material.use_texture", not material.use_texture)
    setting, is_varied = reasons[name]
    if not is_varied:
        raise UserError(
            f"design.twins: {name!r}: {num} twins would look the same, because of {setting}; "
            "change it, or leave the factor out"
        )


def _find_spreads(settings: Settings) -> dict[str, tuple[str, bool]]:
    """Factors that are numbers: the setting that says how far they spread, and whether they do."""
    spreads = find_spreads(settings.object, settings.lighting)
    return {
        **{name: (setting, spread > 0) for name, (setting, spread) in spreads.items()},
        "layout": ("sample.num_objs", settings.sample.num_objs > 1),
        "color": ("", True),
        "backdrop_color": ("", True),
    }


def _refuse_still(name: str, settings: Settings) -> None:
    """Refuses a path between drawn values of a factor that is not drawn."""
    if name in settings.design.distributions:
        return
    setting, is_varied = _find_spreads(settings).get(name, ("", False))
    if not is_varied:
        because = f" ({setting} is what spreads it)" if setting else ""
        raise UserError(
            f"design.paths: {name!r}: moves between drawn values, and it is not drawn{because}; "
            "give it a distribution in design.distributions, or values in its path"
        )


def _describe_factor(
    name: str, design: Design, settings: Settings, catalog: Catalog
) -> DesignFactor:
    factor = find_factor(name)
    levels = Levels(())
    if name in design.levels:
        levels = find_levels(name, design.levels[name], settings, catalog)
    columns = tuple(COLUMNS[column] for column in find_columns(name))
    return DesignFactor(
        factor.kind.value, factor.scope.value, factor.unit, columns, levels.values, levels.names,
        find_distributions(design).get(name),
    )  # fmt: skip


def _describe_shortcut(rules: Rules) -> ShortcutInfo | None:
    if (cut := rules.find(Shortcut)) is None:
        return None
    return ShortcutInfo(cut.cue, cut.target, cut.partners, cut.rho)


def _describe_graph(rules: Rules) -> CausalInfo | None:
    if (graph := rules.find(Graph)) is None:
        return None
    do = {split: dict(factors) for split, factors in graph.do.items()}
    return CausalInfo(dict(graph.parents), dict(graph.tables), do)
