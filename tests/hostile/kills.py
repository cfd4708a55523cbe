"""Kills drivers, workers and preprocessing at random moments, and compares what is finished.

python -m tests.hostile.kills [NUM_KILLS] [SEED]        (make kills N=100)
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.archive.helpers import read_fields
from tests.fanout.drive import Driver, write_assets, write_troublemaker
from tests.helpers import PROJECT_DIR, link_gin

NUM_SAMPLES = 48
VARIANTS = ("0-0-0-0", "1-1-1-1")


def create_driver(root: Path) -> Driver:
    """distributed_render.py with plain models, in a data folder of its own."""
    python_path = link_gin(root / "python")
    write_troublemaker(python_path)
    shapenet_dir, dtd_dir = write_assets(root)
    environment = {
        "SYNRENDER_DATA_DIR": str(root / "data"),
        "SYNRENDER_SHAPENET_DIR": str(shapenet_dir),
        "SYNRENDER_DTD_DIR": str(dtd_dir),
        "PYTHONPATH": str(python_path),
    }
    return Driver(root / "data", environment)


def kill_many(driver: Driver, num_kills: int, seed: int = 0) -> Counter[str]:
    """Renders and archives again and again under fire; counts kills and faults.

    Returns:
        Kills by target, ``cycles``, and `FAULTS`, which must be 0 (and so are not in it).
    """
    rng, counts = random.Random(seed), Counter()
    start = time.monotonic()
    render(driver, "reference")
    render_s = time.monotonic() - start  # a kill comes before a run would have ended
    start = time.monotonic()
    for variant in VARIANTS:
        archive(driver, f"reference_{variant}")
    archive_s = (time.monotonic() - start) / len(VARIANTS)
    while sum(counts[target] for target in TARGETS) < num_kills:
        counts["cycles"] += 1
        name = f"cycle{counts['cycles']}"
        under_fire(
            lambda n=name: start_render(driver, n), driver, rng, counts, TARGETS[:4], render_s
        )
        for variant in VARIANTS:
            dataset = f"{name}_{variant}"
            expected = driver.data_dir / f"reference_{variant}"
            counts += compare_files(driver.data_dir / dataset, expected)
            under_fire(
                lambda d=dataset: start_archive(driver, d),
                driver,
                rng,
                counts,
                TARGETS[4:],
                archive_s,
            )
            counts += compare_shards(driver.data_dir / dataset, expected)
            shutil.rmtree(driver.data_dir / dataset)
    return counts


TARGETS = ("driver", "worker", "any process", "group", "preprocess", "preprocess group")
FAULTS = ("lost", "doubled", "wrong", "half-written", "failed")
"""Doubled: rendered again though complete. Half-written: temporary files that are left behind."""


def under_fire(
    start: Callable[[], subprocess.Popen],
    driver: Driver,
    rng: random.Random,
    counts: Counter[str],
    targets: tuple[str, ...],
    limit_s: float,
) -> None:
    """Starts a command, kills some of it, and starts it again, until it ends well."""
    complete: dict[Path, int] = {}
    for attempt in range(20):
        process = start()
        if attempt < 3:
            end = time.monotonic() + rng.uniform(0.2, limit_s)
            while time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            if process.poll() is None:
                counts[kill_one(process, driver, rng, targets)] += 1
        output = process.communicate(timeout=240)[0]
        now = {p: p.stat().st_mtime_ns for p in driver.data_dir.glob("cycle*/img/[0-9]*.npy")}
        counts["doubled"] += sum(now.get(p, time_ns) != time_ns for p, time_ns in complete.items())
        complete = now
        if process.returncode == 0:
            return
        if "Traceback" in output:
            counts["failed"] += 1
            print(output)
    raise AssertionError(f"never ends well: {output}")


def kill_one(
    process: subprocess.Popen, driver: Driver, rng: random.Random, targets: tuple[str, ...]
) -> str:
    """Kills one process, or all of them; returns the name of the target."""
    kind = rng.choice(targets)
    with contextlib.suppress(ProcessLookupError):
        if kind in ("driver", "preprocess"):
            os.kill(process.pid, signal.SIGKILL)
        elif kind == "worker" and (journals := driver.journals()):
            os.kill(rng.choice(journals)["pid"], signal.SIGKILL)
        elif kind == "any process":
            os.kill(rng.choice(find_family(process.pid)), signal.SIGKILL)
        else:
            for pid in find_family(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            kind = "group" if kind == "worker" else kind  # there is no worker yet
    return kind


def find_family(pid: int) -> list[int]:
    """A process and its children, and theirs."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                found += find_family(int(child))
    return found


# --- commands -------------------------------------------------------------------------------------


def start_render(driver: Driver, name: str) -> subprocess.Popen:
    return driver.start("-d", name, "-n", NUM_SAMPLES, "-b", 6, variants=VARIANTS)


def render(driver: Driver, name: str) -> None:
    driver.run("-d", name, "-n", NUM_SAMPLES, "-b", 6, variants=VARIANTS)


def start_archive(driver: Driver, dataset: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "preprocess_data.py", "-d", dataset, "-f", "-p", "-r", "16", "-j", "2"],
        cwd=PROJECT_DIR,
        env={**os.environ, **driver.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def archive(driver: Driver, dataset: str) -> None:
    process = start_archive(driver, dataset)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output


# --- comparing ------------------------------------------------------------------------------------


def compare_files(dataset_dir: Path, expected_dir: Path) -> Counter[str]:
    """Faults of the small files: every one there, equal to the bit, and nothing besides."""
    faults: Counter[str] = Counter()
    ours, theirs = (
        {p.name: p.read_bytes() for p in (d / "img").iterdir()} for d in (dataset_dir, expected_dir)
    )
    faults["lost"] = len(theirs.keys() - ours.keys())
    faults["half-written"] = len(ours.keys() - theirs.keys())
    faults["wrong"] = sum(ours[name] != theirs[name] for name in ours.keys() & theirs.keys())
    return +faults


def compare_shards(dataset_dir: Path, expected_dir: Path) -> Counter[str]:
    """Faults of the HDF5 files, field by field."""
    faults: Counter[str] = Counter()
    ours, theirs = ({p.name for p in d.glob("*.h5")} for d in (dataset_dir, expected_dir))
    faults["lost"] = len(theirs - ours)
    faults["half-written"] = len(ours - theirs) + len(list(dataset_dir.glob(".*.h5")))
    for name in ours & theirs:
        a, b = (read_fields(d / name) for d in (dataset_dir, expected_dir))
        if a.keys() != b.keys() or any(to_bytes(a[k]) != to_bytes(b[k]) for k in a):
            faults["wrong"] += 1
    return +faults


def to_bytes(field: np.ndarray | list) -> bytes:
    """Of a field of numbers, of text, or of PNG files."""
    if isinstance(field, np.ndarray) and field.dtype.kind != "O":
        return field.tobytes()
    return repr(list(field)).encode()


def main() -> int:
    numbers = [int(argument) for argument in sys.argv[1:]]
    num_kills, seed = (*numbers, *(100, 0)[len(numbers) :])
    with tempfile.TemporaryDirectory(prefix="kills") as folder:
        start = time.monotonic()
        counts = kill_many(create_driver(Path(folder)), num_kills, seed)
        for name in (*TARGETS, "cycles", *FAULTS):
            print(f"{name:<18}{counts[name]:>6}")
        print(f"{time.monotonic() - start:.0f} s")
    return 1 if any(counts[fault] for fault in FAULTS) else 0


if __name__ == "__main__":
    sys.exit(main())
