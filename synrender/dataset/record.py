"""The record of a sample: one row for each object, in ``img/00000.npy``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synrender.settings.checks import (
    MAX_BUCKETS,
    MAX_CLASSES,
    MAX_LEVELS,
    MAX_NAME_LENGTH,
    MAX_OBJECTS,
    MAX_TOTAL_SAMPLES,
)
from synrender.settings.factor_table import COLUMNS, FACTORS, FIRST_COLUMNS, JOINT, MAX_LIGHTS
from synrender.system.files import read_small_file
from synrender.system.npy_file import parse_npy

RECORD_DTYPE = np.dtype(
    [
        # Fields that downstream code has read since 2020.
        ("class", np.int64),  # class id: place in sample.classes
        ("rot_mat", np.float64, (3, 3)),  # object to world, without scale
        ("quaternion", np.float64, (4,)),  # rotation as in rot_mat, (w, x, y, z)
        ("euler", np.float64, (3,)),  # rotation as in rot_mat, XYZ order, rad
        ("bbox", np.float64, (2, 3)),  # min and max corner, model units, centered on 0
        ("scale", np.float64, (3,)),  # model units to m, along the object's own axes
        ("location", np.float64, (3,)),  # center of the bounding box, world, m
        ("light", np.float64, (3,)),  # location of the point light, world, m
        # Fields added since then.
        ("obj_to_world", np.float64, (4, 4)),  # from a vertex of the model's file to the world, m
        ("sample_idx", np.int64),  # number of the sample, from 0
        ("bucket", np.int64),  # slice of the data set with models of its own
        ("group", np.int64),  # samples of one number share their models
        ("instance", np.int64),  # value in the instance pass, from 1
        ("synset_id", f"U{MAX_NAME_LENGTH}"),  # key of the class in its source
        ("model_id", f"U{MAX_NAME_LENGTH}"),  # name of the model there
        ("texture", f"U{MAX_NAME_LENGTH}"),  # path in the folder of textures; "": none
        ("color", np.float64, (3,)),  # scene-linear RGB, 0 to 1
        ("backdrop_texture", f"U{MAX_NAME_LENGTH}"),  # likewise
        ("backdrop_color", np.float64, (3,)),  # likewise
        # Since designs of factors; see `synrender.settings.factor_table`.
        ("factor_values", np.float64, (len(COLUMNS),)),  # one for each column of factors; NaN: none
        ("factor_levels", np.int64, (len(COLUMNS),)),  # place of its level; -1: drawn freely
        ("base", np.int64),  # number that all else was drawn from; twins share it
        ("varied", "U24"),  # factor in which twins differ; "": none
        ("intrinsics", np.float64, (3, 3)),  # camera of the sample, px
        ("world_to_camera", np.float64, (4, 4)),  # camera of the sample, m, in OpenCV's convention
        # Since factors of light and environment.
        ("lights", np.float64, (MAX_LIGHTS, 3)),  # all but the sun, world, m; NaN: no more
        ("environment", f"U{MAX_NAME_LENGTH}"),  # name of the image around the scene; "": none
    ]
)
"""One row for each object: a record has shape (num_objs,)."""

FIRST_NEW_FIELD = "factor_values"
"""Records from before designs end before it."""

UNKNOWN_COLUMNS = {"factor_values": np.nan, "factor_levels": -1}
"""Fields with a number for each of `COLUMNS`, and what stands there for one that is not known."""

LATER_FIELDS = ("lights", "environment")
"""Fields that records with `FIRST_COLUMNS` lack."""

UNKNOWN_AS_NAN = ("factor_values", "intrinsics", "world_to_camera", "lights")

MAX_VALUE = 1e9
"""Largest number in a record. A model of 1e-8 to 1e8 units in a scene of 1e6 m stays below it."""

LARGEST = {
    "class": MAX_CLASSES,
    **dict.fromkeys(("sample_idx", "group", "base"), MAX_TOTAL_SAMPLES),
    "bucket": MAX_BUCKETS,
    "instance": MAX_OBJECTS,
    "factor_levels": MAX_LEVELS,
}
"""Largest whole number of each field."""

KNOWN = ("class", "sample_idx", "group", "bucket")
"""Whole numbers that are known of every object; an archive pads samples with -1 and 0."""

MATRICES = ("obj_to_world", "intrinsics", "world_to_camera")
"""Fields whose inverse leads from pixels to the camera, the world and the model."""

MIN_DETERMINANT = 1e-60
"""Smallest absolute value. A model of 1e8 units has 1e-24."""

MAX_RECORD_BYTES = 1 << 24
"""A record of 1000 objects takes 3 MB."""


def read_record(path: Path) -> np.ndarray:
    """Record of a sample: (num_objs,) of `RECORD_DTYPE`, also from a file of an earlier version.

    Raises:
        ValueError: the file is damaged, not a record of this program, holds impossible numbers, or
            a matrix without an inverse.
        OSError: the file cannot be read.
    """
    record = _parse_record(path)
    if fault := _find_fault(record):
        raise ValueError(fault)
    return record


def are_records(paths: Sequence[Path]) -> list[bool]:
    """Whether `read_record` can read each of some files.

    Their values are checked together, which takes a tenth of the time.
    """
    records = []
    for path in paths:
        try:
            records.append(_parse_record(path))
        except (OSError, ValueError):
            records.append(None)
    # np.concatenate takes a quarter of the time of all, to find a type that all records fit in.
    parsed = b"".join(record.tobytes() for record in records if record is not None)
    if not parsed or _find_fault(np.frombuffer(parsed, RECORD_DTYPE)) is None:
        return [record is not None for record in records]
    return [record is not None and _find_fault(record) is None for record in records]


def _parse_record(path: Path) -> np.ndarray:
    """A record whose values are not checked."""
    record = parse_npy(read_small_file(path, MAX_RECORD_BYTES), _FILE_DTYPES)
    if not len(record):
        raise ValueError("a record without objects")
    return record if record.dtype == RECORD_DTYPE else _upgrade(record)


def _find_fault(records: np.ndarray) -> str | None:
    """What is wrong with the values of records, of any shape."""
    name = find_wild_field(records) or next((n for n in KNOWN if (records[n] < 0).any()), None)
    if name or (records["instance"] == 0).any():
        return f"field {name or 'instance'!r} has an impossible value"
    if name := find_singular_field(records):
        return f"field {name!r} has no inverse"
    return None


def find_singular_field(records: np.ndarray) -> str | None:
    """First of `MATRICES` with a matrix that cannot be inverted; NaN, for unknown, counts as none.

    The records have any shape.
    """
    # All in one call, which takes a third of the time of one call for each field.
    matrices = np.zeros((len(MATRICES), *records.shape, 4, 4))
    matrices[..., 3, 3] = 1
    for matrix, name in zip(matrices, MATRICES, strict=True):
        side = records[name].shape[-1]
        matrix[..., :side, :side] = records[name]
    with np.errstate(invalid="ignore"):  # NaN
        are_singular = np.abs(np.linalg.det(matrices)) < MIN_DETERMINANT
    return next((n for n, bad in zip(MATRICES, are_singular, strict=True) if bad.any()), None)


def find_wild_field(records: np.ndarray) -> str | None:
    """First field with a value that no sample can have, see `is_wild`."""
    # Numbers all at once, as 64-bit words: field by field takes ten times as long.
    words = np.ascontiguousarray(records).reshape(-1).view(np.int64)
    words = words.reshape(-1, RECORD_DTYPE.itemsize // 8)
    integers, floats = words[:, _INTEGER_WORDS], words.view(np.float64)[:, _FLOAT_WORDS]
    floats = np.abs(floats)
    are_sane = (
        (integers >= -1).all()
        and (integers <= _LARGEST_INTEGERS).all()
        and (floats[:, :_NUM_KNOWN] <= MAX_VALUE).all()
        and not (floats > MAX_VALUE).any()
    )
    names = _TEXT_NAMES if are_sane else _NAMES
    return next((name for name in names if is_wild(name, records[name])), None)


def is_wild(name: str, values: np.ndarray | Sequence[str]) -> bool:
    """Whether values of a field, of any shape, hold one that no sample can have.

    Numbers are finite and at most `MAX_VALUE`, whole ones -1 (unknown) to `LARGEST`, text is
    printable. NaN is allowed where it means that a value is not known, see `create_records`.
    """
    values = np.asarray(values)
    if name in LARGEST:
        return bool(((values < -1) | (values > LARGEST[name])).any())
    if name in _FLOAT_NAMES:
        is_sane = np.abs(values) <= MAX_VALUE
        return not (is_sane | np.isnan(values) if name in UNKNOWN_AS_NAN else is_sane).all()
    try:
        texts = set(values.ravel().tolist())
    except ValueError:  # a number that stands for no letter
        return True
    is_known = name != "varied" or texts <= {"", *JOINT, *FACTORS}
    return not is_known or not all(text.isprintable() for text in texts)


def create_records(shape: tuple[int, ...]) -> np.ndarray:
    """Records of the given shape in which nothing is known: NaN, -1 (counts and ids) and ""."""
    records = np.zeros(shape, RECORD_DTYPE)
    for name in ("class", "factor_levels", "base"):
        records[name] = -1
    for name in UNKNOWN_AS_NAN:
        records[name] = np.nan
    return records


def _upgrade(record: np.ndarray) -> np.ndarray:
    """A record of an earlier version; fields and columns that were not written are unknown."""
    upgraded = create_records(record.shape)
    for name in record.dtype.names or ():
        upgraded[name] = fit_columns(name, record[name])
    return upgraded


def fit_columns(name: str, values: np.ndarray, num_columns: int = len(COLUMNS)) -> np.ndarray:
    """Values of a field of records with another number of columns of factors.

    Args:
        name: of the field; those that are not in `UNKNOWN_COLUMNS` stay as they are.
        values: (..., number of columns), the first of `COLUMNS`.
        num_columns: to return. What is added is unknown; what is left out must be, too.
    """
    if name not in UNKNOWN_COLUMNS or values.shape[-1] == num_columns:
        return values
    fitted = np.full((*values.shape[:-1], num_columns), UNKNOWN_COLUMNS[name], values.dtype)
    num_kept = min(num_columns, values.shape[-1])
    fitted[..., :num_kept] = values[..., :num_kept]
    return fitted


def count_columns(record: np.ndarray) -> int:
    """Number of columns of factors in the file of a record: up to the last that is known."""
    are_known = np.isfinite(record["factor_values"]) | (record["factor_levels"] >= 0)
    known = np.flatnonzero(are_known.reshape(-1, len(COLUMNS)).any(axis=0))
    return max(len(FIRST_COLUMNS), int(known.max(initial=0)) + 1)


def keep_columns(record: np.ndarray, num_columns: int) -> np.ndarray:
    """The record, of which the columns behind the first ones are unknown."""
    kept = record.copy()
    for name in UNKNOWN_COLUMNS:
        kept[name] = fit_columns(name, fit_columns(name, record[name], num_columns))
    unknown = create_records(record.shape)
    for name in set(_NAMES) - set(list_record_fields(num_columns)):
        kept[name] = unknown[name]
    return kept


def list_record_fields(num_columns: int) -> list[str]:
    """Fields of records with this number of columns of factors."""
    return [n for n in _NAMES if n not in LATER_FIELDS or num_columns > len(FIRST_COLUMNS)]


def are_equal(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two values of a field are equal to the bit; NaN, for unknown, equals NaN."""
    return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")


def is_old_record(record: np.ndarray) -> bool:
    """Whether a record was written before designs: its fields of `NEW_NAMES` are unknown."""
    return bool((record["base"] == -1).all())


def record_to_bytes(record: np.ndarray) -> bytes:
    """The file of a record; one from an earlier version lacks fields or columns at the end."""
    dtype = _OLD_DTYPE if is_old_record(record) else _file_dtype(count_columns(record))
    written = np.zeros(record.shape, dtype)
    for name in dtype.names or ():
        written[name] = fit_columns(name, record[name], count_columns(record))
    file = io.BytesIO()
    np.save(file, written, allow_pickle=False)
    return file.getvalue()


def _file_dtype(num_columns: int) -> np.dtype:
    """Type of records in files with this number of columns of factors."""
    if num_columns == len(COLUMNS):
        return RECORD_DTYPE
    others: dict[str, object] = {
        name: (RECORD_DTYPE[name].base, (num_columns,)) for name in UNKNOWN_COLUMNS
    }
    if num_columns == len(FIRST_COLUMNS):
        others["varied"] = "U16"  # the longest name then
    names = list_record_fields(num_columns)
    return np.dtype([(name, others.get(name, RECORD_DTYPE[name])) for name in names])


_NAMES = RECORD_DTYPE.names or ()
_TEXT_NAMES = [name for name in _NAMES if RECORD_DTYPE[name].base.kind == "U"]
_FLOAT_NAMES = [name for name in _NAMES if RECORD_DTYPE[name].base.kind == "f"]
_OLD_NAMES = _NAMES[: _NAMES.index(FIRST_NEW_FIELD)]
NEW_NAMES = _NAMES[_NAMES.index(FIRST_NEW_FIELD) :]


def _find_words(names: list[str]) -> list[int]:
    """Places of fields in a row of the record, in 64-bit words, of which all fields are made."""
    starts = {name: field[1] // 8 for name, field in (RECORD_DTYPE.fields or {}).items()}
    return [
        word
        for name in names
        for word in range(starts[name], starts[name] + RECORD_DTYPE[name].itemsize // 8)
    ]


_KNOWN_WORDS = _find_words([name for name in _FLOAT_NAMES if name not in UNKNOWN_AS_NAN])
_NUM_KNOWN = len(_KNOWN_WORDS)
_FLOAT_WORDS = np.array(_KNOWN_WORDS + _find_words(list(UNKNOWN_AS_NAN)))
_INTEGER_WORDS = np.array(_find_words(list(LARGEST)))
_LARGEST_INTEGERS = np.concatenate(
    [np.full(RECORD_DTYPE[name].itemsize // 8, largest) for name, largest in LARGEST.items()]
)
_OLD_DTYPE = np.dtype([(name, RECORD_DTYPE[name]) for name in _OLD_NAMES])
_FILE_DTYPES = (
    *map(_file_dtype, range(len(COLUMNS), len(FIRST_COLUMNS) - 1, -1)),
    _OLD_DTYPE,
)
"""What files hold, from the latest to the first."""
