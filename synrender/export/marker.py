"""``export.json``: comes last, so that an export without it is not complete; and what comes before.

While an export is under way its plan lies in a hidden file, so that it goes on as it was begun.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synrender import __version__
from synrender.errors import UserError
from synrender.export.format import PIECES_DIR
from synrender.export.pieces import ExportedFile, Job
from synrender.system.files import read_small_file, write_text
from synrender.system.locks import remove_abandoned_files

MARKER, PLAN = "export.json", ".export.json"
_MAX_BYTES, _BLOCK_BYTES = 1 << 26, 1 << 20
_OURS = re.compile(
    r"\.?export\.json|\.pieces|README\.md|croissant\.json|config\.gin|samples\.png|data|annotations"
    r"|(train|validation|test)(-\d+\.tar|\.jsonl)?"
)
_TEMPORARY = re.compile(
    r"\.{1,2}(export|README|croissant|config|samples|(train|validation|test)(-\d+)?)\..+\.\d+\.\w+"
)
"""Names in the folder of an export, and of files there that were being written."""


def is_complete(job: Job) -> bool:
    """Whether this export is there already."""
    known = _read(job.out / MARKER)
    if known is None or not is_same(known, job):
        return False
    return all(_has_size(job.out / file["path"], file["bytes"]) for file in known.get("files", ()))


def create_folder(out: Path) -> None:
    """Creates the folder of an export, unless it is there.

    Raises:
        UserError: it holds something else than an export, or is none.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is no folder; choose another one")
    out.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in out.iterdir() if not _TEMPORARY.fullmatch(path.name))
    foreign = [name for name in names if not _OURS.fullmatch(name)]
    if not {MARKER, PLAN} & set(names):
        foreign = foreign or names  # no export was begun here
    if foreign:
        raise UserError(
            f"{out}: holds {foreign[0]!r}, which is not of an export; choose another folder with "
            "--out"
        )


def begin(job: Job, overwrite: bool) -> Job:
    """Claims the folder of an export; returns the job as it was begun.

    Args:
        job: to begin; one that was begun with another size of pieces keeps it.
        overwrite: remove an earlier export that is there.

    Raises:
        UserError: the folder holds another export.
    """
    known = None if overwrite else _read(job.out / MARKER) or _read(job.out / PLAN)
    if known is None:
        _clear(job.out)
    elif not is_same(known, job):
        raise UserError(
            f"{job.out}: holds another export, {known.get('format')} of {known.get('dataset')} as "
            "it was then; choose another folder with --out, or --overwrite"
        )
    else:
        job = dataclasses.replace(job, piece_rows=int(known["samples_per_piece"]))
    for folder in (job.out, *(path for path in job.out.rglob("*") if path.is_dir())):
        remove_abandoned_files(folder)
    write_text(job.out / PLAN, json.dumps(_to_values(job)) + "\n")
    (job.out / MARKER).unlink(missing_ok=True)  # until it is complete again
    (job.out / PIECES_DIR).mkdir(exist_ok=True)
    return job


def finish(job: Job, files: Sequence[ExportedFile]) -> None:
    """Writes the marker, and removes what was needed on the way.

    Args:
        job: that is done.
        files: that hold the samples.
    """
    values = {**_to_values(job), "files": [dataclasses.asdict(file) for file in files]}
    write_text(job.out / MARKER, json.dumps(values, indent=1) + "\n")
    remove_traces(job)


def remove_traces(job: Job) -> None:
    """Removes what only an unfinished export needs."""
    (job.out / PLAN).unlink(missing_ok=True)
    shutil.rmtree(job.out / PIECES_DIR, ignore_errors=True)


def is_same(known: dict[str, Any], job: Job) -> bool:
    """Whether an export is that of a job, however large its pieces are."""
    values = {**job.to_values(), "samples_per_piece": known.get("samples_per_piece")}
    return all(known.get(name) == value for name, value in values.items())


def describe_file(path: Path) -> tuple[int, str]:
    """Size of a file in bytes, and its SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return path.stat().st_size, digest.hexdigest()


def _has_size(path: Path, num_bytes: int) -> bool:
    try:
        return path.stat().st_size == num_bytes
    except FileNotFoundError:
        return False


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _to_values(job: Job) -> dict[str, Any]:
    return {"dataset": job.dataset_path.name, "version": __version__, **job.to_values()}


def _read(path: Path) -> dict[str, Any] | None:
    """Content of a marker; None if there is none."""
    try:
        known = json.loads(read_small_file(path, _MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: damaged ({error}); remove the folder, or --overwrite") from None
    if not isinstance(known, dict) or not isinstance(known.get("samples_per_piece"), int):
        raise UserError(f"{path}: is not of an export; choose another folder with --out")
    return known
