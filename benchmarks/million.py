"""Measures how long a data set of a million samples takes to start and to resume.

python benchmarks/million.py [NUM_SAMPLES]

The files are faked: one real sample under all names, as hard links where a file allows it.
Prints seconds from the command to the first sample of an empty data set, seconds to find a complete
one complete, and the peak memory of that, for `render.py` and `distributed_render.py`; then the
same and the number of files for `preprocess_data.py`, which packs it into HDF5 and makes arrays.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.shared import PROJECT_DIR, find_environment, run_script, tabulate
from synrender.dataset.folder import open_dataset_folder

SMALL = ["rendering.resolution = 32", "rendering.render_samples = 1"]
MAX_LINKS = 10_000
"""Files that share one content: ext4 allows 65,000."""

POLL_S = 0.01


def create_commands(num_samples: int) -> dict[str, tuple[str, list[str]]]:
    """The name of the data set and the command of each script."""
    bindings = [*SMALL, "sample.class_idxs = 10", "sample.balanced = True"]
    bindings += [f"object.total_num_samples = {num_samples}", f"batch.num_samples = {num_samples}"]
    render = [sys.executable, "render.py", "-d", "single", "-p", *bindings]
    variant = ["-d", "many", "--variants", "1-1-1-1", "-n", str(num_samples), "-p", *SMALL]
    fanout = [sys.executable, "distributed_render.py", *variant]
    return {"render.py": ("single", render), "distributed_render.py": ("many_1-1-1-1", fanout)}


def measure_first_sample(command: list[str], dataset_dir: Path, env: dict[str, str]) -> float:
    """Seconds from a command to its first sample; the command is then stopped."""
    start = time.monotonic()
    with subprocess.Popen(command, cwd=PROJECT_DIR, env=env, stdout=subprocess.DEVNULL) as process:
        first = dataset_dir / "img" / "00000.npy"
        while not first.exists():
            if process.poll() is not None:
                raise RuntimeError(f"{command[1]} ended with status {process.returncode}")
            time.sleep(POLL_S)
        seconds = time.monotonic() - start
        process.terminate()
    return seconds


def measure(command: list[str], env: dict[str, str], expected: str) -> tuple[float, float, float]:
    """Seconds of a command, its CPU time, and the peak memory of its largest process in MB.

    It prints what is expected if it has done its work.
    """
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=PROJECT_DIR, env=env, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or expected not in output:
        raise RuntimeError(f"{command[1]}: not complete: {output}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return time.monotonic() - start, cpu_s, usage.ru_maxrss / 1000


def fake_samples(data_dir: Path, name: str, num_samples: int) -> None:
    """Gives all samples of a data set the files of its first one."""
    folder = open_dataset_folder(data_dir, name)
    contents = [p(0).read_bytes() for p in (folder.image_path, folder.record_path)]
    first, parent = (), folder.image_dir
    for idx in range(num_samples):
        paths = folder.image_path(idx), folder.record_path(idx)
        if paths[0].parent != parent:
            parent = paths[0].parent
            parent.mkdir(exist_ok=True)
        if idx % MAX_LINKS == 0:
            first = paths
        for path, content, original in zip(paths, contents, first, strict=True):
            if idx % MAX_LINKS == 0:
                path.write_bytes(content)
                continue
            try:
                os.link(original, path)
            except FileExistsError:  # one of the few that were rendered
                path.unlink()
                os.link(original, path)


def describe_packing(dataset_dir: Path, env: dict[str, str]) -> str:
    """A line on each step of `preprocess_data.py`, with the files before and after."""
    lines = []
    for what, options in (("pack", ["-f"]), ("arrays", ["-p", "-r", "32"])):
        command = [sys.executable, "preprocess_data.py", "-d", dataset_dir.name, *options]
        num_files = count_files(dataset_dir)
        seconds, cpu_s, memory_mb = measure(command, env, dataset_dir.name)
        lines.append(
            f"{what} ({' '.join(options)}): {seconds:.0f} s, CPU {cpu_s:.0f} s, "
            f"{memory_mb:.0f} MB; {num_files:,} files before, {count_files(dataset_dir):,} after"
        )
    return "\n".join(lines)


def count_files(folder: Path) -> int:
    """Files in a folder and below it."""
    return sum(len(files) for _, _, files in os.walk(folder))


def main() -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("num_samples", nargs="?", type=int, default=1_000_000)
    num_samples = parser.parse_args().num_samples
    data_dir = Path(tempfile.mkdtemp(prefix="million."))
    env, rows = find_environment(data_dir), []
    try:
        run_script(data_dir, "render.py", "-d", "warm", "-p", *SMALL, "batch.num_samples = 1")
        for script, (name, command) in create_commands(num_samples).items():
            first_s = measure_first_sample(command, data_dir / name, env)
            fake_samples(data_dir, name, num_samples)
            resume_s, cpu_s, memory_mb = measure(command, env, "complete already")
            seconds = (f"{s:.1f} s" for s in (first_s, resume_s, cpu_s))
            rows.append((f"`{script}`", *seconds, f"{memory_mb:.0f} MB"))
            if script == "render.py":
                packed = describe_packing(data_dir / name, env)
            shutil.rmtree(data_dir / name)
        head = "script", "first sample", "resume", "of it CPU", "peak memory"
        print(tabulate(head, rows), packed, sep="")
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
