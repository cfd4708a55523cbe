"""What an export says of each sample: columns with a type, a meaning and a value.

All formats have the same columns. If a sample has several objects, a column is a list with a value
for each object, unless it belongs to the whole sample, such as the light.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from synrender.assets.provenance import StatedModel, list_stated
from synrender.dataset.info import DatasetInfo
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError
from synrender.loading.captions import CAPTION, KINDS, NEGATIVES
from synrender.loading.export_fields import (
    AMODAL,
    CAPTION_COLUMNS,
    FACTOR_COLUMNS,
    FLOW_TO,
    OBJECT_LABELS,
    OF_MASKS,
)
from synrender.loading.pixel_files import PIXEL_FILES, RGB_8, npy_to_array
from synrender.loading.row_source import IMAGE, Sample
from synrender.settings.factor_table import COLUMNS, FACTORS, Scope
from synrender.system.files import to_file_name

MEANINGS = {
    "split": "train, validation or test; they share no models if the data set is complete",
    "label": "place of the class in the table of classes, from 0",
    "rot_mat": "rotation from object to world",
    "quaternion": "the same rotation as a quaternion w, x, y, z",
    "euler": "the same rotation as angles in XYZ order, rad",
    "bbox": "corners of the model's box in model units, centered on 0",
    "scale": "meters for each model unit, along the object's own axes",
    "location": "center of the model's box in the world, m",
    "light": "location of the first light in the world, m",
    "obj_to_world": "matrix that takes a vertex of the OBJ file to the world, m",
    "sample_idx": "number of the sample; all random choices follow from it and the seed",
    "bucket": "slice of the data set that has models of its own",
    "group": "number of the group: consecutive samples that show the same models",
    "instance": "number of the object in instance_map, from 1",
    "model_id": "id of the model",
    "model_license": "license of the model, as its source states it; null: not stated",
    "model_creator": "who made the model, as its source states it; null: not stated",
    "model_source": "set that the model is from, such as Objaverse 1.0; null: not stated",
    "model_title": "what its creator calls the model; null: not stated",
    "texture": "file of the texture on the object; empty: none",
    "color": "color of the object, scene-linear RGB",
    "backdrop_texture": "file of the texture on the backdrop; empty: none",
    "backdrop_color": "color of the backdrop, scene-linear RGB",
    "base": "number from which all factors but the varied one are drawn; twins share it",
    "varied": "factor in which the sample differs from others of its base; empty: none",
    "intrinsics": "camera matrix, px; the top left pixel's center is (0.5, 0.5)",
    "world_to_camera": "pose of the camera, m; x right, y down, z forward",
    "lights": "locations of all lights but the sun in the world, m; null: no more of them",
    "environment": "id of the image around the scene; empty: none",
    "num_visible_px": "pixels of the object that are visible",
    "visible_share": "visible share of the whole object in the image, 0 to 1",
    "box_2d": "box around what is visible, px",
    "box_2d_amodal": "box around the whole object, px",
    "box_3d_world_m": "corners of the model's box in the world, m",
    "box_3d_camera_m": "corners of the model's box from the camera, m",
    "box_3d_px": "corners of the model's box in the image, px",
    "keypoint_px": "keypoints in the image, px",
    "keypoint_world_m": "keypoints in the world, m",
    "keypoint_visibility": "whether each keypoint is visible, as `open_dataset` has it",
    FLOW_TO: "number of the sample that flow and occlusion lead to; -1: none",
    "box_px": "x_min, y_min, x_max, y_max of the visible pixels; all 0 = hidden",
    CAPTION: "true sentences about the image; captions.json has the facts as values",
    NEGATIVES: "sentences that differ from the caption in one fact, and are false",
    KINDS: "the fact in which each of them differs; swap_...: two objects exchange it",
}


PICTURE, ARRAY, LABEL = "picture", "array", "label"
INTEGER, NUMBER, TEXT = "integer", "number", "text"
"""Types of columns. A label is the place of a class among `Schema.class_names`."""

CREDIT_COLUMNS = {
    "model_license": "license",
    "model_creator": "creator",
    "model_source": "source",
    "model_title": "title",
}
"""What the source states of each model, by the names of columns."""

ALWAYS_CREDITED = ("model_license", "model_creator")
"""Columns that are there if anything is stated of a model; the others are, if that is stated."""

Value = int | float | str | list | None
"""A number, a text, or nested lists of these; None: not known, or it does not apply."""

_NUMPY_TYPES = {"i": INTEGER, "u": INTEGER, "b": INTEGER, "f": NUMBER, "U": TEXT}
_ELSEWHERE = ("class", "synset_id", "factor_values", "factor_levels")
"""Fields of a record that other columns hold, or the table of classes."""

_OF_THE_SAMPLE = frozenset(
    ("light", "sample_idx", "bucket", "group", "backdrop_texture", "backdrop_color")
) | {"base", "varied", "intrinsics", "world_to_camera", "lights", "environment"}
"""Fields of a record that are equal for all objects of a sample."""


@dataclass(frozen=True)
class PixelType:
    """What a file of `PIXEL_FILES` holds."""

    mode: str  # of a PNG, as Pillow names it; "": an array
    shape: tuple[int | None, ...] = ()  # of an array; None: differs between samples
    dtype: str = ""  # of an array
    step: float | None = None  # of whole numbers that stand for others

    @property
    def fixed_mode(self) -> str | None:
        """Mode in which a PNG is to be decoded; None: its own, since an image may have alpha."""
        return None if self.mode == RGB_8 else self.mode


@dataclass(frozen=True)
class Column:
    """A value of each sample, or a nested list of them."""

    name: str
    type: str
    depth: int  # lists around a value
    meaning: str
    field: str = ""  # of a sample of `read_rows` that it is taken from; "": computed
    place: int | None = None  # in that field, of a factor
    is_of_object: bool = False  # a list over objects, where there are several
    pixels: PixelType | None = None  # of pictures and arrays


@dataclass(frozen=True)
class Schema:
    """Columns and classes of a data set."""

    columns: tuple[Column, ...]
    class_names: tuple[str, ...]  # in the order of the class ids; each is unique and a plain name
    class_ids: tuple[int, ...]
    is_single: bool  # one object in each sample
    has_labels: bool  # instances, classes and depth
    credits: Mapping[str, StatedModel] = field(default_factory=dict)  # by "class/model"
    constants: tuple[tuple[Column, Value], ...] = ()
    """What is the same in all samples and all of their objects, and so no column."""

    @property
    def names_by_class(self) -> dict[int, str]:
        """Name of each class id."""
        return dict(zip(self.class_ids, self.class_names, strict=True))

    @property
    def pixel_columns(self) -> tuple[Column, ...]:
        """Columns of files of `PIXEL_FILES`."""
        return tuple(column for column in self.columns if column.pixels)


def create_schema(info: DatasetInfo, sample: Sample, has_pixel_labels: bool) -> Schema:
    """Columns of a data set.

    Args:
        info: its description.
        sample: one of `read_rows`.
        has_pixel_labels: whether labels with a value for each pixel are columns.
    """
    is_single = np.ndim(sample["class"]) == 0
    objects = 0 if is_single else 1
    names = name_classes(info)

    def create(name: str, kind: str, rank: int, field: str, is_of_object: bool) -> Column:
        depth = rank + (objects if is_of_object else 0)
        return Column(name, kind, depth, MEANINGS[name], field, None, is_of_object)

    columns = [
        _plan_pixels(name, sample, info.camera.resolution)
        for name in PIXEL_FILES
        if name in sample and (has_pixel_labels or name == IMAGE)
    ]
    columns.append(create("split", TEXT, 0, "", False))
    columns.append(create("label", LABEL, 0, "", True))
    for name in CAPTION_COLUMNS:
        columns.append(create(name, TEXT, int(name != CAPTION), name, False))
    for name in RECORD_DTYPE.names or ():
        if name not in _ELSEWHERE and name in sample:
            field = RECORD_DTYPE[name]
            kind = _NUMPY_TYPES[field.base.kind]
            columns.append(create(name, kind, len(field.shape), name, name not in _OF_THE_SAMPLE))
    for name in (*OF_MASKS, *OBJECT_LABELS):
        if name in sample:
            value = np.asarray(sample[name])
            has_axis = name in OBJECT_LABELS or not is_single  # of the objects
            kind = _NUMPY_TYPES[value.dtype.kind]
            columns.append(create(name, kind, value.ndim - has_axis, name, True))
    if FLOW_TO in sample:
        columns.append(create(FLOW_TO, INTEGER, 0, FLOW_TO, False))
    if "factor_values" in sample:
        columns += _plan_factors(info, objects)
    has_labels = sample["labels"] is not None
    credits = list_stated(info.sources.models.credits)
    if credits:
        stated = [n for n in CREDIT_COLUMNS if n in ALWAYS_CREDITED or _is_stated(n, credits)]
        columns += [create(name, TEXT, 0, "", True) for name in stated]
    classes = tuple(names.values()), tuple(names)
    return Schema(tuple(columns), *classes, is_single, has_labels, credits)


def name_classes(info: DatasetInfo) -> dict[int, str]:
    """Short name of each class id: "airplane" of "airplane,aeroplane,plane".

    Each name is valid for a folder on any operating system. If that needs a change, or if two
    classes would have the same name, the synset id is added.
    """
    short = {c: entry.name.split(",")[0].strip() for c, entry in sorted(info.classes.items())}
    counts = Counter(name.casefold() for name in short.values())
    names = {
        c: name
        if counts[name.casefold()] == 1 and to_file_name(name) == name
        else to_file_name(f"{to_file_name(name)}_{info.classes[c].synset_id}")
        for c, name in short.items()
    }
    counts = Counter(name.casefold() for name in names.values())
    return {c: n if counts[n.casefold()] == 1 else f"{n}_{c}" for c, n in names.items()}


def _plan_pixels(name: str, sample: Sample, side_px: int) -> Column:
    """Column of a file of `PIXEL_FILES`."""
    file = PIXEL_FILES[name]
    step = file.find_step(side_px) if file.find_step else None
    meaning = file.meaning if step is None else f"{file.meaning}; step {step:.6g}"
    if file.mode:
        return Column(name, PICTURE, 0, meaning, pixels=PixelType(file.mode, step=step))
    array = npy_to_array(sample[name])
    shape: tuple[int | None, ...] = array.shape
    if name == AMODAL and np.ndim(sample["class"]):
        shape = (None, *shape[1:])  # a mask of each object
    pixels = PixelType("", shape, array.dtype.name, step)
    return Column(name, ARRAY, 0, meaning, pixels=pixels)


def _plan_factors(info: DatasetInfo, objects: int) -> list[Column]:
    """Columns of the factors' values, and of the levels of those that have any."""
    named = info.design.factors if info.design else {}
    value_, level_ = FACTOR_COLUMNS.values()
    found = []
    for factor in FACTORS.values():
        is_of_object = factor.scope is Scope.OBJECT
        depth = objects if is_of_object else 0
        unit = f", {factor.unit}" if factor.unit else ""
        has_levels = factor.name in named and named[factor.name].levels
        for name in factor.columns:
            place = COLUMNS.index(name)
            if place >= info.num_columns:
                continue  # unknown in all records
            if name != "class":  # the label says it
                meaning = f"value of the factor {factor.name} ({factor.kind.value}{unit})"
                of_value = Column(f"{value_}{name}", NUMBER, depth, meaning)
                found.append(replace(of_value, field="factor_values", place=place))
            if has_levels:
                meaning = f"which of its levels the factor {factor.name} has, from 0"
                of_level = Column(f"{level_}{name}", INTEGER, depth, meaning)
                found.append(replace(of_level, field="factor_levels", place=place))
    return [replace(column, is_of_object=column.depth > 0) for column in found]


# --- values ---------------------------------------------------------------------------------------


def to_values(sample: Sample, schema: Schema, split: str) -> dict[str, Value]:
    """Values of a sample of `read_rows` by column, without pictures; None: not known.

    Raises:
        UserError: it shows a class that ``dataset.json`` does not name.
    """
    keep = None
    if not schema.is_single:  # an archive pads samples that have fewer objects
        keep = np.flatnonzero(np.asarray(sample["instance"]) > 0)
    classes = _to_plain(sample["class"], keep)
    try:
        labels = _for_each(schema.class_ids.index, classes)
    except ValueError:
        raise UserError(
            f"sample {to_sample_idx(sample)}: shows class {classes}, dataset.json names "
            f"{list(schema.class_ids)}"
        ) from None
    found: dict[str, Value] = {"split": split, "label": labels}
    if schema.credits:
        found |= _find_credits(sample, schema, keep)
    for column in schema.columns:
        if column.pixels or column.name in found:
            continue
        value = sample[column.field]
        if column.place is not None:
            value = np.asarray(value)[..., column.place]
        if column.field in OBJECT_LABELS:
            value = np.asarray(value)[0] if schema.is_single else value
        elif not schema.is_single and not column.is_of_object and np.ndim(value):
            value = value if column.field in CAPTION_COLUMNS else value[0]
        value = _to_plain(value, keep if column.is_of_object else None)
        is_level = column.field == "factor_levels"
        found[column.name] = _for_each(_level_or_none, value) if is_level else value
    return {c.name: found[c.name] for c in schema.columns if not c.pixels}


def _is_stated(column: str, credits: Mapping[str, StatedModel]) -> bool:
    return any(getattr(stated, CREDIT_COLUMNS[column]) for stated in credits.values())


def _find_credits(sample: Sample, schema: Schema, keep: np.ndarray | None) -> dict[str, Value]:
    """What is stated of the model of each object."""
    synset_ids, model_ids = (np.ravel(sample[name]) for name in ("synset_id", "model_id"))
    kept = range(len(model_ids)) if keep is None else keep.tolist()
    credits = [schema.credits.get(f"{synset_ids[k]}/{model_ids[k]}") for k in kept]
    columns: dict[str, Value] = {}
    for name, part in CREDIT_COLUMNS.items():
        values = [getattr(credit, part, None) for credit in credits]
        columns[name] = values[0] if schema.is_single else values
    return columns


def to_sample_idx(sample: Sample) -> int:
    """Number of a sample in its data set."""
    return int(np.ravel(sample["sample_idx"])[0])


def to_name(sample: Sample) -> str:
    """Name of the files of a sample: its number."""
    return idx_to_name(to_sample_idx(sample))


def idx_to_name(idx: int) -> str:
    """Name of the files of a sample with this number."""
    return f"{idx:06d}"


def _level_or_none(level: int) -> int | None:
    return None if level < 0 else level


def _for_each(function: Callable[..., Value], value: Value) -> Value:
    return [function(v) for v in value] if isinstance(value, list) else function(value)


def _to_plain(value: np.ndarray | np.generic | Value, keep: np.ndarray | None) -> Value:
    """Lists, numbers and text of a field; NaN becomes None.

    Args:
        value: of a sample, ``str``, a number, an array, or a list of one for each object.
        keep: objects to keep; None: all.
    """
    if keep is not None:
        if isinstance(value, list):
            value = [value[k] for k in keep.tolist()]
        elif isinstance(value, np.ndarray):
            value = value[keep]
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.astype(np.int64) if value.dtype.kind == "b" else value
        has_unknown = value.dtype.kind == "f" and np.isnan(value).any()
        return _without_nan(value.tolist()) if has_unknown else value.tolist()
    return _without_nan(value)


def _without_nan(value: Value) -> Value:
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and value != value else value
