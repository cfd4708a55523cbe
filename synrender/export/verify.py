"""``--verify``: compares all files of an export with the SHA-256 that ``export.json`` lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synrender.errors import UserError
from synrender.export.listing import describe_files, find_files
from synrender.export.marker import MARKER, read_marker
from synrender.system.workers import Workers


@dataclass(frozen=True)
class Verification:
    """An export against its list of files."""

    num_files: int  # that are listed
    lost: tuple[str, ...]  # paths
    changed: tuple[str, ...]
    others: tuple[str, ...]  # that are not listed

    @property
    def num_differences(self) -> int:
        """Files that are not as they were written, or were not written."""
        return len(self.lost) + len(self.changed) + len(self.others)

    def to_lines(self) -> list[str]:
        """One line for each difference, and one with the verdict."""
        named = (("missing", self.lost), ("changed", self.changed), ("extra", self.others))
        lines = [f"{what:<8} {path}" for what, paths in named for path in paths]
        if self.num_differences:
            return [*lines, f"FAIL: {self.num_differences} differences; {MARKER} lists the files"]
        return [f"pass: {self.num_files} files are as {MARKER} says"]


def verify_export(out: Path, workers: Workers, progress: Callable[[int, str], Any]) -> Verification:
    """Compares the files of an export with their sizes and SHA-256.

    Raises:
        UserError: there is no complete export, or an earlier version wrote it.
    """
    known = read_marker(out / MARKER)
    if known is None:
        raise UserError(f"{out}: holds no complete export; export_dataset.py writes it")
    listed = {file.path: file for file in known.find_listed()}
    if not listed:
        raise UserError(
            f"{out / MARKER}: lists no files, because an earlier version of this program wrote it; "
            "--overwrite writes the export again"
        )
    found = find_files(out, {*listed, MARKER})
    same_size = [path for path, f in listed.items() if found.sizes.get(path) == f.bytes]
    changed = {path for path, f in listed.items() if found.sizes.get(path, f.bytes) != f.bytes}
    described = describe_files(out, same_size, workers, progress)
    changed.update(file.path for file in described if file != listed[file.path])
    lost = sorted(listed.keys() - found.sizes.keys())
    return Verification(len(listed), tuple(lost), tuple(sorted(changed)), found.others)
