"""Twins and sweeps: samples of a block differ in their factor, and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synrender.audit.check import Check, count_faults, decide, skip
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.record import RECORD_DTYPE, are_equal
from synrender.settings.factor_table import COLUMNS, find_columns, find_factor

_TURN = ("rot_mat", "quaternion", "euler", "obj_to_world")
_MODEL = ("model_id", "bbox", "scale", "obj_to_world")  # scale: of the file's own units
FIELDS = {
    "class": ("class", "synset_id", *_MODEL, "color"),
    "model": _MODEL,
    **{name: (name,) for name in ("texture", "color", "environment")},
    **{name: (name,) for name in ("backdrop_texture", "backdrop_color")},
    **dict.fromkeys(("scale", "warp"), ("scale", "obj_to_world")),
    **dict.fromkeys(("azimuth", "elevation", "roll", "viewpoint"), _TURN),
    "layout": ("location", "obj_to_world"),
    **dict.fromkeys(("light_angle", "light_elevation", "light_azimuth"), ("light", "lights")),
    **{"light_direction": ("light",), "num_lights": ("lights",)},
    **dict.fromkeys(("camera_azimuth", "camera_elevation", "camera_roll"), ("world_to_camera",)),
    **dict.fromkeys(("camera_direction", "camera_distance"), ("world_to_camera",)),
    "camera_lens": ("intrinsics",),
    **dict.fromkeys(("roughness", "metallic", "backdrop_roughness", "backdrop_metallic"), ()),
    **dict.fromkeys(("environment_rotation", "environment_energy", "light_color", "sun_color"), ()),
    **dict.fromkeys(("light_energy", "num_objs", "camera_fstop", "exposure"), ()),
    **dict.fromkeys(("backdrop", "surface"), ()),
}
"""Fields of a record that may differ between samples that differ in a factor."""
MAY_LOOK_EQUAL = frozenset(("exposure", "camera_fstop"))
"""Factors that may change no 8-bit value: exposure none of an EXR, nor what is white or black."""
_FOLLOWERS = {"class": ("model", "color")}
"""Factors whose values follow from another one's."""


@dataclass(frozen=True)
class Sweep:
    """Samples that differ in one factor."""

    block: int
    factor: str
    records: dict[int, np.ndarray]  # by index: (num_objs,) of RECORD_DTYPE


def find_sweeps(design: DesignInfo, records: Records) -> list[Sweep]:
    """All tuples of twins, sweeps, or sequences, which name no factor; some may lack samples."""
    found: dict[tuple[int, str], dict[int, np.ndarray]] = {}
    for idx, record in records.by_sample().items():
        key = (idx // design.block_size, str(record["varied"][0]))
        found.setdefault(key, {})[idx] = record
    return [Sweep(block, factor, members) for (block, factor), members in found.items()]


def check_blocks(design: DesignInfo, records: Records) -> Check:
    """Records are equal to the bit in all but their factor, and differ in that."""
    name = "sweeps" if design.sweeps else "twins"
    promised = design.sweeps or design.twins
    if not promised:
        return skip("twins", "no twins and no sweeps")
    sweeps = find_sweeps(design, records)
    culprits, firsts = [], {}
    num_samples, num_missing = 0, 0
    for sweep in sweeps:
        first_idx, first = next(iter(sweep.records.items()))
        if sweep.factor not in promised:
            culprits.append(f"{first_idx}: varied is {sweep.factor!r}, not one of {promised}")
            continue
        for idx, record in sweep.records.items():
            num_samples += 1
            if (record["base"] != sweep.block).any():
                culprits.append(f"{idx}: base is {record['base'][0]}, not {sweep.block}")
            if wrong := find_differences(first, record, (sweep.factor,)):
                culprits.append(f"{first_idx} and {idx}: {', '.join(wrong)}")
        other_idx, other = firsts.setdefault(sweep.block, (first_idx, first))
        if other_idx != first_idx and not design.sweeps:
            culprits.append(f"{other_idx} and {first_idx}: twins that name different factors")
        elif other_idx != first_idx:
            factors = (str(other["varied"][0]), sweep.factor)
            if wrong := find_differences(other, first, factors):
                culprits.append(f"{other_idx} and {first_idx}: {', '.join(wrong)}")
        size = len(design.factors[sweep.factor].levels) if design.sweeps else design.block_size
        num_missing += max(0, size - len(sweep.records))
        culprits += _find_repeats(design, sweep, size)
    kind = "sweeps" if design.sweeps else f"tuples of {design.block_size}"
    figures = (
        f"{len(sweeps)} {kind}, {num_samples} samples equal to the bit but for their factor, "
        f"{len(culprits)} faults, {num_missing} samples missing"
    )
    measures = count_faults(culprits, num_samples - len(sweeps), "samples compared with another")
    return decide(name, figures, culprits, measures)


def check_labels_of_blocks(
    design: DesignInfo, records: Records, digests: Mapping[int, str]
) -> Check:
    """Factors of appearance change no mask, class or depth, by digests of each EXR's passes."""
    if not (design.sweeps or design.twins or design.paths):
        return skip("same labels", "no twins, no sweeps and no sequences")
    if not digests:
        return skip("same labels", "PNG images have no label passes")
    num, culprits = 0, []
    for sweep in find_sweeps(design, records):
        factors = tuple(design.paths) or (sweep.factor,)
        if not FIELDS.keys() >= set(factors) or any(find_factor(n).labels for n in factors):
            continue
        idxs = [idx for idx in sweep.records if idx in digests]
        num += max(0, len(idxs) - 1)
        culprits += [
            f"{idxs[0]} and {idx} ({', '.join(factors)})"
            for idx in idxs[1:]
            if digests[idx] != digests[idxs[0]]
        ]
    if not num:
        return skip("same labels", "no two samples differ in a factor of appearance alone")
    figures = f"{num - len(culprits)} of {num} pairs have equal masks, classes and depth"
    measures = count_faults(culprits, num, "pairs of samples")
    return decide("same labels", figures, culprits, measures)


def find_meant_duplicates(design: DesignInfo | None, records: Records) -> set[int]:
    """Samples that may show the same as an earlier one.

    Sweeps of a block share a sample, and some factors need not change what is seen.
    """
    if design is None:
        return set()
    blocks: dict[int, list[np.ndarray]] = {}
    duplicates = set()
    for sweep in find_sweeps(design, records) if design.block_size > 1 else ():
        if set(design.paths or (sweep.factor,)) <= MAY_LOOK_EQUAL:
            duplicates.update(list(sweep.records)[1:])
        seen = blocks.setdefault(sweep.block, [])
        for idx, record in sweep.records.items() if design.sweeps else ():
            if any(not find_differences(a, record, (), ("varied",)) for a in seen):
                duplicates.add(idx)
            seen.append(record)
    return duplicates


def find_differences(
    a: np.ndarray, b: np.ndarray, factors: tuple[str, ...], may_differ: tuple[str, ...] = ()
) -> list[str]:
    """Fields and columns of two records that differ, but for what the factors may change."""
    if len(a) != len(b) and "num_objs" not in factors:
        return ["number of objects"]
    num = min(len(a), len(b))
    a, b = a[:num], b[:num]
    free_fields = {"sample_idx", *may_differ, *(f for name in factors for f in FIELDS[name])}
    if len(factors) > 1:
        free_fields.add("varied")
    of_columns = ("factor_values", "factor_levels")
    wrong = [
        field
        for field in RECORD_DTYPE.names or ()
        if field not in free_fields
        and field not in of_columns
        and not are_equal(a[field], b[field])
    ]
    following = [*factors, *(f for name in factors for f in _FOLLOWERS.get(name, ()))]
    free_columns = {column for name in following for column in find_columns(name)}
    are_same = {field: _are_columns_equal(a[field], b[field]) for field in of_columns}
    wrong += [
        f"{field} of {column}"
        for field in of_columns
        for k, column in enumerate(COLUMNS)
        if k not in free_columns and not are_same[field][k]
    ]
    return wrong


def _are_columns_equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(c,) bool of arrays (num_objs, c): whether they are equal to the bit; NaN equals NaN."""
    return ((a == b) | ((a != a) & (b != b))).all(axis=0)


def _find_repeats(design: DesignInfo, sweep: Sweep, size: int) -> list[str]:
    """Samples of a set that do not differ in its factor, or not through its levels in order."""
    columns = list(find_columns(sweep.factor))
    seen: dict[bytes, int] = {}
    faults = []
    for idx, record in sweep.records.items():
        value = record["factor_values"][:, columns].tobytes()
        if value in seen:
            faults.append(f"{seen[value]} and {idx}: equal {sweep.factor}")
        seen[value] = idx
    if design.sweeps and len(sweep.records) == size:
        levels = [int(r["factor_levels"][0, columns[0]]) for r in sweep.records.values()]
        if levels != list(range(size)):
            faults.append(f"{next(iter(sweep.records))}: sweeps levels {levels}, not all in order")
    return faults
