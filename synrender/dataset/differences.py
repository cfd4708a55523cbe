"""Names the files of a data set that are not what they were, from two lists of hashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synrender.dataset.folder import DatasetFolder
from synrender.dataset.hashes import NO_FILE, FileHashes, file_name


@dataclass(frozen=True)
class Difference:
    """A file that is not as the certificate says."""

    what: str  # "changed", "missing" or "extra"
    name: str  # below the data set's folder
    note: str = ""
    expected: bytes = b""  # hash of a sample's file that the certificate has; b"": unknown


def find_differences(
    folder: DatasetFolder, known: FileHashes, found: FileHashes
) -> list[Difference]:
    """Names what differs between the files that a data set had and those that it has.

    Args:
        folder: of the data set.
        known: hashes from its certificate.
        found: hashes of its files.
    """
    pairs = {
        name: (known.description.get(name, NO_FILE), found.description.get(name, NO_FILE))
        for name in sorted(known.description.keys() | found.description.keys())
    }
    idxs = np.union1d(known.samples["sample"], found.samples["sample"])
    kinds = sorted({*known.kinds, *found.kinds})
    columns = [(known.align(kind, idxs), found.align(kind, idxs)) for kind in kinds]
    # A data set has millions of files, and few differ: only these are looked at one by one.
    differs = np.array([(a != b).any(axis=1) for a, b in columns], bool)  # (kinds, n)
    for row, k in np.argwhere(differs.T).tolist():
        name = file_name(folder, int(idxs[row]), kinds[k])
        before, after = columns[k]
        pairs[name] = (before[row].tobytes(), after[row].tobytes())
    pairs = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    origins = _find_origins(folder, known, {after for _, after in pairs.values()} - {NO_FILE})
    differences = [Difference("extra", name) for name in found.others]
    for name, (before, after) in pairs.items():
        what = "changed" if NO_FILE not in (before, after) else "missing"
        what = "extra" if before == NO_FILE else what
        note = f"is what {origins[after]} was" if after in origins else ""
        differences.append(Difference(what, name, note, before))
    return differences


def _find_origins(
    folder: DatasetFolder, known: FileHashes, digests: set[bytes]
) -> dict[bytes, str]:
    """Which files had some hashes: their names."""
    origins = {digest: name for name, digest in known.description.items() if digest in digests}
    heads = np.frombuffer(b"".join(digest[:8] for digest in sorted(digests)), np.uint64)
    for kind in known.kinds:
        column = np.ascontiguousarray(known.samples[kind])
        for row in np.flatnonzero(np.isin(column.view(np.uint64)[:, 0], heads)).tolist():
            if (digest := column[row].tobytes()) in digests:
                name = file_name(folder, int(known.samples["sample"][row]), kind)
                origins.setdefault(digest, name)
    return origins
