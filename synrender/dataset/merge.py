"""Joins parts of one data set, such as those that nodes without shared storage have rendered."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from synrender.dataset.archived import read_archived
from synrender.dataset.claim import describe_difference, extend_batch, write_description
from synrender.dataset.cpu_kinds import add_samples, find_kinds
from synrender.dataset.folder import DatasetFolder, settings_to_folder
from synrender.dataset.info import DatasetInfo, find_device, read_required_info
from synrender.dataset.lock import in_use, locked
from synrender.dataset.names import COLORS_FILE
from synrender.dataset.removal import discard_shown, find_shown, refuse_other_files
from synrender.errors import UserError
from synrender.system.files import read_small_file, write_bytes

MAX_COLORS_BYTES = 1 << 26


@dataclass(frozen=True)
class Part:
    """A data set that is read."""

    folder: DatasetFolder
    info: DatasetInfo
    colors: bytes  # its `COLORS_FILE`

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.folder.path


@dataclass
class Merged:
    """What became of the samples of all parts."""

    num_samples: int = 0  # of the whole data set
    num_copied: int = 0
    num_present: int = 0  # that were there already, with the same content
    num_rejected: int = 0  # that show a model or texture which another part has rejected
    num_damaged: int = 0
    num_missing: int = 0  # in the end


def merge_datasets(
    path: Path, part_paths: Sequence[Path], show: Callable[[int, int], None]
) -> Merged:
    """Copies all complete samples of the parts into one data set; the parts stay as they are.

    The data set is created, or continued: what a killed merge has copied is there for the next one.
    Every file is read and checked. Shows the number of samples that are done, and of all.

    Raises:
        UserError: a part has other settings, models, textures, Blender, device or revision than
            the first, or a sample of other content; or it is archived without its files.
    """
    with contextlib.ExitStack() as holds:
        for part_path in part_paths:
            if part_path.is_dir():
                holds.enter_context(in_use(part_path, "merged", is_shared=True))
        parts = [_open_part(part_path) for part_path in part_paths]
        folder = settings_to_folder(path, parts[0].info.settings)
        if any(part.path.resolve() == path.resolve() for part in parts):
            raise UserError(f"{path} is one of the parts: give the merged data set another name")
        refuse_other_files(folder)
        here = [_open_part(path)] if folder.is_begun else []
        for part in parts[1:] + here:
            _refuse_difference(parts[0], part)
        path.mkdir(parents=True, exist_ok=True)
        with locked(path):
            folder.image_dir.mkdir(exist_ok=True)
            info = _join_infos([part.info for part in here + parts])
            write_bytes(folder.color_reference_path, parts[0].colors)
            write_description(folder, info)
            holds.enter_context(in_use(path, "merged", is_shared=True))
        discard_shown(folder, folder.list_samples().pairs, info.rejected)
        return _copy_all(folder, parts, info, show)


def _open_part(path: Path) -> Part:
    info = read_required_info(path)
    folder = settings_to_folder(path, info.settings)
    lost = set(read_archived(path)) - set(folder.list_samples().pairs)
    if lost:
        raise UserError(
            f"{path}: {len(lost)} samples are in its HDF5 files alone, and samples are merged by "
            "their own files: merge parts before preprocess_data.py removes these"
        )
    return Part(folder, info, read_small_file(path / COLORS_FILE, MAX_COLORS_BYTES))


def _refuse_difference(first: Part, other: Part) -> None:
    """Refuses a part that is not of the same data set as the first."""
    a, b = first.info, other.info
    difference = describe_difference(a.settings, b.settings)
    if difference:
        difference = difference.replace("this run has", f"{other.path} has", 1)
    elif sources := a.sources.find_difference(b.sources):
        difference = f"{sources[0]} of {sources[1]}, {other.path} with those of {sources[2]}"
    else:
        for what, mine, theirs in (
            ("revision", a.render_revision, b.render_revision),
            ("Blender", a.versions.get("blender"), b.versions.get("blender")),
            ("the device", _find_one_device(a), _find_one_device(b)),
            ("classes", a.classes, b.classes),
            ("the design", a.design, b.design),
            ("columns of factors", a.num_columns, b.num_columns),
            ("reference colors", first.colors, other.colors),
        ):
            if None not in (mine, theirs) and mine != theirs:
                values = isinstance(mine, int | str)
                difference = (
                    f"{what} {mine}, {other.path} with {theirs}"
                    if values
                    else f"other {what.removeprefix('the ')} than {other.path}"
                )
    if difference:
        raise UserError(
            f"{first.path} was made with {difference}: these are no parts of one data set; nothing "
            "was copied"
        )


def _find_one_device(info: DatasetInfo) -> str | None:
    return None if info.settings.rendering.allow_mixed_devices else find_device(info)


def _join_infos(infos: Sequence[DatasetInfo]) -> DatasetInfo:
    """The description of all parts: every sample, and all that was rejected or is incomplete."""
    joined = infos[0]
    for info in infos[1:]:
        joined = dataclasses.replace(
            extend_batch(joined, info.settings),
            rejected=dict(sorted({**joined.rejected, **info.rejected}.items())),
            incomplete=dict(sorted({**joined.incomplete, **info.incomplete}.items())),
            versions={**info.versions, **{k: v for k, v in joined.versions.items() if v}},
            device=joined.device or info.device,
        )
    return joined


def _copy_all(
    folder: DatasetFolder,
    parts: Sequence[Part],
    info: DatasetInfo,
    show: Callable[[int, int], None],
) -> Merged:
    listings = [part.folder.list_samples().pairs for part in parts]
    total, merged = sum(map(len, listings)), Merged(info.settings.batch.num_samples)
    num_done = 0
    for part, idxs in zip(parts, listings, strict=True):
        show(num_done, total)
        present = set(folder.list_samples().pairs)
        with locked(folder.path):  # others may have rejected a model meanwhile
            new = [idx for idx in idxs if idx not in present]
            info = _add_kinds(folder.read_info(), part, new)
            write_description(folder, info)
        for idx in idxs:
            _copy_sample(folder, part, idx, merged, info.rejected)
            num_done += 1
            show(num_done, total)
    merged.num_missing = len(folder.find_missing(info.settings.batch.idxs))
    return merged


def _add_kinds(info: DatasetInfo, part: Part, idxs: Sequence[int]) -> DatasetInfo:
    """Notes the kinds of CPU of samples that are about to be copied, and another device."""
    cpus, known = info.cpus, part.info.cpus
    usual = find_device(part.info)
    other = usual if usual != find_device(info) else None
    places = find_kinds(known, idxs)
    for place, entry in enumerate(known):
        chosen = [idx for idx, own in zip(idxs, places, strict=True) if own == place]
        if chosen:
            cpus = add_samples(cpus, entry.cpu, chosen, entry.device or other)
    return dataclasses.replace(info, cpus=cpus)


def _copy_sample(
    folder: DatasetFolder, part: Part, idx: int, merged: Merged, rejected: dict[str, str]
) -> None:
    """Copies a sample that is complete and shows nothing that any part has rejected."""
    if not part.folder.is_complete(idx):
        merged.num_damaged += 1
        return
    if not find_shown(part.folder.read_record(idx)).isdisjoint(rejected):
        merged.num_rejected += 1
        return
    image = part.folder.image_path(idx).read_bytes()
    record = part.folder.record_path(idx).read_bytes()
    if not folder.is_complete(idx):
        folder.commit_files(idx, image, record)
        merged.num_copied += 1
        return
    for path, content in ((folder.image_path(idx), image), (folder.record_path(idx), record)):
        if path.read_bytes() != content:
            name = path.relative_to(folder.path)
            raise UserError(
                f"sample {idx}: {name} differs between {folder.path} and {part.path}: remove the "
                f"sample's record, {part.folder.record_path(idx).name}, from the one that is "
                "wrong, and repeat the command"
            )
    merged.num_present += 1
