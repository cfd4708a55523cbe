"""What rendered which samples, a kind of CPU and a device, and how far pixels of two may differ.

Plans are equal to the bit on every kind, and pixels on one kind. Between kinds pixels differ a
little, because the renderer chooses its code by the instruction sets, and because makers round
approximate reciprocals differently.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.settings.checks import check_line
from synrender.system.cpus import CpuKind

BOUNDS = {
    **{"Combined": 0.05, "Depth": 1e-4, "Normal": 1e-3},
    **dict.fromkeys(("Albedo", "Roughness", "Metallic"), 0.005),
}
"""Largest difference of a pixel between two kinds of CPU, by pass: scene-linear, m, length.

Instance, class and amodal masks are equal. docs/accuracy.md has what was measured.
"""

MAX_LEVELS = 4
"""The same for an 8-bit PNG."""

MAX_SHARE_BEYOND = 0.002
"""Share of an image's pixels that may differ by more: a ray can pass an edge on its other side."""

_RANGE = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")

Ranges = list[tuple[int, int]]
"""Ascending and apart: first index, and the one after the last."""


@dataclass(frozen=True)
class CpuSamples:
    """The samples that one kind of CPU rendered, or was about to."""

    cpu: CpuKind
    samples: str  # ascending indexes, such as "0-39, 80, 120-159"
    device: str | None = None  # None: the one of the whole data set

    def __post_init__(self) -> None:
        for text in (str(self.cpu), *self.cpu.instruction_sets, *filter(None, [self.device])):
            check_line(text)
        if not self.ranges:
            raise ValueError("a kind of CPU without samples")

    @functools.cached_property
    def ranges(self) -> Ranges:
        """The indexes."""
        ranges: Ranges = []
        for part in self.samples.split(", "):
            match = _RANGE.fullmatch(part)
            start, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
            if last < start or (ranges and start < ranges[-1][1]):
                raise ValueError(
                    f"samples of a kind of CPU: {part[:40]!r} is no range, or not next"
                )
            ranges.append((start, last + 1))
        return ranges


def add_samples(
    known: Sequence[CpuSamples], cpu: CpuKind, idxs: Sequence[int], device: str | None = None
) -> tuple[CpuSamples, ...]:
    """What rendered all samples, once ``cpu`` and ``device`` render those of ascending ``idxs``."""
    added = _to_ranges(idxs)
    found: list[CpuSamples] = []
    for entry in known:
        if (entry.cpu, entry.device) == (cpu, device):
            added = _combine(entry.ranges, added, lambda a, b: a or b)
        elif left := _combine(entry.ranges, added, lambda a, b: a and not b):
            found.append(dataclasses.replace(entry, samples=_to_text(left)))
    return (*found, CpuSamples(cpu, _to_text(added), device))


def find_kinds(known: Sequence[CpuSamples], idxs: Iterable[int]) -> np.ndarray:
    """Place in ``known`` of each sample's kind, (n,) int64; -1: not known."""
    wanted = np.fromiter(idxs, np.int64)
    places = np.full(len(wanted), -1, np.int64)
    for place, entry in enumerate(known):
        starts, stops = np.array(entry.ranges).T
        before = np.searchsorted(starts, wanted, side="right") - 1
        places[(before >= 0) & (wanted < stops[before])] = place
    return places


def find_cpu_of(known: Sequence[CpuSamples], idx: int) -> CpuKind | None:
    """Kind of CPU that rendered a sample; None if it is not known."""
    (place,) = find_kinds(known, [idx])
    return known[place].cpu if place >= 0 else None


def find_bound(channel: str) -> float:
    """Largest difference of an EXR's channel, such as ``ViewLayer.Depth.Z``, between two kinds."""
    return next((bound for name, bound in BOUNDS.items() if f".{name}." in channel), 0.0)


def describe_mixture(kinds: Iterable[CpuKind]) -> str:
    """A line on several kinds of CPU, with the instruction sets that not all have; "" for one."""
    different = sorted(set(kinds), key=str)
    if len(different) < 2:
        return ""
    shared = set.intersection(*(set(kind.instruction_sets) for kind in different))
    names = []
    for kind in different:
        own = [name for name in kind.instruction_sets if name not in shared]
        names.append(f"{kind} with {', '.join(own)}" if own else str(kind))
    return (
        f"{len(different)} kinds of CPU: {'; '.join(names)}. Their pixels differ by rounding; "
        "dataset.json records the kind of each sample"
    )


# --- ranges ---------------------------------------------------------------------------------------


def _to_ranges(idxs: Sequence[int]) -> Ranges:
    wanted = np.array(idxs, np.int64)
    parts = np.split(wanted, np.flatnonzero(np.diff(wanted) > 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]


def _to_text(ranges: Ranges) -> str:
    return ", ".join(f"{a}-{b - 1}" if b - a > 1 else f"{a}" for a, b in ranges)


def _combine(a: Ranges, b: Ranges, is_kept: Callable[[bool, bool], bool]) -> Ranges:
    """Combines two sets: ``is_kept`` says which indexes stay, by whether each set has them."""
    bounds = sorted({bound for pair in (*a, *b) for bound in pair})
    found: Ranges = []
    for start, stop in itertools.pairwise(bounds):
        if is_kept(_holds(a, start), _holds(b, start)):
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, stop))
    return found


def _holds(ranges: Ranges, idx: int) -> bool:
    place = bisect.bisect_right(ranges, idx, key=lambda pair: pair[0]) - 1
    return place >= 0 and idx < ranges[place][1]
