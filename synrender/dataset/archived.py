"""``archived.json``: which samples are in verified shards, for programs that cannot read HDF5.

``preprocess_data.py --remove_raw`` writes it, before it deletes a shard's small files. A shard that
has the size, the time of change and both ends that it had then is taken for unchanged. One of
another time, such as a copy, is read whole and compared by its SHA-256. A shard that has changed
counts for nothing: its samples are missing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import itertools
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synrender.dataset.lock import locked
from synrender.dataset.names import ARCHIVED_FILE, file_to_shard
from synrender.errors import UserError
from synrender.system.console import say
from synrender.system.files import open_regular, read_sha256, write_text
from synrender.system.json_text import decode, read_json

MAX_BYTES = 1 << 28
MAX_SHARD_BYTES = 1 << 50
END_BYTES = 1 << 16
"""Number of bytes at each end of a shard that are hashed whenever the note is read."""


@dataclass(frozen=True)
class ArchivedShard:
    """The state of a shard when it was compared with its small files."""

    fingerprint: str  # of `_find_fingerprint`
    samples: tuple[int, ...]
    time_ns: int = -1  # of its last change; -1: noted by a version that compared only the ends
    sha256: str = ""  # of all of it; "": likewise


def add_archived(dataset_dir: Path, shard_name: str, idxs: Iterable[int]) -> None:
    """Notes that these samples of a shard were compared with their small files; reads the shard.

    What was noted of the shard before still counts, unless the shard has changed since.
    """
    path = dataset_dir / shard_name
    time_ns = path.stat().st_mtime_ns
    digest = read_sha256(path, MAX_SHARD_BYTES)[1].hex()
    with locked(dataset_dir):
        shards, samples = _read_shards(dataset_dir), set(idxs)
        known = shards.get(shard_name)
        if known and _is_unchanged(path, known):
            samples.update(known.samples)
        samples = tuple(sorted(samples))
        shards[shard_name] = ArchivedShard(_find_fingerprint(path), samples, time_ns, digest)
        _write_shards(dataset_dir, shards)


def read_archived(dataset_dir: Path) -> frozenset[int]:
    """Samples that are in verified shards which have not changed; empty if there are none.

    Takes no time, unless the time of a shard is another than it was: such a shard is read whole,
    once, and its new time is noted if the folder can be written to.
    """
    unchanged = {}
    for name, shard in _read_shards(dataset_dir).items():
        with contextlib.suppress(OSError, ValueError):
            if _is_unchanged(dataset_dir / name, shard):
                unchanged[name] = shard
    _note_times(dataset_dir, unchanged)
    return frozenset(itertools.chain(*(shard.samples for shard in unchanged.values())))


def describe_archived(dataset_dirs: Iterable[Path]) -> list[str]:
    """A line that says for how many samples only the shards speak, and why; none if for none."""
    num_samples = sum(len(read_archived(path)) for path in dataset_dirs)
    if not num_samples:
        return []
    return [
        f"Of these, {num_samples} are complete because imgs_*.h5, which were compared with their "
        f"files, have the size and the time that {ARCHIVED_FILE} says."
    ]


# --- one shard ------------------------------------------------------------------------------------


def _is_unchanged(path: Path, shard: ArchivedShard) -> bool:
    """Whether a shard has not changed since it was compared; see the module's docstring.

    Raises:
        OSError, ValueError: it is missing, or no file.
        Hindrance: this process cannot read it.
    """
    if _find_fingerprint(path) != shard.fingerprint:
        return False
    status = path.stat()
    if not shard.sha256 or status.st_mtime_ns == shard.time_ns:
        return True
    identity = status.st_ino, status.st_size, status.st_mtime_ns
    return _find_sha256(path, identity) == shard.sha256


@functools.lru_cache(256)
def _find_sha256(path: Path, identity: tuple[int, ...]) -> str:
    """SHA-256 of a file, read once for each state of it: inode, size and time of change."""
    say(f"{path}: has another time than when it was archived, so all of it is compared")
    return read_sha256(path, MAX_SHARD_BYTES)[1].hex()


def _note_times(dataset_dir: Path, unchanged: dict[str, ArchivedShard]) -> None:
    """Notes the times of shards that have not changed, so that none is read whole again."""
    times_ns = {name: (dataset_dir / name).stat().st_mtime_ns for name in unchanged}
    if all(shard.time_ns in (-1, times_ns[name]) for name, shard in unchanged.items()):
        return
    with contextlib.suppress(OSError, UserError), locked(dataset_dir):
        shards = _read_shards(dataset_dir)
        for name, shard in unchanged.items():
            if shards.get(name) == shard and shard.sha256:
                shards[name] = dataclasses.replace(shard, time_ns=times_ns[name])
        _write_shards(dataset_dir, shards)


def _find_fingerprint(path: Path) -> str:
    """Size, and SHA-256 of the beginning and the end of a file."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(file.read(END_BYTES))
        file.seek(max(0, size - END_BYTES))
        digest.update(file.read(END_BYTES))
    return f"{size} {digest.hexdigest()}"


# --- the file -------------------------------------------------------------------------------------


def _read_shards(dataset_dir: Path) -> dict[str, ArchivedShard]:
    """Reads the notes of all shards. A damaged note is left out: its samples count as missing."""
    try:
        values = read_json(dataset_dir / ARCHIVED_FILE, MAX_BYTES)
    except (OSError, ValueError):
        return {}
    shards = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        with contextlib.suppress(ValueError):
            if file_to_shard(name) is not None:
                shards[name] = decode(ArchivedShard, value)
    return shards


def _write_shards(dataset_dir: Path, shards: dict[str, ArchivedShard]) -> None:
    values = {name: dataclasses.asdict(shard) for name, shard in shards.items()}
    write_text(dataset_dir / ARCHIVED_FILE, json.dumps(values) + "\n")
