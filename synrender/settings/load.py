"""Reads settings from gin files and bindings, and writes them as gin text or JSON values."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path

from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.checks import MAX_TOTAL_SAMPLES, GinValue
from synrender.settings.gin_text import Binding, read_gin_file, read_gin_text
from synrender.settings.groups import BatchSettings, Design, Object, Settings, find_types
from synrender.system.folders import CONFIG_DIRS

Groups = dict[str, dict[str, GinValue]]
"""Values by group and parameter."""

MIN_TRAINING_SAMPLES = 100
"""A run with fewer samples is a trial, and not meant for training."""


def find_config(name: str) -> Path:
    """Path of a gin file given by its name in ``config/`` (``render_multi``) or by its path.

    Raises:
        UserError: there is no such file.
    """
    named = [folder / f"{name}.gin" for folder in CONFIG_DIRS]
    for candidate in (*named, Path(name), Path(f"{name}.gin")):
        if candidate.is_file():
            return candidate
    names = [
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in CONFIG_DIRS
        for path in folder.rglob("*.gin")
    ]
    raise UserError(
        f"--gin_config {name}: no such file in config/ and no such path{nearest_name(name, names)}"
    )


def load_settings(
    gin_config: Iterable[str] = (), gin_param: Iterable[str] = (), begun: Settings | None = None
) -> Settings:
    """Reads gin files, then bindings (which win), and returns checked settings.

    Three settings follow from others if no binding sets them: ``sample.class_idxs`` (all classes
    that ``gin_param`` names), ``object.total_num_samples`` (see `_find_total`) and
    ``design.level_choice`` (see `_find_level_choice`).

    Args:
        gin_config: names from ``config/`` without ``.gin``, or paths; later ones win.
        gin_param: bindings such as ``"material.use_texture = False"``.
        begun: settings of the data set that the run continues, if there is one.

    Raises:
        UserError: an unknown file, name or parameter, or a value of the wrong type or range.
    """
    files = [read_gin_file(find_config(name)) for name in gin_config]
    typed: list[Binding] = []
    for text in gin_param:
        if "=" not in text:
            shown = shorten(repr(text))
            raise UserError(f"--gin_param {shown}: must read 'name.parameter = value'")
        typed += read_gin_text(text)
    types = find_types()
    groups: Groups = {group: {} for group in types}
    for binding in [*itertools.chain(*files), *typed, *_find_class_idxs(typed)]:
        group, parameter = binding.group, binding.parameter
        if group not in types:
            hint = nearest_name(group, types)
            raise UserError(f"{shorten(group)}: no such group of parameters{hint}")
        parameters = [f.name for f in dataclasses.fields(types[group])]
        if parameter not in parameters:
            hint = nearest_name(parameter, parameters)
            raise UserError(f"{group}.{shorten(parameter)}: no such parameter{hint}")
        groups[group][parameter] = binding.value
    if groups["object"].get("total_num_samples") is None:
        groups["object"]["total_num_samples"] = _find_total(groups, begun)
    if groups["design"].get("level_choice") is None:
        groups["design"]["level_choice"] = _find_level_choice([*files, typed], begun)
    by_weight = itertools.chain(typed, *reversed(files))
    named = dict.fromkeys(f"{b.group}.{b.parameter}" for b in by_weight if b.value is not None)
    return _create_settings(groups, tuple(named))


def _find_class_idxs(typed: list[Binding]) -> list[Binding]:
    """If a command line names classes but no class ids: a binding to use all of these classes."""
    values = {b.parameter: b.value for b in typed if b.group == "sample"}
    if "class_idxs" in values or not isinstance(values.get("classes"), (list, tuple)):
        return []
    return [Binding("sample", "class_idxs", max(1, len(values["classes"])))]


def _find_total(groups: Groups, begun: Settings | None) -> int:
    """Size of a data set, if no binding sets it.

    A data set that exists keeps its size, if the run fits in. A run that starts with the first
    sample and is no trial is a whole data set: training, validation and test then have models of
    their own. Any other run is a part of a data set of the usual size. So a trial shows the same
    samples whether it has ten or twenty.
    """
    batch = BatchSettings(**groups["batch"])
    if begun is not None and batch.idxs.stop <= begun.object.total_num_samples:
        return begun.object.total_num_samples
    objects: dict[str, GinValue] = {**groups["object"], "total_num_samples": MAX_TOTAL_SAMPLES}
    n_buckets = Object(**objects).n_buckets
    is_whole = batch.idx_offset == 0 and batch.num_samples >= max(MIN_TRAINING_SAMPLES, n_buckets)
    return batch.num_samples if is_whole else Object().total_num_samples


FIRST_DESIGN_SETTINGS = frozenset(
    (
        *("do", "fixed", "grid", "held_out", "held_out_factors", "inner_ranges", "kind", "levels"),
        *("parents", "repeats", "rho", "shortcut", "split", "strength", "sweeps", "tables"),
        *("twin_size", "twins"),
    )
)
"""Settings of designs in version 1.0.0, which drew all levels that were given as a number."""


def _find_level_choice(parts: Iterable[list[Binding]], begun: Settings | None) -> str:
    """How a number of levels is chosen, if no binding sets it.

    A data set that exists keeps its choice. A complete configuration of version 1.0.0, such as the
    ``config.gin`` of a data set, means what it meant then. All others spread their levels.
    """
    if begun is not None:
        return begun.design.level_choice
    for part in parts:
        names = {binding.parameter for binding in part if binding.group == "design"}
        if names >= FIRST_DESIGN_SETTINGS and "level_choice" not in names:
            return "drawn"
    return Design().level_choice


def _create_settings(groups: Groups, named: tuple[str, ...] = ()) -> Settings:
    """Checked settings; a missing value has its default."""
    made: dict[str, GinValue] = {name: kind(**groups[name]) for name, kind in find_types().items()}
    return Settings(**made, named=named)


# --- to and from other formats --------------------------------------------------------------------


def settings_to_dict(settings: Settings) -> dict[str, object]:
    """Flat dictionary ``{"batch.seed": 0, ...}`` with values that JSON can hold."""
    return {
        f"{group}.{name}": list(value) if isinstance(value, tuple) else value
        for group in find_types()
        for name, value in dataclasses.asdict(getattr(settings, group)).items()
    }


def dict_to_settings(values: Mapping[str, object]) -> Settings:
    """Converts back from `settings_to_dict`; missing settings have their default.

    Raises:
        UserError: an unknown name, or a value of the wrong type or range.
    """
    types = find_types()
    groups: Groups = {group: {} for group in types}
    for name, value in values.items():
        group, _, parameter = name.partition(".")
        known = dataclasses.fields(types[group]) if group in types else ()
        if parameter not in [f.name for f in known]:
            raise UserError(f"{shorten(name)}: no such setting")
        groups[group][parameter] = value
    return _create_settings(groups)


def with_layout(settings: Settings, files_per_folder: int) -> Settings:
    """The settings with another ``batch.files_per_folder``."""
    batch = dataclasses.replace(settings.batch, files_per_folder=files_per_folder)
    return dataclasses.replace(settings, batch=batch)


def settings_to_gin(settings: Settings) -> str:
    """All settings as gin text, from which `load_settings` reads equal settings."""
    lines = []
    for group in find_types():
        values = dataclasses.asdict(getattr(settings, group))
        lines += [f"# Parameters for {group}:", "# " + "=" * 78]
        lines += [f"{group}.{name} = {value!r}" for name, value in sorted(values.items())]
        lines.append("")
    return "\n".join(lines)
