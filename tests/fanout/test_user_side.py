"""What a user sees, and what a run leaves behind."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.cli.distribute import parse_arguments
from synrender.fanout.dry_run import Pilot, choose_pilots, format_array, format_estimate
from synrender.fanout.queue import find_todo
from synrender.fanout.variants import Shared, plan_datasets
from synrender.system.cpus import leased_cpus
from synrender.system.locks import is_abandoned
from tests.fanout.drive import QUICK, Driver
from tests.helpers import PROJECT_DIR


def test_a_dry_run_prints_the_plan_and_begins_no_data_set(driver: Driver) -> None:
    output = driver.run("-d", "planned", "-n", 50, "-b", 20, "--dry_run")
    rows = [line.split() for line in output.splitlines()]
    assert ["planned_0-0-0-0", "50", "0", "3"] in rows
    assert ["2", "data", "sets", "100", "0", "6"] in rows
    assert re.search(r"disk needed: \d+(\.\d+)? kB \(\S+ kB a sample\), .* free", output)
    assert re.search(
        r"ETA: \d+:\d\d \(\d+:\d\d to \d+:\d\d\) with \d+ tasks at a time \(.* 12 pilot samples",
        output,
    )
    assert "classes cannot be quite even" in output
    assert "sbatch --array=0-0 examples/slurm/render.sbatch planned -n 50 -b 20 " in output
    assert not list(driver.data_dir.glob("planned*"))


def test_a_dry_run_knows_what_is_complete(driver: Driver, reference: dict[str, Path]) -> None:
    output = driver.run("-d", "reference", "-n", 48, "-b", 6, "--dry_run")
    assert ["2", "data", "sets", "96", "96", "0"] in [line.split() for line in output.splitlines()]
    assert "ETA" not in output


@pytest.mark.slow
def test_a_preview_shows_each_data_set_and_begins_none(driver: Driver, tmp_path: Path) -> None:
    output = driver.run("-d", "seen", "-n", 48, "--preview", TMPDIR=str(tmp_path))
    found = re.search(r"^24 of 96 samples at draft quality: (\S+\.png)$", output, re.M)
    assert found is not None
    assert Path(found[1]).is_relative_to(tmp_path)
    assert re.search(r"^to render: 96 samples, about \d+:\d\d on this machine", output, re.M)
    assert not list(driver.data_dir.glob("seen*"))
    assert not list(driver.data_dir.glob(".fanout"))


def test_pilots_are_spread_over_all_that_is_missing(driver: Driver) -> None:
    (dataset,) = plan_datasets(driver.data_dir / "piloted", ("0-0-0-0",), Shared(120, 2))
    assert choose_pilots(find_todo(dataset, 7)) == [10, 30, 50, 70, 90, 110]
    pilot = Pilot((1.0, 1.0, 3.0, 3.0), 1.0)
    (line,) = (t for t in format_estimate(100, 2, pilot, driver.data_dir) if "ETA" in t)
    assert line.startswith("ETA: 1:40 (0:42 to 2:38) with 2 tasks at a time (2.00 s a sample")


@pytest.mark.parametrize(
    ("num_missing", "expected"),
    [
        (10, "--array=0-0 examples/slurm/render.sbatch mine -n 10: 0:20 each, with 4 CPUs"),
        (76_800, "--array=0-15 examples/slurm/render.sbatch mine -n 10: 40:15 each, with 4 CPUs"),
        (10**9, "--array=0-999 "),
    ],
)
def test_the_array_line_has_tasks_of_about_40_minutes(num_missing: int, expected: str) -> None:
    arguments = ["--dataset_name=mine", "-n", "10", "--dry_run"]
    line = format_array(num_missing, Pilot((2.0, 2.0), 1.0), parse_arguments(arguments).array)
    assert expected in line


def test_a_young_run_has_an_eta(driver: Driver) -> None:
    arguments = ("-d", "young", "-n", 48, "-b", 6, "--local_mode")
    process = driver.start(*arguments, TROUBLE_SLOW_S="0.5")
    try:
        line = next(line for line in process.stdout if re.search(r"ETA \d", line))
        assert line
        next(line for line in process.stdout if "ETA" in line)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=240)


def test_a_terminal_shows_one_live_line(driver: Driver) -> None:
    primary, secondary = pty.openpty()
    command = [sys.executable, "distributed_render.py", "-d", "watched", "-n", "24", "-b", "4"]
    process = subprocess.Popen(
        [*command, "--num_classes", "2", "--variants", "0-0-0-0", "-p", *QUICK],
        cwd=PROJECT_DIR,
        env={**os.environ, **driver.environment, "TROUBLE_SLOW_S": "0.2", "COLUMNS": "120"},
        stdout=secondary,
        stderr=secondary,
        stdin=subprocess.DEVNULL,
    )
    os.close(secondary)
    chunks = []
    while True:
        try:
            chunk = os.read(primary, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(primary)
    assert process.wait(240) == 0
    live, *rest = b"".join(chunks).decode().split("\n")
    states = [state for state in live.split("\r") if state.strip()]
    assert len(states) > 3
    assert re.search(r"1 data set: .*\d+/24 .*(sample/s|s/sample).*0 failed, 0 retried", states[-1])
    assert "rendered 24 samples" in "".join(rest)


def test_nothing_but_the_data_sets_is_left_behind(
    driver: Driver, reference: dict[str, Path]
) -> None:
    names = {path.name for path in driver.data_dir.iterdir() if path.name.startswith(".")}
    assert names <= {".blender"}
    for dataset_dir in reference.values():
        assert {p.name for p in dataset_dir.iterdir()} == {
            ".lock",
            "img",
            "config.gin",
            "dataset.json",
            "color_reference.npy",
        }
    left = Path("/tmp").glob(f"synrender-ray-{os.getuid()}-*")
    assert not any(map(is_abandoned, left))  # others run as well


MISTAKES = {
    ("--variants", "1-1"): "--variants 1-1: must be four digits",
    ("-d", "a/b"): "--dataset_name 'a/b'",
    ("--blender", "no-such-blender"): "--blender no-such-blender: no such executable",
    ("-n", "5"): "object.n_buckets = 12: must be at most",
    ("--num_classes", "11"): "class 10 does not exist",
    ("--cpus_per_task", "4096"): "this machine has",
    ("--gpus_per_task", "64"): "no node has that much",
}
MISTAKEN = """
import json, sys
from synrender.cli.distribute import COMMAND
from synrender.cli.script import run_command
for arguments in json.loads(sys.argv[1]):
    status = run_command(COMMAND, ["-d", "mistake", "--num_classes", "2", *arguments])
    print(status, file=sys.stderr)
"""


def test_a_mistake_is_one_line_and_status_2(driver: Driver) -> None:
    """Each of them, one after the other in one process."""
    result = subprocess.run(
        [sys.executable, "-c", MISTAKEN, json.dumps(list(MISTAKES))],
        cwd=PROJECT_DIR,
        env={**os.environ, **driver.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stderr.splitlines()
    assert len(lines) == 2 * len(MISTAKES), result.stderr
    for line, status, message in zip(lines[::2], lines[1::2], MISTAKES.values(), strict=True):
        assert line.startswith("error: ")
        assert message in line
        assert status == "2"
    assert not list(driver.data_dir.glob("mistake*"))


def test_cpus_are_leased_to_one_process_at_a_time() -> None:
    allowed = os.sched_getaffinity(0)
    with leased_cpus(1) as ours:
        assert os.sched_getaffinity(0) == set(ours)
        script = "from synrender.system.cpus import leased_cpus\n"
        script += f"import os; os.sched_setaffinity(0, {sorted(allowed)})\n"
        script += "with leased_cpus(1) as cpus: print(*cpus)"
        output = subprocess.run(
            [sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, check=True
        ).stdout
        if len(allowed) > 1:
            assert int(output) not in ours
    assert os.sched_getaffinity(0) == allowed


@pytest.mark.slow
@pytest.mark.weekly
def test_nothing_is_kept_of_a_batch(tmp_path: Path) -> None:
    """Over 12,000 that do nothing; benchmarks/fanout.py runs 100,000.

    An object kept for each is a block or more. Memory outside of Python's objects can be told
    only roughly: it grows in steps of 2 to 4 MB at random. What Ray keeps of a task whose handle
    is not dropped comes to 14 MB.
    """
    script = "from benchmarks.fanout import run_noops\nfor r in run_noops(12000, 12): print(*r)"
    output = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    reports = [tuple(map(float, line.split())) for line in output.splitlines()]
    assert [report[0] for report in reports] == list(range(0, 12001, 1000))
    _, _, memory_mb, num_blocks = np.array(reports[4:]).T  # Ray has warmed up
    assert num_blocks[-1] - num_blocks[0] < 8000 / 10, num_blocks
    assert memory_mb[-1] - memory_mb[0] < 12, memory_mb
