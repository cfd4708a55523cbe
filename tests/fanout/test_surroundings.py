"""Machines that make Ray's life hard: it runs there, or one line says why not."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from synrender.crashes.journal import STARTUP_LIMIT_S
from synrender.fanout import cluster, processes
from synrender.fanout.cluster import RayExecutor, Stillness, TaskOptions, Worker
from synrender.fanout.job import Job
from synrender.fanout.ray_session import MIN_ADDRESS_SPACE, OBJECT_STORE_BYTES, Session
from synrender.settings.groups import Settings
from synrender.system.cpus import find_cpu
from synrender.system.disk import DiskFull, check_free_files, count_free_files, find_full_disk
from synrender.system.folders import Folders
from tests.fanout.drive import Driver, small_disk
from tests.helpers import PROJECT_DIR, as_group_member, disable_sockets

SESSION = """
import os, signal, sys, time
from pathlib import Path
from synrender.fanout.run import prepare_environment
prepare_environment(None)
from synrender.fanout import cluster, processes, ray_session
"""
"""Beginning of scripts that use Ray and nothing else of a run."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, or be another user")


def run_script(lines: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", SESSION + lines, *map(str, arguments)],
        cwd=PROJECT_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@needs_root
def test_letters_of_any_script_no_home_and_few_addresses_are_enough(
    driver: Driver, tmp_path: Path
) -> None:
    """In a data folder that Ray cannot use, as a user without a name, below ``ulimit -v``."""
    data_dir = tmp_path / "O'Neill's größte %s Ordner"
    data_dir.mkdir()
    os.chown(data_dir, 1234, 2000)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    limits = ("prlimit", f"--as={8_000_000 * 1024}", "env", "-u", "HOME")
    user = dataclasses.replace(driver, prefix=(*as_group_member(1234), *limits))
    output = user.run(
        *("-d", "hard", "-n", 24, "-b", 6),
        variants=("0-0-0-0",),
        SYNRENDER_DATA_DIR=str(data_dir),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert "all 24 samples are complete" in output
    assert not list(data_dir.glob(".[rf]*"))


# --- where Ray's sockets go -----------------------------------------------------------------------

PLACE = """
for data_dir in sys.argv[1:]:
    with ray_session._ray_folder(Path(data_dir), "") as folder:
        print(folder)
"""


def test_rays_folder_is_the_data_folder_where_it_can_be() -> None:
    with tempfile.TemporaryDirectory(prefix="d", dir="/tmp") as short:
        names = ("größte", "O'Neill", "a%sb", "a{b}", "n" * 90)
        data_dirs = [Path(short), *(Path(short) / name for name in names)]
        result = run_script(PLACE, *data_dirs)
        folders = [Path(line) for line in result.stdout.splitlines()]
        assert len(folders) == len(data_dirs), result.stderr
        for data_dir, folder in zip(data_dirs, folders, strict=True):
            is_own = folder.is_relative_to(data_dir)
            assert is_own == (data_dir == Path(short))
            assert is_own or folder.parents[1] == Path("/tmp"), folder
            assert not folder.parent.exists()
            assert not (data_dir / ".ray").exists()


def test_without_sockets_in_the_data_folder_ray_goes_elsewhere(tmp_path: Path) -> None:
    result = run_script(PLACE, tmp_path / "d", **disable_sockets(tmp_path / "d", tmp_path))
    assert result.stdout.startswith("/tmp/synrender-ray-"), result.stderr


def test_without_sockets_anywhere_one_line_says_so(driver: Driver, tmp_path: Path) -> None:
    environment = disable_sockets(Path("/"), tmp_path / "x")
    output = driver.run("-d", "none", "-n", 24, status=1, **environment)
    assert output.splitlines()[-1].startswith("error: Ray found no place for its sockets: not in ")
    assert "Traceback" not in output


# --- starts that fail -----------------------------------------------------------------------------


def test_too_few_addresses_are_a_mistake_said_before_ray_starts(driver: Driver) -> None:
    limited = dataclasses.replace(driver, prefix=("prlimit", f"--as={MIN_ADDRESS_SPACE - 1024}"))
    output = limited.run("-d", "narrow", "-n", 24, status=2)
    assert output.splitlines()[-1].startswith("error: ulimit -v 3599999: Ray needs at least ")
    assert not (driver.data_dir / "narrow_0-0-0-0").exists()


def test_a_start_that_takes_too_long_is_ended_by_one_line(tmp_path: Path) -> None:
    """Whatever Ray's C++ code is waiting for."""
    lines = "ray_session.START_LIMIT_S = 1\n"
    lines += "with ray_session.ray_session(None, 1, Path(sys.argv[1])): print('started')"
    result = run_script(lines, tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: Ray did not start within 0:00:01; is a limit too low")
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob(".ray/*"))


def test_a_crash_as_ray_starts_is_one_line(tmp_path: Path) -> None:
    """Ray's C++ code aborts the process when it cannot go on."""
    lines = "with ray_session._ray_folder(Path(sys.argv[1]), 'try this') as folder:\n"
    lines += "    with ray_session._noted(folder.with_name('driver.log')): os.abort()"
    result = run_script(lines, tmp_path)
    assert result.returncode == 1
    assert result.stderr == "error: Ray crashed as it started; try this\n"


@pytest.mark.parametrize(
    "number", [signal.SIGABRT, pytest.param(signal.SIGSEGV, marks=pytest.mark.slow)]
)
def test_a_crash_of_ray_later_is_one_line_too(tmp_path: Path, number: signal.Signals) -> None:
    """Ray has handlers of its own, which print a stack trace."""
    lines = "with ray_session.ray_session(None, 1, Path(sys.argv[1])):\n"
    lines += f"    os.kill(os.getpid(), {number:d}); time.sleep(60)"
    result = run_script(lines, tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: Ray crashed; is a limit too low")
    assert result.stderr.count("\n") == 1


STOP_SERVER = """
import threading
processes.IDLE_S = 4

def stop():
    while True:
        for pid in processes.find_servers():
            if sys.argv[2] in Path(f"/proc/{pid}/cmdline").read_text().split("\\0")[0]:
                os.kill(pid, signal.SIGSTOP)
                return

threading.Thread(target=stop, daemon=True).start()
try:
    with ray_session.ray_session(None, 1, Path(sys.argv[1])):
        print("started")
except OSError as error:  # Ray gave up first, as it does after 30 s
    sys.exit(f"error: {error}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("server", ["gcs_server", "/raylet"])
def test_a_start_that_stands_still_is_ended_by_one_line(tmp_path: Path, server: str) -> None:
    """Long before the limit of one that works on, which a slow machine needs."""
    result = run_script(STOP_SERVER, tmp_path, server)
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.match(
        r"error: Ray did not start(: none of its processes works; is| \()", result.stderr
    )
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob(".ray/*/r"))


@needs_root
def test_a_machine_without_loopback_is_said_before_ray_starts(driver: Driver) -> None:
    alone = ("unshare", "--net")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody take the network away")
    output = dataclasses.replace(driver, prefix=alone).run("-d", "no_loopback", "-n", 24, status=2)
    assert output.splitlines()[-1].startswith("error: 127.0.0.1 cannot be reached (")
    assert not (driver.data_dir / "no_loopback_0-0-0-0").exists()


@pytest.mark.slow
def test_tasks_that_do_not_begin_are_not_waited_for(tmp_path: Path) -> None:
    """Ray's server for this machine is stopped before it has started a process for them.

    It ends long before the limit of a task that works on.
    """
    lines = """
from synrender.fanout.processes import find_children
processes.IDLE_S = 4
with ray_session.ray_session(None, 1, Path(sys.argv[1])) as session:
    sys.stderr.write(f"{cluster.ray.cluster_resources()['object_store_memory']:.0f}\\n")
    executor = cluster.RayExecutor(session, Path(sys.argv[1]), cluster.TaskOptions(1), print)
    for pid in find_children(os.getpid()):
        if "/raylet" in Path(f"/proc/{pid}/cmdline").read_text().split("\\0")[0]:
            os.kill(pid, signal.SIGSTOP)
    handle = executor.submit("a job", frozenset())
    while not executor.wait([handle], 0.1):
        try:
            executor.kill_hung({handle: None})
        except OSError as error:
            sys.stderr.write(f"{error}\\n")
            os._exit(3)
"""
    result = run_script(lines, tmp_path)
    store_bytes, reason = result.stderr.splitlines()
    assert int(store_bytes) == OBJECT_STORE_BYTES
    if result.returncode == 3:
        assert reason.startswith("Ray begins no task: nothing works for 15 s; ")
    else:  # a call of Ray's did not return, and the guard ended this process
        assert result.returncode == -signal.SIGKILL
        assert re.match("error: Ray beg[ia]ns? no task", reason)


@pytest.mark.slow
def test_a_driver_that_waits_in_a_call_for_its_first_task_is_ended(tmp_path: Path) -> None:
    """By the guard, which says why."""
    lines = """
from synrender.fanout.processes import WAITING
processes.IDLE_S = 4
with ray_session.ray_session(None, 1, Path(sys.argv[1])) as session:
    session.note(WAITING)
    for pid in processes.find_servers():
        os.kill(pid, signal.SIGSTOP)
    time.sleep(300)
"""
    result = run_script(lines, tmp_path)
    assert result.returncode == -signal.SIGKILL
    assert re.match("error: Ray beg[ia]ns? no task.*; is a limit too low", result.stderr)
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob(".ray/*/r"))


def test_who_waits_for_a_cpu_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a healthy process may get little time."""
    monkeypatch.setattr(processes, "IDLE_S", 2)
    cpu = min(os.sched_getaffinity(0))
    script = f"import os; os.sched_setaffinity(0, [{cpu}])\nwhile True: pass"
    busy = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(5)]
    asleep = subprocess.Popen(["sleep", "600"])
    watched = {busy[0].pid: processes.Idleness(), asleep.pid: processes.Idleness()}
    seen: dict[int, list[bool]] = {pid: [] for pid in watched}
    try:
        while len(seen[asleep.pid]) < 40:
            for pid, idleness in watched.items():
                seen[pid].append(idleness.is_idle([pid]))
            time.sleep(0.1)
    finally:
        for process in (*busy, asleep):
            process.kill()
            process.wait()
    assert not any(seen[busy[0].pid])
    assert seen[asleep.pid][-1]
    assert not seen[asleep.pid][0]


def test_what_a_stopped_machine_missed_is_not_held_against_anybody() -> None:
    clock = Clock()
    idleness = processes.Idleness(clock)
    for wait_s in (0, 600, 1, 1, 1):
        clock.now += wait_s
        assert not idleness.is_idle([os.getpid()])


# --- watching -------------------------------------------------------------------------------------


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("skew_s", [-300.0, 0.0, 300.0])
def test_a_server_with_another_clock_makes_no_task_look_hung(tmp_path: Path, skew_s: float) -> None:
    """The times of a journal are the server's: 5 minutes behind, or ahead."""
    clock, journal = Clock(), tmp_path / "attempt.json"
    executor = RayExecutor(Session(tmp_path), tmp_path, TaskOptions(1))
    executor._stillness = Stillness(clock)
    executor._workers["handle"] = Worker("node", "host", 1, find_cpu())
    job = create_job(tmp_path, time_limit=10)
    limit_s = 2 * 10 + STARTUP_LIMIT_S
    for _ in range(5):
        journal.write_text("{}")
        os.utime(journal, (clock.now + skew_s, clock.now + skew_s))
        for _ in range(2):
            assert executor.kill_hung({"handle": job}) == []
            clock.now += limit_s - 1


def test_a_task_that_does_not_begin_its_work_counts_as_hung_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a journal there is no sample that may take its time."""
    killed: list[int] = []
    monkeypatch.setattr(cluster, "_start_on", lambda worker, function, pid: killed.append(pid))
    clock = Clock()
    executor = RayExecutor(Session(tmp_path), tmp_path, TaskOptions(1))
    executor._stillness = Stillness(clock)
    executor._workers["handle"] = Worker("node", "host", 1, find_cpu())
    jobs = {"handle": create_job(tmp_path, time_limit=600)}
    assert executor.kill_hung(jobs) == []
    clock.now += STARTUP_LIMIT_S - 1
    assert executor.kill_hung(jobs) == []
    clock.now += 2
    assert executor.kill_hung(jobs) == ["handle"]
    assert killed == [1]


def test_tasks_of_a_cluster_may_wait_for_others(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    clock = Clock()
    executor = RayExecutor(Session(), tmp_path, TaskOptions(1))
    executor._stillness = Stillness(clock)
    for _ in range(5):
        assert executor.kill_hung({"handle": create_job(tmp_path, time_limit=10)}) == []
        clock.now += STARTUP_LIMIT_S
    assert capfd.readouterr().err.count("no task has begun for 30 s: others use") == 1


def create_job(data_dir: Path, time_limit: float) -> Job:
    return Job("attempt", "run", "x", Settings(), (0,), Folders(data_dir), time_limit)


# --- files ----------------------------------------------------------------------------------------


@needs_root
def test_a_disk_without_free_inodes_ends_in_one_line(driver: Driver, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200m,nr_inodes=60") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        disk = str(tmp_path / "disk")
        output = driver.run("-d", "few", "-n", 24, status=1, SYNRENDER_DATA_DIR=disk)
    assert output.splitlines()[-1].startswith(f"error: {disk} is full: it takes 5")
    assert "more files (inodes)" in output
    assert output.count("error: ") == 1


@pytest.mark.slow
@needs_root
def test_inodes_that_run_out_end_the_run_in_one_line(driver: Driver, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200m,nr_inodes=250") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        disk = str(tmp_path / "disk")
        output = driver.run("-d", "few", "-n", 240, status=1, SYNRENDER_DATA_DIR=disk)
    last = output.splitlines()[-1]
    assert last.startswith(f"error: stopped: {disk} is full: "), output
    assert "no more files (inodes)" in last
    assert output.count("error: ") == 1


@needs_root
def test_free_inodes_are_counted(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m,nr_inodes=10") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        folder = tmp_path / "disk" / "not yet" / "there"
        assert count_free_files(folder) == 9
        check_free_files(folder, 9)
        with pytest.raises(DiskFull, match="it takes 9 more files"):
            check_free_files(folder, 10)
        for k in range(9):
            (tmp_path / "disk" / str(k)).touch()
        full = find_full_disk(OSError(), tmp_path / "disk")
        assert "1.0 MB free, but no more files (inodes)); remove files" in str(full)
