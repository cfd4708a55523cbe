"""Removes a data set without touching other files, and samples that show what was rejected."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from synrender.assets.environments import to_rejected_name
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import read_info
from synrender.dataset.lock import in_use
from synrender.dataset.names import INFO_FILE, LOCK_FILE, file_to_lease, is_ours, list_image_dirs
from synrender.errors import UserError


def refuse_other_files(folder: DatasetFolder) -> None:
    """Refuses to begin a data set in a folder that holds something else.

    Raises:
        UserError: there is more than a first run leaves that is killed before its first sample.
    """
    if folder.is_begun:
        return
    others = [n for n in _find_others(folder, is_begun=False) if not Path(n).name.startswith(".")]
    if others and not folder.is_begun:  # another process may have begun it meanwhile
        raise UserError(
            f"{folder.path} exists and is no data set of this program (it holds {others[0]}): "
            "choose another --dataset_name"
        )


def find_foreign_files(folder: DatasetFolder) -> list[str]:
    """Names of what is in the data set's folder, beside `IMAGE_DIR`, and not ours by name."""
    paths = (path for path in folder.path.iterdir() if path != folder.image_dir)
    return sorted(path.name for path in paths if not is_ours(path, folder.path))


def refuse_removal(folder: DatasetFolder) -> None:
    """Refuses to remove what `remove_dataset` must not remove.

    Raises:
        UserError: the folder is a link, is no data set of ours, or holds files that are not ours.
    """
    image_dirs = list_image_dirs(folder.path)
    links = [p for p in (folder.path, folder.image_dir, *image_dirs) if p.is_symlink()]
    if links:
        raise UserError(
            f"{links[0]} is a link: --overwrite removes nothing through one; remove the data set "
            "by hand, or choose another --dataset_name"
        )
    is_begun = read_info(folder.path) is not None
    if not is_begun:
        refuse_other_files(folder)
    others = _find_others(folder, is_begun)
    if others and is_begun == folder.is_begun:  # else another process begins or removes it now
        raise UserError(
            f"{folder.path} holds {others[0]}, which this program did not write: move it away, "
            "or choose another --dataset_name; nothing was removed"
        )


def remove_dataset(folder: DatasetFolder) -> None:
    """Removes a data set, or what a killed first run left; keeps its folder and its lock.

    The folder exists, and the caller has locked it, so that no data set is begun there. Everything
    is looked at before the first file goes. The description goes last, so that a removal that is
    killed can be repeated.

    Raises:
        UserError: see `refuse_removal`; or somebody is at work there.
    """
    kept, last = folder.path / LOCK_FILE, folder.path / INFO_FILE
    with in_use(folder.path, "overwritten", is_shared=False):
        refuse_removal(folder)
        paths = (
            path
            for path in _list_files(folder)
            if path not in (kept, last) and file_to_lease(path.name) is None
        )
        for path in itertools.chain(paths, [last]):
            path.unlink(missing_ok=True)
        for path in reversed(list_image_dirs(folder.path)):
            path.rmdir()


def _find_others(folder: DatasetFolder, is_begun: bool) -> list[str]:
    """Paths below the folder that are no files of ours; see `is_ours`."""
    others = []
    for path in _list_files(folder):
        with contextlib.suppress(FileNotFoundError):  # somebody has just removed it
            if not is_ours(path, folder.path, is_begun):
                others.append(path.relative_to(folder.path).as_posix())
    return sorted(others)


def _list_files(folder: DatasetFolder) -> Iterator[Path]:
    """Whatever is in the folder and in its image folders, these left out."""
    image_dirs = dict.fromkeys(list_image_dirs(folder.path))
    if folder.path.is_dir():
        yield from (p for p in folder.path.iterdir() if p != folder.image_dir)
    for image_dir in image_dirs:
        with contextlib.suppress(FileNotFoundError):
            yield from (p for p in image_dir.iterdir() if p not in image_dirs)


# --- samples that show what was rejected ----------------------------------------------------------

MAX_ROUNDS = 10
"""In which a shard renders samples again whose models other shards have rejected meanwhile."""


def discard_shown(
    folder: DatasetFolder, idxs: Iterable[int], rejected: Collection[str]
) -> list[int]:
    """Removes the records of samples that show something rejected: these samples are missing then.

    A model that cannot be read is never shown. One that crashes Blender may be: some samples of it
    were rendered well before, by this shard or by another. Then it would depend on who came first
    which samples show it. So a shard renders its samples of such a model again, with the next
    candidate. The record goes first, and is written last, so that a kill never leaves the image of
    one model with the record of another.

    Returns:
        The samples, in order; the caller renders next what is missing of all that it gave.
    """
    discarded = []
    for idx in idxs if rejected else ():
        try:
            record = folder.read_record(idx)
        except (OSError, ValueError):  # it is missing anyway
            continue
        if not find_shown(record).isdisjoint(rejected):
            folder.record_path(idx).unlink(missing_ok=True)
            discarded.append(idx)
    return discarded


def find_shown(record: np.ndarray) -> set[str]:
    """Names, as those of rejected assets, of what a sample shows, by its record, (num_objs,)."""
    models = (f"{row['synset_id']}/{row['model_id']}" for row in record)
    textures = (str(row[name]) for row in record for name in ("texture", "backdrop_texture"))
    environments = {str(row["environment"]) for row in record} - {""}
    return {*models, *filter(None, textures), *map(to_rejected_name, environments)}
