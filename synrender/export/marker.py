"""``export.json``, which is written last: an export without it is not complete.

It lists every file of the export with its size and SHA-256. While the export is being written, a
hidden file holds its plan, so that it can be continued as it was begun. Only files in one of these
two lists are ours: nothing else in the folder is ever removed.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from synrender import __version__
from synrender.dataset.export_marker import (
    MARKER,
    MAX_MARKER_BYTES,
    ExportedFile,
    ListedFile,
    Marker,
    parse_marker,
)
from synrender.dataset.info import DatasetInfo, info_to_dict
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import UserError
from synrender.export.format import PIECES_DIR, ExportPlan
from synrender.export.listing import (
    CreateBar,
    create_folders,
    describe_files,
    describe_some,
    find_files,
    refuse_others,
    remove_files,
    remove_temporary_files,
)
from synrender.loading.dataset import Dataset
from synrender.settings.checks import SPLITS
from synrender.system.console import say
from synrender.system.files import read_small_file, temporary_to_name, write_text
from synrender.system.workers import Workers

PLAN = ".export.json"
CARD_FILE, CROISSANT_FILE = "README.md", "croissant.json"
PICTURE_FILE, DESIGN_FILE = "samples.png", "design.svg"
DESCRIPTION_FILES = (CARD_FILE, CROISSANT_FILE, PICTURE_FILE, DESIGN_FILE, CONFIG_FILE)
"""Of an export; there is no `DESIGN_FILE` where the design has nothing to draw."""

_PIECE = re.compile(rf"({'|'.join(SPLITS)})-[0-9]{{5,}}\.jsonl")


# --- what is there --------------------------------------------------------------------------------


def create_folder(out: Path) -> None:
    """Creates the folder of an export, unless it is there.

    Raises:
        UserError: it is not a folder, or it holds files though no export was begun there.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is not a folder; choose another one")
    out.mkdir(parents=True, exist_ok=True)
    if not any((out / name).exists() for name in (MARKER, PLAN)):
        refuse_others(out, find_files(out, {PLAN}))


def claim_folder(plan: ExportPlan, overwrite: bool) -> Marker | None:
    """Finds out what was begun in the folder of an export, or empties it.

    Args:
        plan: of the export.
        overwrite: remove an earlier export that is there.

    Returns:
        The marker of the same export, finished or not; None: begin from nothing.

    Raises:
        UserError: the folder holds another export, or files that do not belong to an export.
    """
    known = read_marker(plan.out / MARKER) or read_marker(plan.out / PLAN)
    if known is None:
        return None
    if overwrite:
        ours = _find_ours(plan.out, known)
        refuse_others(plan.out, find_files(plan.out, ours))
        remove_files(plan.out, ours - {MARKER, PLAN})  # these last, so that it can be repeated
        return None
    begun = (known.format, known.splits, known.fingerprint)
    if begun != (plan.format, plan.split_sizes, plan.source.fingerprint):
        raise UserError(
            f"{plan.out}: holds another export ({known.format} of {known.dataset}, perhaps of "
            "other fields, or before it changed); choose another folder with --out, or --overwrite"
        )
    return known


def find_complete(out: Path, known: Marker) -> list[ListedFile]:
    """Files of a complete export that hold its samples; none if it is not complete.

    The names and sizes of all files are compared, not their content.

    Raises:
        UserError: the size of a file has changed, or there are files that are not ours.
    """
    listed = known.find_listed()
    if not listed:
        return []
    found = find_files(out, _find_ours(out, known))
    refuse_others(out, found)
    changed = [f for f in listed if f.path in found.sizes and found.sizes[f.path] != f.bytes]
    if changed:
        first = changed[0]
        raise UserError(
            f"{out}: {first.path} has {found.sizes[first.path]} bytes, but {first.bytes} were "
            f"written ({len(changed)} of {len(listed)} files have changed); --overwrite writes "
            "the export again"
        )
    lost = [file.path for file in listed if file.path not in found.sizes]
    if lost:
        say(f"{out}: {lost[0]} is missing ({len(lost)} of {len(listed)} files)")
        return []
    return [file for file in listed if file.path not in DESCRIPTION_FILES]


def read_marker(path: Path) -> Marker | None:
    """Content of a marker; None if there is none.

    Raises:
        UserError: it is damaged, or does not belong to an export.
    """
    try:
        return parse_marker(read_small_file(path, MAX_MARKER_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: does not belong to an export, or is damaged ({error}); choose another folder "
            "with --out"
        ) from None


def list_all_files(out: Path) -> list[ListedFile]:
    """All files of a complete export; the last one is its marker."""
    known = read_marker(out / MARKER)
    listed = known.find_listed() if known else []
    return [*listed, *describe_some(out, [MARKER])]


# --- beginning and finishing ----------------------------------------------------------------------


def begin(plan: ExportPlan, data: Dataset, paths: Collection[str]) -> None:
    """Notes which files the export will have, and creates their folders.

    Args:
        plan: of the export, in a folder of `claim_folder`.
        data: of `open_source`.
        paths: of all files that hold samples, or their labels.

    Raises:
        UserError: there is something else in the folder.
    """
    ours = {*paths, *_find_own(plan.out)}
    refuse_others(plan.out, find_files(plan.out, ours))
    planned = (*paths, *DESCRIPTION_FILES)
    _write(plan.out / PLAN, dataclasses.replace(_create_marker(plan, data), planned=planned))
    (plan.out / MARKER).unlink(missing_ok=True)  # until it is complete again
    (plan.out / PIECES_DIR).mkdir(exist_ok=True)
    create_folders(plan.out, paths)
    remove_temporary_files(plan.out, ours)


def finish(
    plan: ExportPlan,
    data: Dataset,
    files: Sequence[ExportedFile],
    listed: Sequence[ListedFile],
    told: dict[str, str] | None,
) -> None:
    """Writes the marker, and removes what only an unfinished export needs.

    Args:
        plan: of the export.
        data: of `open_source`.
        files: that hold the samples, in formats of large files.
        listed: all files of the export; without `DESCRIPTION_FILES` while these are written again.
        told: `Publisher.find_told` of the description; None: it is not written yet.
    """
    lines = tuple(file.to_line() for file in listed)
    marker = _create_marker(plan, data)
    written = dataclasses.replace(marker, files=tuple(files), listing=lines, told=told)
    _write(plan.out / MARKER, written)
    remove_traces(plan.out)


def remove_traces(out: Path) -> None:
    """Removes what only an unfinished export needs."""
    remove_files(out, _find_own(out) - {MARKER, *DESCRIPTION_FILES})


def _find_ours(out: Path, known: Marker) -> set[str]:
    """Paths of all files that belong to the export in a folder, whether they exist or not."""
    return known.find_paths() | _find_own(out)


def _find_own(out: Path) -> set[str]:
    """Paths of the files of every export, and of the pieces of an unfinished one."""
    pieces_dir, names = out / PIECES_DIR, [""]  # the folder is ours also if it is empty
    if pieces_dir.is_dir() and not pieces_dir.is_symlink():
        found = (temporary_to_name(path.name) or path.name for path in pieces_dir.iterdir())
        names += filter(_PIECE.fullmatch, found)
    return {MARKER, PLAN, *DESCRIPTION_FILES, *(f"{PIECES_DIR}/{name}" for name in names)}


def _create_marker(plan: ExportPlan, data: Dataset) -> Marker:
    return Marker(
        dataset=plan.source.path.name,
        version=__version__,
        format=plan.format,
        splits=plan.split_sizes,
        samples_per_piece=plan.piece_rows,
        fingerprint=plan.source.fingerprint,
        constants={column.name: value for column, value in plan.schema.constants},
        info=info_to_dict(_publish(data.info)),
        keypoint_names=data.keypoint_names,
    )


def _publish(info: DatasetInfo) -> DatasetInfo:
    """The description without what only its author should know: folders, and reasons with paths."""
    published = {
        kind: source and dataclasses.replace(source, source="")
        for kind, source in vars(info.sources).items()
    }
    sources = dataclasses.replace(info.sources, **published)
    return dataclasses.replace(info, sources=sources, rejected={}, incomplete={})


def _write(path: Path, marker: Marker) -> None:
    values = {
        name: value for name, value in dataclasses.asdict(marker).items() if value not in ((), None)
    }
    write_text(path, json.dumps(values, indent=1) + "\n")


# --- verifying ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ExportDifferences:
    """Files that differ from the list of files."""

    num_files: int  # that are listed
    lost: tuple[str, ...]  # paths
    changed: tuple[str, ...]
    others: tuple[str, ...]  # that are not listed

    @property
    def num_differences(self) -> int:
        """Number of files that were changed, added or removed."""
        return len(self.lost) + len(self.changed) + len(self.others)

    def to_lines(self) -> list[str]:
        """One line for each difference, and one with the verdict."""
        named = (("missing", self.lost), ("changed", self.changed), ("extra", self.others))
        lines = [f"{what:<8} {path}" for what, paths in named for path in paths]
        if self.num_differences:
            return [*lines, f"FAIL: {self.num_differences} differences; {MARKER} lists the files"]
        return [f"pass: {self.num_files} files are as {MARKER} says"]


def verify_export(out: Path, workers: Workers, create_bar: CreateBar) -> ExportDifferences:
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
    described = describe_files(out, same_size, workers, create_bar)
    changed.update(file.path for file in described if file != listed[file.path])
    lost = sorted(listed.keys() - found.sizes.keys())
    return ExportDifferences(len(listed), tuple(lost), tuple(sorted(changed)), found.others)
