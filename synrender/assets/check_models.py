"""Reads all models of a folder, in parallel, as rendering does before Blender gets them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from synrender.assets.description import FoundModels
from synrender.assets.lost_shape import refuse_lost_shape
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.assets.sources.source import ModelClass, ModelEntry
from synrender.errors import RejectedAsset
from synrender.system.workers import Workers

_MAX_REASONS_SHOWN = 20
_SECONDS_ALONE = 1.0
"""So long this process reads models itself. Then others help, which take half a second to start."""


@dataclass(frozen=True)
class CheckedModels:
    """Which models of a folder or file can be read."""

    usable: FoundModels  # those that can
    rejected: dict[str, str]  # reasons by "class/model", in the order of the models

    def describe(self) -> list[str]:
        """Lines about how many can be read, and why others cannot; equal reasons share a line."""
        num, by_reason = self.usable.num_models, {}
        for name, reason in self.rejected.items():
            by_reason.setdefault(reason, []).append(name)
        groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
        lines = [f"{num} of {num + len(self.rejected)} models can be read"]
        for reason, names in groups[:_MAX_REASONS_SHOWN]:
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            lines.append(f"  {names[0]}{others}: {reason}")
        if num_more := sum(len(names) for _, names in groups[_MAX_REASONS_SHOWN:]):
            lines.append(f"  ... and {num_more} more that cannot, for other reasons")
        return lines


def check_models(
    found: FoundModels,
    workers: Workers,
    on_model: Callable[[int, int], None] = lambda done, total: None,
) -> CheckedModels:
    """Reads every model. What comes out does not depend on the number of processes.

    Args:
        found: the models.
        workers: processes for them, of which each holds one model at a time.
        on_model: called as ``on_model(done, total)`` at the start and after each.

    Raises:
        Hindrance: this process cannot read a file, which is no fault of the model.
    """
    every = [(c, entry) for c, entries in found.classes.items() for entry in entries]
    usable: dict[ModelClass, list[ModelEntry]] = {c: [] for c in found.classes}
    rejected: dict[str, str] = {}
    on_model(0, len(every))
    reasons = _find_reasons([entry.file for _, entry in every], workers)
    for done, ((model_class, entry), reason) in enumerate(
        zip(every, reasons, strict=True), start=1
    ):
        if reason:
            rejected[f"{model_class.key}/{entry.model_id}"] = reason
        else:
            usable[model_class].append(entry)
        on_model(done, len(every))
    classes = {c: tuple(entries) for c, entries in usable.items()}
    return CheckedModels(replace(found, classes=classes), rejected)


def _find_reasons(files: list[ModelFile], workers: Workers) -> Iterator[str]:
    end, num_read = time.monotonic() + _SECONDS_ALONE, 0
    while num_read < len(files) and time.monotonic() < end:
        yield find_reason(files[num_read])
        num_read += 1
    yield from workers.map(find_reason, [(file,) for file in files[num_read:]])


def find_reason(file: ModelFile) -> str:
    """Why a model cannot be used; "" if it can be read."""
    try:
        refuse_lost_shape(read_mesh(file))
    except RejectedAsset as reason:
        return str(reason)
    return ""
