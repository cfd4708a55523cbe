"""Who may render a data set at the same time: any shards together, or one run of all samples.

See `driver_notes` for how a run says that it is there. This needs no locks: a run first makes its
note, and then looks for those that it does not go together with, so that of two at least one sees
the other. Two runs that do not see each other would both render, and write the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import threading
import time
from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np

from synrender.dataset.driver_notes import (
    BEAT_S,
    ENDED,
    SHARD,
    SILENT_AFTER_S,
    WHOLE,
    DriverNote,
    add_finished,
    bits_to_text,
    find_kind,
    is_alive,
    note_to_bytes,
    read_note,
)
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.lock import in_use, locked
from synrender.dataset.names import list_driver_notes
from synrender.errors import UserError
from synrender.system.disk import FULL_DISK, READ_ONLY
from synrender.system.locks import temporary_file


class Driver:
    """A run that renders a data set, or a shard of it, as its note says."""

    def __init__(self, path: Path | None, shard: str) -> None:
        """Takes the path of the note, which is there; None: nothing can be written."""
        self._path, self._lock = path, threading.Lock()
        self._note = DriverNote(socket.gethostname(), os.getpid(), shard, begun_s=time.time())
        self._bits = np.zeros(0, bool)
        self._written = b""
        self.write()

    def begin(self, part: np.ndarray, missing: Iterable[int]) -> None:
        """Notes its part, indexes (n,) ascending, and which of these samples are not complete."""
        with self._lock:
            self._bits = np.zeros(int(part[-1]) + 1 if len(part) else 0, bool)
            self._bits[part] = True
            self._bits[list(missing)] = False
            self._note = dataclasses.replace(self._note, num_samples=len(part))
        self.write()

    def add_done(self, idxs: Iterable[int]) -> None:
        """Notes samples that it has finished; they are written with the next beat."""
        new = [idx for idx in idxs if idx < len(self._bits) and not self._bits[idx]]
        with self._lock:
            self._bits[new] = True
            self._note = add_finished(self._note, len(new), time.time())

    def write(self) -> None:
        """Writes the note over the old one, in one go."""
        with self._lock, contextlib.suppress(OSError):
            if self._path is None:
                return
            note = dataclasses.replace(self._note, done=bits_to_text(self._bits))
            content = note_to_bytes(note)
            fd = os.open(self._path, os.O_WRONLY)
            try:
                os.write(fd, content.ljust(len(self._written)) + b"\n")
                self._written = content
            finally:
                os.close(fd)


@contextlib.contextmanager
def driving(folder: DatasetFolder, shard: str) -> Generator[Driver]:
    """Renders a claimed data set together with those alone that go together with it.

    All of its samples, or a shard such as "3/16".

    Yields:
        To be told what is done.

    Raises:
        UserError: others are at work there, who do not go together with it.
    """
    with contextlib.ExitStack() as stack:
        try:
            driver = stack.enter_context(_noted(folder.path, shard))
        except OSError as error:
            if error.errno not in (*READ_ONLY, *FULL_DISK):
                raise
            driver = Driver(None, shard)  # there is nothing to render, or it will be said
        if shard and folder.image_dir.is_dir():
            purpose = "rendered by a shard"
            stack.enter_context(in_use(folder.image_dir, purpose, is_shared=True))
        yield driver


@contextlib.contextmanager
def _noted(dataset_dir: Path, shard: str) -> Generator[Driver]:
    """Keeps the note of a run; that of a shard stays, under another name, when it has ended."""
    with contextlib.ExitStack() as stack:
        with locked(dataset_dir):
            note = temporary_file(dataset_dir / "driver.json", label=SHARD if shard else WHOLE)
            path = stack.enter_context(note)
            driver = Driver(path, shard)
            refuse_drivers(dataset_dir, WHOLE if shard else SHARD)
            _remove_replaced(dataset_dir, path, shard)
        stack.enter_context(_beating(driver))
        try:
            yield driver
        finally:
            driver.write()
            if shard:
                with contextlib.suppress(OSError):
                    path.rename(path.with_name(path.name.replace(f".{SHARD}-", f".{ENDED}-", 1)))


@contextlib.contextmanager
def _beating(driver: Driver) -> Generator[None]:
    """Writes the note again and again, in a thread."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(BEAT_S):
            driver.write()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def refuse_drivers(dataset_dir: Path, kind: str) -> None:
    """Refuses to go on while runs of a kind are at work on a data set.

    Raises:
        UserError: one is; the line says which, and what to do.
    """
    for path in list_driver_notes(dataset_dir):
        if find_kind(path) != kind or not is_alive(path):
            continue
        found = read_note(path)
        who = f"process {found.pid} on {found.host}" if found else "another process"
        passes = f"if it was killed, this ends within {SILENT_AFTER_S:g} s"
        if kind == WHOLE:
            raise UserError(
                f"{dataset_dir} is rendered as a whole now, by {who}: shards go together with "
                f"shards alone; wait for it, or stop it ({passes})"
            )
        shard = f"shard {found.shard}" if found else "a shard"
        raise UserError(
            f"{dataset_dir} is rendered in shards now, {shard} by {who}: wait until they end, or "
            f"render what is left as a shard too: --shard 0/1 ({passes})"
        )


def _remove_replaced(dataset_dir: Path, own: Path, shard: str) -> None:
    """Removes the notes of runs that have ended and whose shard is looked at again now."""
    for path in list_driver_notes(dataset_dir):
        note = read_note(path)
        is_same = note is None or not note.shard or shard in (note.shard, "0/1")
        if path != own and is_same and not is_alive(path):
            path.unlink(missing_ok=True)


def remove_ended_notes(dataset_dir: Path) -> None:
    """Removes the notes of all shards that have ended, of a data set that is complete."""
    for path in list_driver_notes(dataset_dir):
        if not is_alive(path):
            path.unlink(missing_ok=True)
