"""``archived.json``: which samples are in verified shards, for programs that cannot read HDF5.

``preprocess_data.py --remove_raw`` writes it, before it deletes a shard's small files. A shard
counts as long as it has the size, the beginning and the end that it had then.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from synrender.dataset.lock import locked
from synrender.dataset.names import ARCHIVED_FILE, file_to_shard
from synrender.system.files import open_regular, write_text
from synrender.system.json_text import read_json

MAX_BYTES = 1 << 28
END_BYTES = 1 << 16
"""What is hashed of each end of a shard."""


class Entry(TypedDict):
    """What is noted of a shard."""

    fingerprint: str  # of `_find_fingerprint`
    samples: list[int]


def add_archived(dataset_dir: Path, shard_name: str, idxs: Iterable[int]) -> None:
    """Notes that these samples of a shard were compared with their small files.

    What was noted of the shard before still counts, unless the shard has changed since.
    """
    with locked(dataset_dir):
        entries = _read_entries(dataset_dir)
        print_, samples = _find_fingerprint(dataset_dir / shard_name), set(idxs)
        known = entries.get(shard_name)
        if known and known["fingerprint"] == print_:
            samples.update(known["samples"])
        entries[shard_name] = {"fingerprint": print_, "samples": sorted(samples)}
        write_text(dataset_dir / ARCHIVED_FILE, json.dumps(entries) + "\n")


def read_archived(dataset_dir: Path) -> frozenset[int]:
    """Samples that are in verified shards which are still as they were; empty if there are none."""
    found: set[int] = set()
    for name, entry in _read_entries(dataset_dir).items():
        with contextlib.suppress(OSError, ValueError):
            if entry["fingerprint"] == _find_fingerprint(dataset_dir / name):
                found.update(entry["samples"])
    return frozenset(found)


def _read_entries(dataset_dir: Path) -> dict[str, Entry]:
    """What the file says of shards; what is damaged says nothing, and its samples are missing."""
    try:
        entries = read_json(dataset_dir / ARCHIVED_FILE, MAX_BYTES)
    except (OSError, ValueError):
        return {}
    entries = entries if isinstance(entries, dict) else {}
    return {n: e for n, e in entries.items() if file_to_shard(n) is not None and _is_entry(e)}


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or entry.keys() != Entry.__annotations__.keys():
        return False
    samples = entry["samples"]
    return isinstance(samples, list) and all(type(idx) is int for idx in samples)


def _find_fingerprint(path: Path) -> str:
    """Size, and SHA-256 of the beginning and the end of a file."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(file.read(END_BYTES))
        file.seek(max(0, size - END_BYTES))
        digest.update(file.read(END_BYTES))
    return f"{size} {digest.hexdigest()}"
