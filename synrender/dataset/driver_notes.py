"""Notes of the runs that render a data set: what each has done, and how fast.

A note is a small hidden file in the data set's folder, which only its own run writes. It is locked
while the run goes on, and written again at least every `BEAT_S`, so that other machines, which may
not see the lock, see that the run is alive. The note of a shard stays when its run has ended: the
notes of all shards together say how many samples are complete, and nobody has to look at each one.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synrender.dataset.names import list_driver_notes
from synrender.settings.checks import MAX_TOTAL_SAMPLES, check_line
from synrender.system.files import Hindrance, read_small_file
from synrender.system.json_text import decode, parse_json
from synrender.system.locks import is_abandoned

BEAT_S = 20.0

SILENT_AFTER_S = 180.0
"""A note that has not been written for so long is one of a run that was killed."""

MAX_NOTE_BYTES = 1 << 28

WHOLE, SHARD, ENDED = "whole", "shard", "ended"
"""What stands in the name of a note: a run of all samples, of a shard, or of one that has ended."""

_MINUTES_KEPT = 60
_LOOK_AGAIN_S = 0.02


@dataclass(frozen=True)
class DriverNote:
    """Content of a note."""

    host: str
    pid: int
    shard: str = ""  # such as "3/16"; "": all samples
    num_samples: int = 0  # of its part
    done: str = ""  # the complete ones of its part, see `bits_to_text`
    begun_s: float = 0.0  # since 1970
    minutes: dict[int, int] = field(default_factory=dict)  # samples finished by minute since 1970

    def __post_init__(self) -> None:
        for text in filter(None, (self.host, self.shard)):
            check_line(text)

    @property
    def bits(self) -> np.ndarray:
        """Whether a sample is complete, (n,) bool; samples from n on are not.

        Raises:
            ValueError: the note is damaged.
        """
        return text_to_bits(self.done)

    def count_minutes(self, now_s: float) -> int:
        """Samples finished in the last hour."""
        first = _to_minute(now_s) - _MINUTES_KEPT
        return sum(num for minute, num in self.minutes.items() if minute > first)

    def find_rate(self, now_s: float) -> float:
        """Samples a minute over the last hour, or since the run has begun."""
        minutes = min(60.0, (now_s - self.begun_s) / 60)
        return self.count_minutes(now_s) / max(1.0, minutes)


@dataclass(frozen=True)
class FoundNote:
    """A note that is there."""

    path: Path
    note: DriverNote


def is_alive(path: Path) -> bool:
    """Whether the run of a note may still be at work."""
    for _ in range(2):
        if find_kind(path) == ENDED or is_abandoned(path, SILENT_AFTER_S):
            return False
        time.sleep(_LOOK_AGAIN_S)  # somebody else may just have been looking, as we do
    return path.exists()


def find_kind(path: Path) -> str:
    """One of `WHOLE`, `SHARD` and `ENDED`, by the name of a note."""
    return path.name.split(".")[2].partition("-")[0]


def list_notes(dataset_dir: Path) -> list[FoundNote]:
    """All notes that can be read; those of the latest runs come last."""
    notes = ((path, read_note(path)) for path in list_driver_notes(dataset_dir))
    found = [FoundNote(path, note) for path, note in notes if note is not None]
    return sorted(found, key=lambda one: one.note.begun_s)


def read_note(path: Path) -> DriverNote | None:
    """Reads a note; None if it has just been removed, or is being written, or is damaged."""
    for _ in range(2):  # it is written in place, in one go
        try:
            text = read_small_file(path, MAX_NOTE_BYTES)
            return decode(DriverNote, parse_json(text.strip(b" \n")))
        except ValueError:
            continue
        except (OSError, Hindrance):
            break
    return None


def note_to_bytes(note: DriverNote) -> bytes:
    """The text of a note."""
    return json.dumps(dataclasses.asdict(note)).encode()


def add_finished(note: DriverNote, num: int, now_s: float) -> DriverNote:
    """The note after some samples more were finished."""
    minute = _to_minute(now_s)
    minutes = {m: n for m, n in note.minutes.items() if m > minute - _MINUTES_KEPT}
    minutes[minute] = minutes.get(minute, 0) + num
    return dataclasses.replace(note, minutes=minutes)


def _to_minute(now_s: float) -> int:
    return int(now_s // 60)


# --- which samples --------------------------------------------------------------------------------


def join_bits(notes: Iterable[DriverNote], num_bits: int) -> np.ndarray:
    """Samples that some note says are complete, (num_bits,) bool; damaged notes do not count."""
    joined = np.zeros(num_bits, bool)
    for note in notes:
        try:
            bits = note.bits[:num_bits]
        except ValueError:
            continue
        joined[: len(bits)] |= bits
    return joined


def bits_to_text(bits: np.ndarray) -> str:
    """Text for one bit a sample, (n,) bool: packed, compressed, in base 64."""
    return base64.b64encode(zlib.compress(np.packbits(bits).tobytes(), 1)).decode("ascii")


def text_to_bits(text: str) -> np.ndarray:
    """Reads the text of `bits_to_text`, with up to seven more that are not set.

    Raises:
        ValueError: it is no such text.
    """
    if not text:
        return np.zeros(0, bool)
    unpack = zlib.decompressobj()
    try:
        packed = unpack.decompress(base64.b64decode(text, validate=True), MAX_TOTAL_SAMPLES // 8)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if unpack.unconsumed_tail or not unpack.eof:
        raise ValueError("more or fewer samples than a data set has")
    return np.unpackbits(np.frombuffer(packed, np.uint8)).astype(bool)
