"""Runs the whole audit: chooses samples, spreads the work over processes, gathers verdicts."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from synrender.audit.check import Check
from synrender.audit.examine import SampleFindings, Task, cut_tasks, examine
from synrender.audit.raycast import require_ray_caster
from synrender.audit.shares import check_balance, check_splits
from synrender.audit.stored import check_stored
from synrender.audit.subject import Records, Subject, load_records, open_subject
from synrender.audit.verdicts import (
    check_boxes,
    check_class,
    check_depth,
    check_files,
    check_images,
    check_mask,
    check_outline,
    check_pose,
)
from synrender.errors import UserError

_TASK_SIZE = 20


def audit_dataset(
    dataset_dir: Path, num_cast: int, seed: int = 0, jobs: int = 0, is_quiet: bool = False
) -> list[Check]:
    """Audits a data set.

    Args:
        dataset_dir: its folder.
        num_cast: samples to cast rays for, drawn from ``seed``; 0: all. Whatever can be told
            without rays is told of all samples.
        seed: of that draw.
        jobs: processes; 0: one for each CPU.
        is_quiet: no progress bar.

    Returns:
        All checks, in the order of the table.

    Raises:
        UserError: no ray caster, no data set, no complete sample, or none of its models is there.
    """
    require_ray_caster()
    subject = open_subject(dataset_dir)
    records = load_records(subject)
    chosen = choose_samples(records.sample_idxs, num_cast, seed)
    findings = _examine_all(subject, records, chosen, jobs or os.cpu_count() or 1, is_quiet)
    _refuse_other_models(subject, findings)
    return [
        check_files(records, findings),
        check_mask(subject, findings),
        check_class(subject, records, findings),
        check_depth(subject, findings),
        check_boxes(subject, findings),
        check_stored(subject, findings),
        check_outline(subject, findings),
        check_pose(records, findings),
        check_images(subject, findings),
        check_splits(subject, records),
        check_balance(subject, records),
    ]


def choose_samples(idxs: np.ndarray, num_cast: int, seed: int) -> set[int]:
    """``num_cast`` of the given samples, or all for 0 or where there are not so many."""
    if num_cast == 0 or num_cast >= len(idxs):
        return set(idxs.tolist())
    rng = np.random.Generator(np.random.PCG64(seed))
    return set(rng.choice(idxs, num_cast, replace=False).tolist())


def _examine_all(
    subject: Subject, records: Records, chosen: set[int], jobs: int, is_quiet: bool
) -> list[SampleFindings]:
    from tqdm import tqdm

    idxs = records.sample_idxs
    starts = np.searchsorted(records.idxs, idxs)
    parts = np.split(records.rows, starts[1:])
    tasks = cut_tasks(idxs.tolist(), parts, chosen, max(1, min(_TASK_SIZE, len(idxs) // jobs)))
    findings: list[SampleFindings] = []
    with tqdm(total=len(idxs), unit=" samples", disable=True if is_quiet else None) as bar:
        for found in _map(functools.partial(examine, subject), tasks, min(jobs, len(tasks))):
            findings += found
            bar.update(len(found))
    return findings


def _refuse_other_models(subject: Subject, findings: list[SampleFindings]) -> None:
    """One model that is missing is the data set's fault; if all are, it is the folder."""
    reasons = [f.damage for f in findings if f.damage.startswith("model ")]
    if reasons and not any(f.places for f in findings):
        raise UserError(
            f"{reasons[0]}; {subject.models_dir} has none of the data set's models, set "
            "SYNRENDER_SHAPENET_DIR to what it was rendered from"
        )


def _map(function, tasks: list[Task], jobs: int) -> Iterator[list[SampleFindings]]:
    if jobs == 1:
        yield from map(function, tasks)
        return
    # Not forked: libraries with threads of their own do not survive that.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _ignore_interrupt) as pool:
        try:
            yield from pool.map(function, tasks)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ignore_interrupt() -> None:
    """Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
