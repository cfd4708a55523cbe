"""What runs in an interpreter of its own: Ray, which other tests load, does not survive a fork."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import synrender
from tests.helpers import PROJECT_DIR

NUM_READ = 20


def run_alone(function: str, *arguments: object) -> None:
    """Calls a function of this module in a new interpreter."""
    call = f"{function}{tuple(map(str, arguments))}"
    result = subprocess.run(
        [sys.executable, "-W", "ignore:.*fork:DeprecationWarning", "-c",
         f"from tests.loading.forked import *; {call}"],
        cwd=PROJECT_DIR, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def read_in_two_processes(method: str, *paths: str) -> None:
    """At once, in several orders, what this process has read before and has open."""
    opened = [synrender.open_dataset(path, split="train") for path in paths]
    idxs = list(range(NUM_READ))
    expected = [sum_images(data, idxs) for data in opened]
    create = multiprocessing.get_context(method).Process
    processes = [create(target=check_sums, args=(opened, expected, k)) for k in (0, 7)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def read_labels_in_two_processes(method: str, path: str) -> None:
    """Flow needs the files of two samples, which each process keeps for itself."""
    data = synrender.open_dataset(path, fields=["flow", "normal", "keypoint_px"])
    expected = [hash_labels(data, i) for i in range(len(data))]
    create = multiprocessing.get_context(method).Process
    processes = [create(target=check_labels, args=(data, expected, step)) for step in (1, -1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def check_labels(data: object, expected: list[bytes], step: int) -> None:
    for i in range(len(expected))[::step]:
        assert hash_labels(data, i) == expected[i]


def hash_labels(data: object, i: int) -> bytes:
    return b"".join(value.tobytes() for value in data[i].values())


def check_sums(opened: list[object], expected: list[list[int]], start: int) -> None:
    for data, sums in zip(opened, expected, strict=True):
        for k in range(start, start + 6):
            idxs = [(k + i) % NUM_READ for i in range(NUM_READ)]
            assert sum_images(data, idxs) == [sums[i] for i in idxs]


def sum_images(data: object, idxs: list[int]) -> list[int]:
    return [int(sample["image"].sum()) for sample in data.read_samples(idxs)]


def open_files_in_a_fork(path: str) -> None:
    data = synrender.open_dataset(Path(path))
    assert data[0]
    parts = data._parts
    pid = os.fork()
    if not pid:
        try:
            data[0]
            os._exit(0 if all(data._parts[p] is not parts[p] for p in data._parts) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
