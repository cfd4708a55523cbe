"""The columns of a sample as plain values, which JSON and Parquet hold alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from synrender.errors import UserError
from synrender.export.columns import PICTURE, Content
from synrender.export.png_samples import OBJECT_LABELS
from synrender.loading.row_source import Sample


def to_values(sample: Sample, content: Content, split: str) -> dict[str, Any]:
    """Columns of a sample of `read_rows`, without pictures; what is not known is None.

    Raises:
        UserError: it shows a class that ``dataset.json`` does not name.
    """
    keep = None
    if not content.is_single:  # an archive pads samples that have fewer objects
        keep = np.flatnonzero(np.asarray(sample["instance"]) > 0)
    classes = _to_plain(sample["class"], keep)
    try:
        labels = _for_each(content.class_ids.index, classes)
    except ValueError:
        raise UserError(
            f"sample {to_sample_idx(sample)}: shows class {classes}, dataset.json names "
            f"{list(content.class_ids)}"
        ) from None
    found: dict[str, Any] = {"split": split, "class": classes, "label": labels}
    found["class_name"] = _for_each(content.class_names.__getitem__, labels)
    for column in content.columns:
        if column.type == PICTURE or column.name in found:
            continue
        value = sample[column.field]
        if column.place is not None:
            value = np.asarray(value)[..., column.place]
        if column.field in OBJECT_LABELS:
            value = np.asarray(value)[0] if content.is_single else value
        elif not content.is_single and not column.is_of_object:
            value = value[0]
        value = _to_plain(value, keep if column.is_of_object else None)
        is_level = column.field == "factor_levels"
        found[column.name] = _for_each(_level_or_none, value) if is_level else value
    return {c.name: found[c.name] for c in content.columns if c.type != PICTURE}


def to_sample_idx(sample: Sample) -> int:
    """Number of a sample in its data set."""
    return int(np.ravel(sample["sample_idx"])[0])


def to_name(sample: Sample) -> str:
    """Name of a sample's files: its number."""
    return idx_to_name(to_sample_idx(sample))


def idx_to_name(idx: int) -> str:
    """Name of the files of a sample with this number."""
    return f"{idx:06d}"


def _level_or_none(level: int) -> int | None:
    return None if level < 0 else level


def _for_each(function: Callable[[Any], Any], value: Any) -> Any:
    return [function(v) for v in value] if isinstance(value, list) else function(value)


def _to_plain(value: Any, keep: np.ndarray | None) -> Any:
    """Lists, numbers and text of a field; NaN becomes None.

    Args:
        value: of a sample, ``str``, a number, an array, or a list of one for each object.
        keep: objects to keep; None: all.
    """
    if keep is not None:
        value = [value[k] for k in keep.tolist()] if isinstance(value, list) else value[keep]
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.astype(np.int64) if value.dtype.kind == "b" else value
        has_unknown = value.dtype.kind == "f" and np.isnan(value).any()
        return _without_nan(value.tolist()) if has_unknown else value.tolist()
    return _without_nan(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and value != value else value
