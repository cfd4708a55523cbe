"""Joins a Ray cluster, or starts Ray on this machine; else one line says why that cannot be."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import re
import resource
import signal
import socket
import tempfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from synrender.errors import EXIT_FAILURE, UserError, shorten
from synrender.fanout.processes import BEGUN, NOTE, STARTED, STARTING, WAITING, guarded
from synrender.fanout.ray_head import (
    CONNECT_TIMEOUT_S,
    TOKEN_HELP,
    check_reachable,
    joining,
    no_cluster,
    watched_head,
)
from synrender.settings.checks import MAX_CPUS
from synrender.system.console import redirected_output
from synrender.system.cpus import count_cpus
from synrender.system.disk import FULL_DISK, check_free_files, find_full_disk
from synrender.system.folders import PROJECT_DIR, is_clone
from synrender.system.interrupts import add_resume, interrupts_held, sigterm_kept
from synrender.system.locks import temporary_folder

OBJECT_STORE_BYTES = 100_000_000
"""Memory that Ray reserves for what tasks return; more than that (of `--gather`) goes to its files.

Left alone, Ray reserves 30 % of the machine's memory, and as many addresses.
"""

MIN_ADDRESS_SPACE = 3_600_000 * 1024
"""Bytes of addresses, not of memory, that a process of Ray and Blender needs on two CPUs."""

FILES_OF_RAY, FILES_PER_CPU = 100, 10
"""Files that Ray needs for itself and for each worker: its logs and sockets."""

OF_LIMITS = "is a limit too low ('ulimit -a' lists them)? --local_mode renders without Ray"
OF_CLUSTER = "on a machine of a cluster, be the user who started it there"
"""What may help if Ray crashes, or does not start."""

START_LIMIT_S = 180
"""For a start that works on and on, or that lets no thread of ours look at it.

Ray starts within 3 s, and within 30 s on a machine that has eight times as much to do.
"""

CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)

SOCKET_NAME_LENGTH = len("/session_2000-01-01_00-00-00_000000_4194304/sockets/plasma_store")
"""Of the longest path of a socket below Ray's folder; Linux allows 107 characters in all."""

NOT_SHIPPED = [".git", ".venv", "/datasets", "/tests", "/img", "**/__pycache__"]
"""Files that are not sent to other machines."""

QUIET = {"log_to_driver": False, "logging_level": "ERROR"}
"""Options of `ray.init`: workers' output stays in their logs."""


@dataclass(frozen=True)
class Session:
    """What tasks run on."""

    folder: Path | None = None  # of Ray's own files, on this machine alone; None: a cluster
    note: Callable[[str], object] = lambda _: None  # tells the guard how far the run is


@contextlib.contextmanager
def ray_session(
    address: str | None, cpus_per_task: int, data_dir: Path, max_cpus: int = 0
) -> Generator[Session]:
    """Joins the cluster at ``address``, or starts Ray on this machine and ends it afterwards.

    Tasks that still run or wait when it closes end with it, and so do their processes. They are
    not canceled: Ray 2.60 aborts this process ("Tried to complete task that was not pending") if
    a task ends while it is being canceled.

    Inside, `sys.stdout` goes to the null device: Ray prints a paragraph there for each worker that
    dies, whatever its logging options are. `Display` tells the user instead.

    Without an address, this machine is alone: Ray's own files go into the data folder, and it uses
    ``max_cpus`` CPUs at most (0: all).

    Raises:
        UserError: there is no cluster at the address, or too few CPUs or addresses.
        OSError: Ray does not start.
    """
    with contextlib.ExitStack() as stack:
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        num_cpus = 0
        if not address:
            num_cpus = min(count_cpus(), max_cpus or MAX_CPUS)
            _check_machine(cpus_per_task, data_dir, num_cpus)
        folder = stack.enter_context(_ray_folder(data_dir, OF_CLUSTER if address else OF_LIMITS))
        note = stack.enter_context(_noted(folder.with_name(NOTE)))
        if address:
            _join_cluster(address)
        else:
            note(STARTING)
            _start_here(folder, num_cpus)
        note(STARTED)
        stack.callback(ray.shutdown)
        stack.enter_context(watched_head(ray.get_runtime_context().gcs_address))
        yield Session() if address else Session(folder, note)


def _join_cluster(address: str) -> None:
    try:
        check_reachable(address)
    except (OSError, ValueError) as error:
        raise no_cluster(address, str(error).strip().splitlines()[0]) from None
    try:
        with joining(address):
            _init(address, runtime_env=_create_runtime_env(), **QUIET)
    except ray.exceptions.AuthenticationError:
        raise UserError(
            f"--address {address}: its token is not here, or is another; {TOKEN_HELP}"
        ) from None
    except ConnectionError:  # a wrong token among other things
        raise UserError(
            f"--address {address}: Ray there does not accept this driver; give both the same "
            f"version of Ray. If the cluster has a token, {TOKEN_HELP}"
        ) from None
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise no_cluster(address, str(error).strip().splitlines()[0]) from None


def _check_machine(cpus_per_task: int, data_dir: Path, num_cpus: int) -> None:
    """Raises UserError or DiskFull if this machine cannot run a task."""
    if cpus_per_task > num_cpus:
        limit = "--cpus allows" if num_cpus < count_cpus() else "this machine has"
        raise UserError(f"--cpus_per_task {cpus_per_task}: {limit} {num_cpus} CPUs")
    check_free_files(data_dir, FILES_OF_RAY + FILES_PER_CPU * num_cpus)
    _check_loopback()
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < MIN_ADDRESS_SPACE:
        raise UserError(
            f"ulimit -v {limit // 1024}: Ray needs at least {MIN_ADDRESS_SPACE // 1024} kB of "
            "addresses for each process; type 'ulimit -v unlimited' first, or render without "
            "Ray: --local_mode"
        )


def _check_loopback() -> None:
    """Raises UserError if processes of this machine cannot reach each other by TCP."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise UserError(
            f"127.0.0.1 cannot be reached ({error.strerror or error}), which Ray's processes need: "
            "turn on the loopback interface ('ip link set lo up'), or render without Ray: "
            "--local_mode"
        ) from None


def _start_here(folder: Path, num_cpus: int) -> None:
    try:
        _init(
            "local",
            num_cpus=num_cpus,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            _temp_dir=str(folder),
            **QUIET,
        )
    except Exception as error:  # of many kinds: no room, or one of its processes was killed
        if full := find_full_disk(error, folder.parent):
            raise full from None
        raise OSError(f"Ray did not start ({shorten(error, 200)})") from None


@contextlib.contextmanager
def _noted(path: Path) -> Generator[Callable[[str], object]]:
    """Ends this process with status 1 if Ray's C++ code crashes, or never comes out of its start.

    That code may wait for ever, and lets no thread of Python's run meanwhile. So the guard ends
    this process as it stands still, by a signal that code in C handles. Why the process ended
    stands in a note, from which the guard makes a line.

    Args:
        path: of the note, beside Ray's folder.

    Yields:
        Writes `STARTING` and what follows it into the note.
    """
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    end = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: os._exit(EXIT_FAILURE))

    def handle_crashes() -> None:
        """Has `faulthandler` note a crash, which then calls the handler that was there before."""
        faulthandler.disable()
        for number in CRASHES:
            libc.signal(number, ctypes.cast(end, ctypes.c_void_p))
        faulthandler.enable(file, all_threads=False)

    def note(text: str) -> None:
        file.write(text.encode())
        if text in (WAITING, BEGUN):
            return
        if text == STARTING:
            # A handler is called with the number of its signal: that of SIGHUP is `EXIT_FAILURE`.
            libc.signal(signal.SIGHUP, ctypes.cast(libc._exit, ctypes.c_void_p))
        else:
            faulthandler.cancel_dump_traceback_later()
            handle_crashes()  # Ray has handlers of its own, which print a stack trace
            signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGHUP) or signal.SIG_DFL)

    was_enabled = faulthandler.is_enabled()
    with path.open("wb", buffering=0) as file:
        handle_crashes()
        faulthandler.dump_traceback_later(START_LIMIT_S, exit=True, file=file)
        try:
            yield note
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()
            for number in CRASHES:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGHUP) or signal.SIG_DFL)
            if was_enabled:
                faulthandler.enable(all_threads=False)
            path.unlink(missing_ok=True)


def _init(address: str, **options: Any) -> None:
    """Starts Ray, which changes none of our handlers of signals meanwhile.

    What Ray's C++ code prints about each failed attempt to connect is dropped; the error says it.
    Ctrl-C takes effect afterwards: Python drops an exception that a handler raises while it forks.
    """
    with (
        Path(os.devnull).open("wb") as nowhere,
        redirected_output(nowhere.fileno()),
        interrupts_held(),
        sigterm_kept(),
    ):
        ray.init(address, **options)


def _create_runtime_env() -> dict[str, str | list[str]]:
    """Sends a clone's code to the nodes; an installed package must be on each node."""
    return {"working_dir": str(PROJECT_DIR), "excludes": NOT_SHIPPED} if is_clone() else {}


# --- Ray's folder ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _ray_folder(data_dir: Path, remedy: str) -> Generator[Path]:
    """Folder for Ray's sockets and logs; at the end a guard removes it and who still uses it.

    Only this user can enter it. In the data folder, or, where Ray could not use it there, among
    temporary files. The remedy is for a Ray that crashes as it starts, or never comes to an end.

    Raises:
        OSError: Ray could use none of these.
    """
    places = {data_dir / ".ray": "r"}
    prefix = f"synrender-ray-{os.getuid()}"
    places |= dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp")), prefix)
    try:
        with contextlib.ExitStack() as stack:
            folder = _find_place(places, stack)
            stack.enter_context(guarded(folder, add_resume(remedy)))
            yield folder / "r"  # Ray lets everybody into the folder that it makes itself
    finally:
        with contextlib.suppress(OSError):
            (data_dir / ".ray").rmdir()


def _find_place(places: Mapping[Path, str], stack: contextlib.ExitStack) -> Path:
    """Creates a folder in the first place that can have it; the stack removes it.

    Each place comes with the prefix of the name of what is created in it.
    """
    reasons = []
    for parent, prefix in places.items():
        with contextlib.ExitStack() as attempt:
            try:
                folder = attempt.enter_context(temporary_folder(parent, prefix))
                _check_sockets(folder / "r")
            except OSError as error:
                if error.errno in FULL_DISK:
                    raise
                reasons.append(f"not in {parent} ({error.strerror or error})")
                continue
            stack.enter_context(attempt.pop_all())
            return folder
    raise OSError(
        f"Ray found no place for its sockets: {', '.join(reasons)}; let TMPDIR name a folder on a "
        "local disk, or render without Ray: --local_mode"
    )


def _check_sockets(folder: Path) -> None:
    """Raises OSError if Ray cannot have its sockets in a folder, which need not be there."""
    if not re.fullmatch(r"[\w ./+,=@:-]*", str(folder), re.ASCII):
        raise OSError("Ray takes plain letters and digits only")
    path = folder.with_name("s" * (len(folder.name) + SOCKET_NAME_LENGTH))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.bind(str(path))  # Python says so if the path is too long
    path.unlink()
