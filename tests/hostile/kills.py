"""Kills drivers, workers and preprocessing at random moments, and compares what is finished.

python -m tests.hostile.kills [NUM_KILLS] [SEED]        (make test-kill N=100)
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
from tests.fanout.drive import Driver, is_alive, write_assets, write_troublemaker
from tests.helpers import PROJECT_DIR, link_gin

NUM_SAMPLES = 48
VARIANTS = ("0-0-0-0", "1-1-1-1")
PATIENCE_S, UNGUARDED_S = 5.0, 90.0
"""For processes to end after their driver; where the guard was killed just before, Ray's helpers
end by themselves, within a minute."""


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
    # A kill comes before a run would have ended, on a machine that is now less busy, too.
    render_s = (time.monotonic() - start) / 2
    start = time.monotonic()
    for variant in VARIANTS:
        archive(driver, f"reference_{variant}")
    archive_s = (time.monotonic() - start) / len(VARIANTS) / 2
    while sum(counts[target] for target in TARGETS) < num_kills:
        counts["cycles"] += 1
        print(f"cycle {counts['cycles']}: {dict(counts)}", flush=True)
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
FAULTS = ("lost", "doubled", "wrong", "half-written", "left running", "failed")
"""Doubled: rendered again though complete. Half-written: temporary files that are left behind."""


def under_fire(
    start: Callable[[], subprocess.Popen],
    driver: Driver,
    rng: random.Random,
    counts: Counter[str],
    targets: tuple[str, ...],
    limit_s: float,
) -> None:
    """Starts a command and fires at it, and starts it again, until it ends well."""
    complete: dict[Path, int] = {}
    num_left = rng.randint(1, 2 * len(targets))
    for _ in range(20):
        process, family, patience_s = start(), set(), PATIENCE_S
        while num_left and process.poll() is None:
            target = rng.choice(targets)
            if pids := await_victims(process, driver, rng, target, limit_s):
                family.update(pids if target.endswith("group") else find_family(process.pid))
                patience_s = UNGUARDED_S if any(map(is_guard, pids)) else patience_s
                num_left -= 1
                counts[target] += 1
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        output = process.communicate(timeout=240)[0]
        now = {p: p.stat().st_mtime_ns for p in driver.data_dir.glob("cycle*/img/[0-9]*.npy")}
        counts["doubled"] += sum(now.get(p, time_ns) != time_ns for p, time_ns in complete.items())
        complete = now
        counts["left running"] += count_left(family, patience_s)
        if process.returncode == 0:
            return
        if "Traceback" in output:
            counts["failed"] += 1
            print(output)
    raise AssertionError(f"never ends well: {output}")


def await_victims(
    process: subprocess.Popen, driver: Driver, rng: random.Random, target: str, limit_s: float
) -> list[int]:
    """Waits for a random moment; returns what to kill then, nothing if the command is over."""
    end = time.monotonic() + rng.uniform(0, limit_s)
    while process.poll() is None and (
        time.monotonic() < end or (target == "worker" and not driver.journals())
    ):
        time.sleep(0.02)
    if process.poll() is not None:
        return []
    if target in ("driver", "preprocess"):
        return [process.pid]
    if target == "worker":
        return [rng.choice(driver.journals())["pid"]] if driver.journals() else []
    family = find_family(process.pid)
    return [rng.choice(family)] if target == "any process" else family


def is_guard(pid: int) -> bool:
    """Whether a process is the guard of a driver."""
    try:
        return b"fanout/processes.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def count_left(family: set[int], patience_s: float) -> int:
    """Processes that do not end soon after their driver."""
    end = time.monotonic() + patience_s
    while (running := [pid for pid in family if is_alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in running:
        with contextlib.suppress(OSError):
            print("left running:", Path(f"/proc/{pid}/cmdline").read_bytes()[:200], flush=True)
    return len(running)


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
