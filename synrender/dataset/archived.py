"""``archived.json``: which samples are in verified shards, for programs that cannot read HDF5.

``preprocess_data.py --remove_raw`` writes it, before it deletes a shard's small files. A shard
counts as long as it has the size, the beginning and the end that it had then.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from synrender.dataset.lock import locked
from synrender.dataset.names import ARCHIVED_FILE, file_to_shard
from synrender.system.files import read_small_file, write_text

MAX_BYTES = 1 << 28
END_BYTES = 1 << 16
"""What is hashed of each end of a shard."""


def add_archived(dataset_dir: Path, shard_name: str, idxs: Iterable[int]) -> None:
    """Notes that a shard holds these samples and was compared with their small files."""
    with locked(dataset_dir):
        entries = _read_entries(dataset_dir)
        print_ = _find_fingerprint(dataset_dir / shard_name)
        entries[shard_name] = {"fingerprint": print_, "samples": sorted(map(int, idxs))}
        write_text(dataset_dir / ARCHIVED_FILE, json.dumps(entries) + "\n")


def read_archived(dataset_dir: Path) -> frozenset[int]:
    """Samples that are in verified shards which are still as they were; empty if there are none."""
    found: set[int] = set()
    for name, entry in _read_entries(dataset_dir).items():
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            if file_to_shard(name) is None:
                continue
            if entry["fingerprint"] == _find_fingerprint(dataset_dir / name):
                found.update(int(idx) for idx in entry["samples"])
    return frozenset(found)


def _read_entries(dataset_dir: Path) -> dict[str, Any]:
    """What the file says; a damaged one says nothing, and its samples count as missing."""
    try:
        entries = json.loads(read_small_file(dataset_dir / ARCHIVED_FILE, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _find_fingerprint(path: Path) -> str:
    """Size, and SHA-256 of the beginning and the end of a file."""
    with path.open("rb") as file:
        size = path.stat().st_size
        digest = hashlib.sha256(file.read(END_BYTES))
        file.seek(max(0, size - END_BYTES))
        digest.update(file.read(END_BYTES))
    return f"{size} {digest.hexdigest()}"
