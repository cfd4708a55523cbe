"""What of a run can be reached from elsewhere."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fanout.drive import Driver, finish, wait_until

pytestmark = pytest.mark.slow  # each starts Ray

LOOPBACK = {
    "0100007F",  # 127.0.0.1 as /proc/net/tcp has it
    "0000000000000000FFFF00000100007F",  # the same in /proc/net/tcp6
    "00000000000000000000000001000000",  # ::1
}
LISTENING = "0A"


def find_family(pid: int) -> list[int]:
    """A process and its children, and theirs."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [pid]
    for path in children:
        for child in path.read_text().split():
            found += find_family(int(child))
    return found


def find_listening(pids: list[int]) -> set[str]:
    """Addresses that processes listen at for TCP, as the kernel writes them."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(link))
            except OSError:  # closed since
                continue
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path("/proc/net", name).read_text().splitlines()[1:]
    ]
    return {
        row[1].split(":")[0]
        for row in rows
        if row[3] == LISTENING and f"socket:[{row[9]}]" in sockets
    }


@pytest.fixture
def short(driver: Driver) -> Iterator[Driver]:
    """The same with a data folder whose path is short enough for Ray's sockets."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        environment = {**driver.environment, "SYNRENDER_DATA_DIR": folder}
        yield Driver(Path(folder), environment)


@pytest.mark.parametrize("is_short", [True, False])
def test_a_run_on_this_machine_listens_on_loopback_only_and_shuts_others_out(
    driver: Driver, short: Driver, is_short: bool
) -> None:
    driver = short if is_short else driver
    process = driver.start("-d", "private", "-n", 24, "-b", 6, TROUBLE_SLOW_S="0.3")
    try:
        wait_until(driver.journals)
        family = find_family(process.pid)
        assert len(family) > 3  # the driver, Ray's two servers, a worker
        addresses = find_listening(family)
        folders = set(driver.data_dir.glob(".ray/r-*"))
        folders |= {find_session(pid) for pid in family} - {None}
        modes = [folder.stat().st_mode & 0o777 for folder in folders]
    finally:
        os.kill(process.pid, signal.SIGTERM)
        finish(process, 75)
    assert addresses
    assert addresses <= LOOPBACK
    assert modes == [0o700]
    assert is_short == (folders.pop().parent.name == ".ray")


def find_session(pid: int) -> Path | None:
    """Folder in /tmp that a process of Ray works in."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # it has just ended
        return None
    found = re.search(rf"/tmp/synrender-ray-{os.getuid()}-[0-9a-f]{{8}}-\d+", command)
    return Path(found[0]) if found else None


# --- addresses ------------------------------------------------------------------------------------


EMPTY_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # of HTTP/2, which gRPC speaks


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(EMPTY_SETTINGS, id="grpc"),
        pytest.param(b"", id="", marks=pytest.mark.weekly),
        pytest.param(b"HTTP/1.0 400 Bad Request\r\n\r\n", id="http", marks=pytest.mark.weekly),
    ],
)
def test_what_listens_and_is_not_ray_is_said(driver: Driver, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        is_over = threading.Event()

        def serve() -> None:
            with contextlib.ExitStack() as connections, contextlib.suppress(OSError):
                while not is_over.is_set():
                    connection = connections.enter_context(server.accept()[0])
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        output = driver.run("-d", "other", "-n", 24, "-a", address, status=2)
        is_over.set()
        socket.create_connection(server.getsockname()).close()
        thread.join()
    assert output.count("\n") == 1
    assert "something listens there, but did not take this driver in within 15 s" in output


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gcs_server", r"error: Ray's server at 127.0.0.1:\d+ has died; what is .*"),
        ("raylet", r"error: Ray's server (for this machine|at \S+) has died; what is .*"),
    ],
)
def test_a_server_of_ray_dies_and_the_driver_says_so(
    driver: Driver, name: str, message: str
) -> None:
    process = driver.start("-d", f"no_{name}", "-n", 48, "-b", 6, TROUBLE_SLOW_S="0.5")
    wait_until(lambda: driver.num_records(f"no_{name}") > 3)
    (server,) = (
        pid
        for pid in find_family(process.pid)
        if Path(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]).name == name
    )
    os.kill(server, signal.SIGKILL)
    output = finish(process, 1)
    lines = output.splitlines()
    assert [line for line in lines if "error" in line] == lines[-1:]
    assert re.fullmatch(message, lines[-1])


@pytest.mark.parametrize("blender", ["/bin/true", "/bin/false", "/bin/cat"])
def test_an_executable_that_is_no_blender_is_a_mistake(driver: Driver, blender: str) -> None:
    output = driver.run("-d", "no_blender", "-n", 24, "--blender", blender, status=2)
    assert output.splitlines()[-1].startswith(f"error: --blender {blender}: ran no Python script")
    assert "Traceback" not in output
    assert not (driver.data_dir / "no_blender_0-0-0-0").exists()


# --- tokens ---------------------------------------------------------------------------------------


def test_a_cluster_with_a_token_takes_the_driver_that_has_it(
    driver: Driver, tmp_path: Path
) -> None:
    """The recipe of the README, with two nodes on this machine."""
    home = tmp_path / "home"
    (home / ".ray").mkdir(parents=True)
    (home / ".ray/auth_token").write_text("0123456789abcdef" * 4)
    port = find_free_port()
    environment = {"HOME": str(home), "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    ray = Path(sys.executable).with_name("ray")
    head = [ray, "start", "--head", f"--port={port}", "--include-dashboard=false"]
    address = f"127.0.0.1:{port}"
    nodes = []
    try:
        for command in (head, [ray, "start", f"--address={address}"]):
            nodes.append(
                subprocess.Popen(
                    [*map(str, command), "--num-cpus=1", "--block"],
                    env={**os.environ, **driver.environment, **environment},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
            )
            assert "Ray runtime started" in "".join(iter_until(nodes[-1], "Ray runtime started"))
        output = driver.run("-d", "token", "-n", 24, "-b", 6, "-a", address, **environment)
        assert "all 48 samples are complete" in output
        for change in ({"HOME": str(tmp_path)}, {"RAY_AUTH_TOKEN": "f" * 64}):
            bad = {**environment, **change}
            output = driver.run("-d", "token2", "-n", 24, "-a", address, status=2, **bad)
            assert output.count("\n") == 1
            assert "copy ~/.ray/auth_token of its first machine to this one" in output
    finally:
        for pid in [pid for node in nodes for pid in find_family(node.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for node in nodes:
            node.communicate(timeout=240)


def iter_until(process: subprocess.Popen, text: str) -> Iterator[str]:
    """Lines of a process's output up to the one that holds a text."""
    for line in process.stdout:
        yield line
        if text in line:
            return


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# --- a start that fails ---------------------------------------------------------------------------


def test_a_server_of_ray_that_is_killed_as_it_starts_is_one_line(driver: Driver) -> None:
    process = driver.start("-d", "stillborn", "-n", 24)

    def find_raylet() -> list[int]:
        return [
            pid
            for pid in find_family(process.pid)
            if "/raylet" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
        ]

    (pid,) = wait_until(find_raylet)
    os.kill(pid, signal.SIGKILL)
    output = finish(process, 1)
    assert "Traceback" not in output
    assert output.splitlines()[-1].startswith("error: Ray did not start")
