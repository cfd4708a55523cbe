"""Whatever ends the driver, nothing of its run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synrender.fanout.processes import find_children, find_family, is_running
from tests.fanout.drive import Driver, finish, wait_until
from tests.helpers import PROJECT_DIR, has_blender_executable

pytestmark = pytest.mark.slow  # each starts Ray and kills its driver

STATUS = {signal.SIGTERM: 75, signal.SIGINT: 130, signal.SIGKILL: -9}


def list_files(driver: Driver, name: str) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in driver.data_dir.glob(f"{name}_*/img/*")}


@pytest.mark.parametrize(
    ("blender", "number"),
    [
        *(("", number) for number in STATUS),
        pytest.param("blender", signal.SIGTERM, marks=pytest.mark.debian_blender),
        *(
            pytest.param("blender", n, marks=[pytest.mark.debian_blender, pytest.mark.weekly])
            for n in (signal.SIGINT, signal.SIGKILL)
        ),
    ],
)
def test_nothing_runs_or_writes_once_the_driver_has_ended(
    driver: Driver, blender: str, number: signal.Signals
) -> None:
    if blender and not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender python3-numpy")
    name = f"ends{blender}{number:d}"
    arguments = ["--blender", blender] if blender else []
    process = driver.start("-d", name, "-n", 240, "-b", 20, *arguments, TROUBLE_SLOW_S="0.2")
    wait_until(lambda: driver.num_records(name) > 4)
    family = find_family(process.pid)
    assert len(family) > 7  # Ray's servers and helpers, two workers
    servers = find_children(process.pid)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    process.wait(240)
    if number == signal.SIGKILL:  # the kernel ends workers one after the other
        wait_until(lambda: not any(is_running(p) for p in set(family) - set(servers)))
    running = [p for p in family if is_running(p)]
    before = list_files(driver, name)
    assert process.returncode == STATUS[number]
    # The kernel is about to end Ray's servers, and the guard has Ray's files to remove.
    assert set(running) <= set(servers)
    wait_until(lambda: not any(map(is_running, servers)))
    assert not list(driver.data_dir.glob(".ray/*"))
    assert not list(Path("/tmp").glob(f"synrender-ray-{os.getuid()}-{process.pid}-*"))
    time.sleep(2)  # for several samples, if somebody were there to render them
    assert list_files(driver, name) == before
    output = finish(process, STATUS[number])
    assert "Traceback" not in output
    assert "SIGTERM" not in output
    lines = output.splitlines()
    assert number == signal.SIGKILL or lines[-1].startswith("stopped; the same command")


def test_workers_end_with_a_killed_driver_though_there_be_no_guard(driver: Driver) -> None:
    process = driver.start("-d", "unguarded", "-n", 240, "-b", 20, TROUBLE_SLOW_S="0.2")
    wait_until(lambda: driver.num_records("unguarded") > 4)
    family = find_family(process.pid)
    workers = {journal["pid"] for journal in driver.journals()} & set(family)
    assert workers
    (guard,) = (
        p for p in family if b"fanout/processes.py" in Path(f"/proc/{p}/cmdline").read_bytes()
    )
    os.kill(guard, signal.SIGKILL)
    process.kill()
    process.wait(240)
    wait_until(lambda: not any(map(is_running, workers)))
    assert driver.num_records("unguarded") < 240
    for pid in filter(is_running, family):  # Ray's helpers would go on for a minute
        os.kill(pid, signal.SIGKILL)
    finish(process, -signal.SIGKILL)


def test_a_guard_kills_who_writes_into_its_folder_and_nobody_else(tmp_path: Path) -> None:
    folder, other = tmp_path / "ray", tmp_path / "other"
    for path in (folder, other):
        path.mkdir()
        (path / "log").touch()
    script = "import sys, time; f = open(sys.argv[1], sys.argv[2]); print(1, flush=True)\n"
    script += "time.sleep(60)"
    arguments = [(folder / "log", "a"), (folder / "log", "r"), (other / "log", "a")]
    processes = [
        subprocess.Popen([sys.executable, "-c", script, *map(str, a)], stdout=subprocess.PIPE)
        for a in arguments
    ]
    for process in processes:
        process.stdout.readline()
    holder = "import os, sys, time; from pathlib import Path\n"
    holder += "from synrender.fanout.processes import guarded\n"
    holder += "with guarded(Path(sys.argv[1])): print(1, flush=True); time.sleep(60)"
    driver = subprocess.Popen(
        [sys.executable, "-c", holder, str(folder)], cwd=PROJECT_DIR, stdout=subprocess.PIPE
    )
    driver.stdout.readline()
    driver.kill()
    driver.communicate()
    try:
        wait_until(lambda: not folder.exists())
        assert processes[0].wait(240) == -signal.SIGKILL
        assert [p.poll() for p in processes[1:]] == [None, None]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_guard_that_is_killed_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    folder.mkdir()
    holder = "import sys, time; from pathlib import Path\n"
    holder += "from synrender.fanout.processes import guarded\n"
    holder += "with guarded(Path(sys.argv[1])): print(1, flush=True); time.sleep(600)"
    driver = subprocess.Popen(
        [sys.executable, "-c", holder, str(folder)], cwd=PROJECT_DIR, stdout=subprocess.PIPE
    )
    driver.stdout.readline()
    (guard,) = find_children(driver.pid)
    os.kill(guard, signal.SIGKILL)
    wait_until(lambda: guard not in find_children(driver.pid) and find_children(driver.pid))
    assert folder.exists()
    driver.kill()
    driver.communicate()
    wait_until(lambda: not folder.exists())


def test_ray_leaves_sigterm_to_us_from_its_start_on(tmp_path: Path) -> None:
    """Its own handlers raise SystemExit wherever Python is, or print a stack trace and abort."""
    script = """
import os, signal, sys, threading
from pathlib import Path
from synrender.fanout.run import prepare_environment
prepare_environment(None)
from synrender.fanout.ray_session import ray_session

received, seen = [], set()
ours = lambda number, frame: received.append(number)
signal.signal(signal.SIGTERM, ours)
over = threading.Event()

def watch():
    while not over.wait(0.001):
        seen.add(signal.getsignal(signal.SIGTERM))

threading.Thread(target=watch).start()
with ray_session(None, 1, Path(sys.argv[1])):
    over.set()
    os.kill(os.getpid(), signal.SIGTERM)
    sum(range(1000))
    sys.__stdout__.write(f"{seen == {ours}} {received == [signal.SIGTERM]}")
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "True True", result.stderr
    assert not result.stderr
