"""``export.json``: comes last, so that an export without it is not complete; and what comes before.

It lists every file of the export with its size and SHA-256. While the export is under way, its plan
lies in a hidden file, so that it goes on as it was begun. Only what one of the two lists is ours:
nothing else in the folder is ever removed.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synrender import __version__
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import UserError, shorten
from synrender.export.format import PIECES_DIR, ExportedFile, Job
from synrender.export.listing import (
    ListedFile,
    create_folders,
    describe_files,
    find_files,
    parse_line,
    refuse_others,
    remove_files,
    remove_temporary_files,
)
from synrender.settings.checks import SPLITS
from synrender.system.console import say
from synrender.system.files import is_plain_name, temporary_to_name, write_text
from synrender.system.json_text import decode, read_json
from synrender.system.workers import Workers

MARKER, PLAN = "export.json", ".export.json"
CARD_FILE, CROISSANT_FILE, PICTURE_FILE = "README.md", "croissant.json", "samples.png"
DESCRIPTION_FILES = (CARD_FILE, CROISSANT_FILE, PICTURE_FILE, CONFIG_FILE)

_MAX_BYTES = 1 << 31
"""Ten million files, with 120 bytes each."""

_PIECE = re.compile(rf"({'|'.join(SPLITS)})-[0-9]{{5,}}\.jsonl")


@dataclass(frozen=True)
class Marker:
    """Content of `MARKER` or of `PLAN`."""

    dataset: str
    version: str  # of this program
    format: str
    splits: dict[str, int]  # samples of each
    samples_per_piece: int
    fingerprint: str
    files: tuple[ExportedFile, ...] = ()  # that hold the samples, in formats of large files
    listing: tuple[str, ...] = ()  # all files but `MARKER`, `ListedFile.to_line` of each
    planned: tuple[str, ...] = ()  # of `PLAN`: paths of the same files, which are not there yet
    told: dict[str, str] | None = None  # in the card, besides the data; None: it is to be written

    def check(self) -> None:
        """Raises ValueError for what no export has, such as a path that leads out of its folder."""
        if self.samples_per_piece < 1:
            raise ValueError(f"samples_per_piece must be at least 1, is {self.samples_per_piece}")
        for path in self._find_paths():
            if not all(map(is_plain_name, path.split("/"))):
                raise ValueError(f"{shorten(repr(path))} is no path below the folder")

    def find_listed(self) -> list[ListedFile]:
        """All files of a complete export but `MARKER`; none of an export of an earlier version."""
        return [parse_line(line) for line in self.listing]

    def find_ours(self, out: Path) -> set[str]:
        """Paths of all files that the export in a folder has or may have."""
        return self._find_paths() | _find_own(out)

    def _find_paths(self) -> set[str]:
        listed = (file.path for file in self.find_listed())
        return {*listed, *self.planned, *(file.path for file in self.files)}


# --- what is there --------------------------------------------------------------------------------


def create_folder(out: Path) -> None:
    """Creates the folder of an export, unless it is there.

    Raises:
        UserError: it is no folder, or holds something though no export was begun there.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is no folder; choose another one")
    out.mkdir(parents=True, exist_ok=True)
    if not any((out / name).exists() for name in (MARKER, PLAN)):
        refuse_others(out, find_files(out, {PLAN}))


def is_complete(job: Job) -> bool:
    """Whether this export is there already, as far as the sizes and names of all files tell.

    Raises:
        UserError: a file has another size than it had, or there are others among ours.
    """
    known = read_marker(job.out / MARKER)
    if known is None or not is_same(known, job) or not known.listing:
        return False
    found = find_files(job.out, known.find_ours(job.out))
    refuse_others(job.out, found)
    listed = known.find_listed()
    changed = [f for f in listed if f.path in found.sizes and found.sizes[f.path] != f.bytes]
    if changed:
        first = changed[0]
        raise UserError(
            f"{job.out}: {first.path} has {found.sizes[first.path]} bytes, {first.bytes} were "
            f"written ({len(changed)} of {len(listed)} files have changed); --overwrite writes the "
            "export again"
        )
    lost = [file.path for file in listed if file.path not in found.sizes]
    if lost:
        say(f"{job.out}: {lost[0]} is lost ({len(lost)} of {len(listed)} files)")
    return not lost


def is_same(known: Marker, job: Job) -> bool:
    """Whether an export is that of a job, however large its pieces are."""
    return known == dataclasses.replace(
        _create_marker(job),
        version=known.version,
        dataset=known.dataset,
        samples_per_piece=known.samples_per_piece,
        files=known.files,
        listing=known.listing,
        planned=known.planned,
        told=known.told,
    )


def read_marker(path: Path) -> Marker | None:
    """Content of a marker; None if there is none.

    Raises:
        UserError: it is damaged, or not of an export.
    """
    try:
        known = decode(Marker, read_json(path, _MAX_BYTES))
        known.check()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: is not of an export, or damaged ({error}); choose another folder with --out"
        ) from None
    return known


# --- beginning and finishing ----------------------------------------------------------------------


def adopt(job: Job, overwrite: bool) -> Job:
    """Claims the folder of an export; returns the job as it was begun, or empties the folder.

    Args:
        job: to begin; one that was begun with another size of pieces keeps it.
        overwrite: remove an earlier export that is there.

    Raises:
        UserError: the folder holds another export, or what is of none.
    """
    known = read_marker(job.out / MARKER) or read_marker(job.out / PLAN)
    if known and not overwrite:
        if not is_same(known, job):
            raise UserError(
                f"{job.out}: holds another export, {known.format} of {known.dataset} as it was "
                "then; choose another folder with --out, or --overwrite"
            )
        return dataclasses.replace(job, piece_rows=known.samples_per_piece)
    ours = known.find_ours(job.out) if known else {PLAN}
    refuse_others(job.out, find_files(job.out, ours))
    remove_files(job.out, ours - {MARKER, PLAN})  # these last, so that it can be repeated
    return job


def begin(job: Job, paths: Collection[str]) -> None:
    """Notes which files the export will have, and creates their folders.

    Args:
        job: of `adopt`.
        paths: of all files that hold samples, or their labels.

    Raises:
        UserError: there is something else in the folder.
    """
    ours = {*paths, *_find_own(job.out)}
    refuse_others(job.out, find_files(job.out, ours))
    planned = (*paths, *DESCRIPTION_FILES)
    _write(job.out / PLAN, dataclasses.replace(_create_marker(job), planned=planned))
    (job.out / MARKER).unlink(missing_ok=True)  # until it is complete again
    (job.out / PIECES_DIR).mkdir(exist_ok=True)
    create_folders(job.out, paths)
    remove_temporary_files(job.out, ours)


def finish(
    job: Job,
    files: Sequence[ExportedFile],
    listed: Sequence[ListedFile],
    told: dict[str, str] | None,
) -> None:
    """Writes the marker, and removes what was needed on the way.

    Args:
        job: that is done.
        files: that hold the samples, in formats of large files.
        listed: all files of the export; without `DESCRIPTION_FILES` while these are written again.
        told: in these, besides the data: `Publisher.find_told`; None: they are to be written.
    """
    lines = tuple(file.to_line() for file in listed)
    marker = dataclasses.replace(_create_marker(job), files=tuple(files), listing=lines, told=told)
    _write(job.out / MARKER, marker)
    remove_traces(job)


def remove_traces(job: Job) -> None:
    """Removes what only an unfinished export needs."""
    remove_files(job.out, _find_own(job.out) - {MARKER, *DESCRIPTION_FILES})


def _find_own(out: Path) -> set[str]:
    """Paths of what every export has, and of the pieces of one under way."""
    pieces_dir, names = out / PIECES_DIR, [""]  # the folder is ours also if it is empty
    if pieces_dir.is_dir() and not pieces_dir.is_symlink():
        found = (temporary_to_name(path.name) or path.name for path in pieces_dir.iterdir())
        names += filter(_PIECE.fullmatch, found)
    return {MARKER, PLAN, *DESCRIPTION_FILES, *(f"{PIECES_DIR}/{name}" for name in names)}


def _create_marker(job: Job) -> Marker:
    return decode(
        Marker, {"dataset": job.dataset_path.name, "version": __version__, **job.to_values()}
    )


def _write(path: Path, marker: Marker) -> None:
    values = {
        name: value for name, value in dataclasses.asdict(marker).items() if value not in ((), None)
    }
    write_text(path, json.dumps(values, indent=1) + "\n")


# --- verifying ------------------------------------------------------------------------------------


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
