"""Reads settings from gin files and bindings, and writes them as gin text or JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.gin_text import Binding, read_gin_file, read_gin_text
from synrender.settings.groups import Settings, find_types
from synrender.system.folders import CONFIG_DIRS


def find_config(name: str) -> Path:
    """Path of a gin file given by its name in ``config/`` (``render_multi``) or by its path.

    Raises:
        UserError: there is no such file.
    """
    named = [folder / f"{name}.gin" for folder in CONFIG_DIRS]
    for candidate in (*named, Path(name), Path(f"{name}.gin")):
        if candidate.is_file():
            return candidate
    names = [path.stem for folder in CONFIG_DIRS for path in folder.glob("*.gin")]
    raise UserError(
        f"--gin_config {name}: no such file in config/ and no such path{nearest_name(name, names)}"
    )


def load_settings(gin_config: Iterable[str] = (), gin_param: Iterable[str] = ()) -> Settings:
    """Reads gin files, then bindings (which win), and returns checked settings.

    Args:
        gin_config: names from ``config/`` without ``.gin``, or paths; later ones win.
        gin_param: bindings such as ``"material.use_texture = False"``.

    Raises:
        UserError: an unknown file, name or parameter, or a value of the wrong type or range.
    """
    bindings: list[Binding] = []
    typed: list[Binding] = []
    for name in gin_config:
        bindings += read_gin_file(find_config(name))
    for text in gin_param:
        if "=" not in text:
            shown = shorten(repr(text))
            raise UserError(f"--gin_param {shown}: must read 'name.parameter = value'")
        typed += read_gin_text(text)
    bindings += typed
    types = find_types()
    groups: dict[str, dict[str, Any]] = {group: {} for group in types}
    for binding in [*bindings, *_find_class_idxs(typed)]:
        group, parameter = binding.group, binding.parameter
        if group not in types:
            hint = nearest_name(group, types)
            raise UserError(f"{shorten(group)}: no such group of parameters{hint}")
        parameters = [f.name for f in dataclasses.fields(types[group])]
        if parameter not in parameters:
            hint = nearest_name(parameter, parameters)
            raise UserError(f"{group}.{shorten(parameter)}: no such parameter{hint}")
        groups[group][parameter] = binding.value
    return _create_settings(groups)


def _find_class_idxs(typed: list[Binding]) -> list[Binding]:
    """Bindings that a command line implies: all classes that it names, if it says no more."""
    values = {b.parameter: b.value for b in typed if b.group == "sample"}
    if "class_idxs" in values or not isinstance(values.get("classes"), (list, tuple)):
        return []
    return [Binding("sample", "class_idxs", max(1, len(values["classes"])))]


def _create_settings(groups: dict[str, dict[str, Any]]) -> Settings:
    """Settings of checked values; what a group lacks has its default."""
    made: dict[str, Any] = {name: kind(**groups[name]) for name, kind in find_types().items()}
    return Settings(**made)


# --- to and from other formats --------------------------------------------------------------------


def settings_to_dict(settings: Settings) -> dict[str, Any]:
    """Flat dictionary ``{"batch.seed": 0, ...}`` with values that JSON can hold."""
    return {
        f"{group}.{name}": list(value) if isinstance(value, tuple) else value
        for group, values in dataclasses.asdict(settings).items()
        for name, value in values.items()
    }


def dict_to_settings(values: dict[str, Any]) -> Settings:
    """Converts back from `settings_to_dict`; missing settings have their default.

    Raises:
        UserError: an unknown name, or a value of the wrong type or range.
    """
    types = find_types()
    groups: dict[str, dict[str, Any]] = {group: {} for group in types}
    for name, value in values.items():
        group, _, parameter = name.partition(".")
        if group not in types or parameter not in {
            f.name for f in dataclasses.fields(types[group])
        }:
            raise UserError(f"{shorten(name)}: no such setting")
        groups[group][parameter] = value
    return _create_settings(groups)


def with_layout(settings: Settings, files_per_folder: int) -> Settings:
    """The settings with ``batch.files_per_folder`` as a data set has it."""
    batch = dataclasses.replace(settings.batch, files_per_folder=files_per_folder)
    return dataclasses.replace(settings, batch=batch)


def settings_to_gin(settings: Settings) -> str:
    """All settings as gin text, from which `load_settings` reads equal settings."""
    lines = []
    for group, values in dataclasses.asdict(settings).items():
        lines += [f"# Parameters for {group}:", "# " + "=" * 78]
        lines += [f"{group}.{name} = {value!r}" for name, value in sorted(values.items())]
        lines.append("")
    return "\n".join(lines)
