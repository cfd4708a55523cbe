"""Certificates: what they state about a data set, and whether its files are unchanged.

A certificate holds the figures of an audit with their bounds, and what they rest on.

``--verify`` compares files by their hashes. What ``preprocess_data.py --remove_raw`` removed is
made again from ``imgs_XX.h5``: these hold the bytes of PNG images and every field of the records.
Of an EXR they hold another encoding, which says nothing about the hash of the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from synrender.audit.check import Check, Measure
from synrender.audit.run import Audit
from synrender.dataset.certificate import (
    ROOT_ATTRIBUTE,
    Difference,
    compare_dataset,
    write_certificate,
)
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.hashes import FileHashes, file_name
from synrender.dataset.info import DatasetInfo
from synrender.dataset.names import list_hdf5, list_shards
from synrender.dataset.record import RECORD_DTYPE, fit_columns, record_to_bytes
from synrender.dataset.shard import Damaged, open_file, refuse_broken_heaps
from synrender.system.console import CreateBar
from synrender.system.folders import find_program_version
from synrender.system.workers import Workers

# --- what a certificate says ----------------------------------------------------------------------


PACKAGES = ("numpy", "scipy", "scikit-image", "trimesh", "embreex", "openexr", "pillow")
"""Packages whose versions may change the figures; embreex brings Embree."""


def certify(folder: DatasetFolder, audit: Audit, seed: int, hashes: FileHashes) -> str:
    """Writes the certificate of an audit without failures; returns its root, hexadecimal.

    It holds the seed of the draw of samples for rays, and the hashes of the audited files. The same
    files, audited by the same program, give the same certificate: it holds no time and no name of a
    machine.
    """
    return write_certificate(folder, describe_audit(folder.read_info(), audit, seed), hashes)


def describe_audit(info: DatasetInfo, audit: Audit, seed: int) -> dict[str, object]:
    """The figures with their bounds, their basis, and all versions, as JSON values."""
    return {
        "verdict": "FAIL" if audit.num_failed else "pass",
        "checks": [_describe_check(check) for check in audit.checks],
        "examined": {
            "samples": audit.num_samples,
            "samples_by_rays": len(audit.cast_idxs),
            "which_by_rays": list_ranges(audit.cast_idxs),
            "objects_by_rays": audit.num_objects,
            "pixels_by_rays": audit.num_px,
            "seed_of_the_draw": seed,
            "samples_hashed": "all",
        },
        "versions": {
            "audit": {"synrender": find_program_version(), **_find_versions()},
            "data set": {**info.versions, "device": info.device},
        },
        "models": {
            "source": info.sources.models.source,
            "fingerprint": info.sources.models.fingerprint,
        },
    }


def _describe_check(check: Check) -> dict[str, object]:
    measures = [_describe_measure(measure) for measure in check.measures]
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "figures": check.figures,
        "measures": measures,
    }


def _describe_measure(measure: Measure) -> dict[str, object]:
    values = {name: _to_json(v) for name, v in dataclasses.asdict(measure).items()}
    return {name: v for name, v in values.items() if v not in (None, "") or name == "value"}


def _to_json(value: object) -> object:
    """A plain number or text; null for what is not finite, which JSON does not know."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _find_versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def list_ranges(idxs: Sequence[int]) -> str:
    """Ascending numbers as text: ``"0-3, 7, 9-10"``."""
    if not len(idxs):
        return ""
    numbers = np.array(idxs, np.int64)
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else f"{p[0]}" for p in parts)


# --- comparing ------------------------------------------------------------------------------------


_ROWS_PER_TASK = 256


@dataclass(frozen=True)
class DatasetVerification:
    """A data set against its certificate."""

    root: str  # of the certificate
    num_files: int  # whose hashes were compared, those from archives included
    num_archived: int  # of these, made again from imgs_XX.h5
    differences: tuple[Difference, ...]
    num_recoded: int  # missing files of which imgs_XX.h5 hold another encoding

    @property
    def is_right(self) -> bool:
        """Whether every file is as the certificate says."""
        return not self.differences and not self.num_recoded

    def to_lines(self) -> list[str]:
        """One line for each difference, and one with the verdict."""
        lines = [
            f"{d.what:<8} {d.name}{f' ({d.note})' if d.note else ''}" for d in self.differences
        ]
        if self.num_recoded:
            lines.append(
                f"missing  {self.num_recoded} images whose samples are in imgs_XX.h5, re-encoded: "
                "these cannot be compared with the certificate"
            )
        source = f", {self.num_archived} of them from imgs_XX.h5" if self.num_archived else ""
        if self.is_right:
            return [
                *lines,
                f"pass: {self.num_files} files are as the certificate says{source}",
                f"root {self.root}",
            ]
        num = len(self.differences) + self.num_recoded
        return [*lines, f"FAIL: {num} differences; {self.num_files} files were compared{source}"]


def verify_dataset(
    folder: DatasetFolder, workers: Workers, create_bar: CreateBar
) -> DatasetVerification:
    """Compares all files of a data set with its certificate.

    Raises:
        UserError: there is none.
    """
    comparison = compare_dataset(folder, workers, create_bar)
    shards = list_shards(folder.path)
    missing = [d for d in comparison.differences if d.what == "missing" and d.expected]
    rebuilt = _rebuild(folder, shards, workers, create_bar) if shards and missing else {}
    differences, num_recoded, num_archived = _settle(comparison.differences, rebuilt)
    differences += _find_other_roots(folder, comparison.root)
    return DatasetVerification(
        comparison.root,
        comparison.num_files + num_archived,
        num_archived,
        tuple(differences),
        num_recoded,
    )


def _settle(
    differences: Sequence[Difference], rebuilt: dict[str, bytes]
) -> tuple[list[Difference], int, int]:
    """The differences that remain after the archives were searched for missing files."""
    archived = {Path(name).stem for name in rebuilt}
    left, num_recoded, num_archived = [], 0, 0
    for difference in differences:
        name = difference.name
        if difference.what != "missing" or Path(name).stem not in archived:
            left.append(difference)
        elif name not in rebuilt:
            num_recoded += 1
        elif rebuilt[name] == difference.expected:
            num_archived += 1
        else:
            left.append(Difference("missing", name, "and its copy in imgs_XX.h5 differs"))
    return left, num_recoded, num_archived


# --- archives -------------------------------------------------------------------------------------


def _rebuild(
    folder: DatasetFolder, shards: Sequence[Path], workers: Workers, create_bar: CreateBar
) -> dict[str, bytes]:
    """Hashes of the files that the rows of shards give, by name."""
    tasks = []
    for path in shards:
        try:
            with open_file(path) as file:
                num_rows = len(file["sample_idx"])
        except Damaged:
            continue  # its samples stay missing
        starts = range(0, num_rows, _ROWS_PER_TASK)
        tasks += [(folder, path, s, min(s + _ROWS_PER_TASK, num_rows)) for s in starts]
    rebuilt: dict[str, bytes] = {}
    with create_bar(sum(task[3] - task[2] for task in tasks), "archives") as bar:
        for task, found in zip(tasks, workers.map(rebuild_files, tasks), strict=True):
            rebuilt |= found
            bar.update(task[3] - task[2])
    return rebuilt


def rebuild_files(folder: DatasetFolder, path: Path, start: int, stop: int) -> dict[str, bytes]:
    """Hashes of the files that rows of a shard give, by name; none if it cannot be read."""
    try:
        with open_file(path) as file:
            refuse_broken_heaps(file, slice(start, stop))
            num_objs = int(file.attrs["num_objs"])
            records = np.zeros((stop - start, num_objs), RECORD_DTYPE)
            for name in filter(file.__contains__, RECORD_DTYPE.names or ()):
                field = file[name].asstr() if RECORD_DTYPE[name].base.kind == "U" else file[name]
                values = np.asarray(field[start:stop])
                records[name] = fit_columns(name, values).reshape(records[name].shape)
            has_files = "png_targets" not in file  # else they were made from an EXR
            pngs = file["png_images"][start:stop] if has_files else []
    except Damaged:
        return {}
    found = {}
    for record in records:
        # The archive adds empty rows where the design varies the number of objects.
        record = record[record["class"] >= 0]
        if len(record):
            name = file_name(folder, int(record["sample_idx"][0]), "npy")
            found[name] = hashlib.sha256(record_to_bytes(record)).digest()
    for record, png in zip(records, pngs, strict=False):
        name = file_name(folder, int(record["sample_idx"][0]), "png")
        found[name] = hashlib.sha256(png.tobytes()).digest()
    return found


def _find_other_roots(folder: DatasetFolder, root: str) -> list[Difference]:
    """HDF5 files that say they were made from files of another certificate."""
    differences = []
    for path in list_hdf5(folder.path):
        try:
            with open_file(path) as file:
                other = file.attrs.get(ROOT_ATTRIBUTE, root)
        except Damaged:
            continue  # nothing is certified of it
        if other != root:
            note = f"made from files of another certificate, with the root {str(other)[:64]}"
            differences.append(Difference("changed", path.name, note))
    return differences
