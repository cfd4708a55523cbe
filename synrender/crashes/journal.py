"""A small file that says what a process is rendering, and that remains if the process dies.

When it dies (a crash within Blender, SIGKILL, a time limit), others read from it the sample and the
model in work: the driver of a fan-out, or the next run of `render.py`. How it died is in the log
beside it, or behind the entry in the same file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import faulthandler
import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

from synrender.assets.catalog import Catalog
from synrender.assets.environments import to_rejected_name
from synrender.assets.model_file import ModelFile
from synrender.system.console import redirected_output
from synrender.system.files import Hindrance, read_small_file
from synrender.system.json_text import decode, parse_json

STARTUP_LIMIT_S = 180
"""Seconds to import Blender and list the models, added to the time limit of the samples."""

COMPILE_LIMIT_S = 3600
"""The same where a GPU's kernels may have to be compiled first."""

MAX_TAIL_BYTES = 1 << 16
MAX_TAIL_LINE = 500
MAX_JOURNAL_BYTES = 1 << 20


class Cause(enum.Enum):
    """Why a worker died; the value is what a journal's file holds."""

    UNKNOWN = ""  # killed from outside, or by the system when memory runs out
    CRASHED = "crashed"
    HUNG = "hung"


@dataclass(frozen=True)
class JournalEntry:
    """Content of a journal."""

    host: str
    pid: int
    stage: str = "start"  # then "build" and "render" for each sample
    idx: int = -1  # the sample
    done: int = 0  # samples finished by this attempt
    assets: tuple[str, ...] = ()  # models and textures of the sample, in order of use
    cause: Cause = Cause.UNKNOWN  # filled in after the worker has died


class Journal:
    """Writes the journal while the process runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._length = 0
        self._lock = threading.Lock()  # signals are listened to in a thread
        self._is_closed = False
        self.entry = JournalEntry(socket.gethostname(), os.getpid())
        self._write()

    def begin_stage(self, stage: str, idx: int) -> None:
        """Notes that a sample is now built ("build") or rendered ("render")."""
        assets = () if stage == "build" else self.entry.assets
        self._change(stage=stage, idx=idx, assets=assets)

    def use_asset(self, name: str) -> None:
        """Notes that a model, texture or environment is about to be loaded."""
        self._change(assets=(*self.entry.assets, name))

    def finish_sample(self) -> None:
        """Counts a sample that is complete on disk."""
        self._change(done=self.entry.done + 1)

    def close(self) -> None:
        """Removes the file; nothing is written from now on."""
        with self._lock, contextlib.suppress(OSError):
            self._is_closed = True
            self._path.unlink()

    def _change(self, **values: object) -> None:
        self.entry = dataclasses.replace(self.entry, **values)
        self._write()

    def _write(self) -> None:
        # A single write over the old content, so that a kill leaves no half-written entry.
        values = {k: v for k, v in vars(self.entry).items() if k != "cause"}
        content = json.dumps(values).encode().ljust(self._length) + b"\n"
        self._length = len(content) - 1
        with self._lock:
            if self._is_closed:
                return
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.write(fd, content)
            finally:
                os.close(fd)


def read_journal(path: Path) -> JournalEntry | None:
    """Last entry, with the cause of death if it stands behind it; None if there is none."""
    try:
        text = read_small_file(path, MAX_JOURNAL_BYTES).decode(errors="replace")
        first_line, _, rest = text.partition("\n")
        entry = decode(JournalEntry, parse_json(first_line.encode()))
    except (Hindrance, OSError, ValueError):
        return None
    return dataclasses.replace(entry, cause=find_cause(rest))


def read_tail(path: Path, num_lines: int = 20) -> str:
    """Last lines of a log; "" if there is none."""
    lines = _read_end(path).splitlines()[-num_lines:]
    return "\n".join(line[:MAX_TAIL_LINE] for line in lines)


def _read_end(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MAX_TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def take_leftovers(run_dir: Path, attempt: str) -> tuple[JournalEntry | None, str]:
    """Returns journal and last log lines of an attempt that died, and removes its files."""
    journal_path, log_path = run_dir / f"{attempt}.json", run_dir / f"{attempt}.log"
    entry = read_journal(journal_path)
    if entry:
        entry = dataclasses.replace(entry, cause=find_cause(_read_end(log_path)))
    leftovers = entry, read_tail(log_path)
    for path in (journal_path, log_path):
        path.unlink(missing_ok=True)
    shutil.rmtree(run_dir / f"{attempt}.scratch", ignore_errors=True)
    return leftovers


def find_cause(log: str) -> Cause:
    """Finds the cause of a death from what `faulthandler` wrote."""
    if "Timeout (" in log:
        return Cause.HUNG
    return Cause.CRASHED if "Fatal Python error" in log else Cause.UNKNOWN


@dataclass(frozen=True)
class JournalCatalog(Catalog):
    """A catalog that notes each asset in the journal before it is loaded."""

    use_asset: Callable[[str], None] = field(default=lambda name: None, compare=False)

    def model_file(self, class_idx: int, model_id: str) -> ModelFile:
        """As in `Catalog`."""
        self.use_asset(f"{self.synset_ids[class_idx]}/{model_id}")
        return super().model_file(class_idx, model_id)

    def texture_path(self, texture: str) -> Path:
        """As in `Catalog`."""
        self.use_asset(texture)
        return super().texture_path(texture)

    def environment_path(self, environment: str) -> Path:
        """As in `Catalog`."""
        self.use_asset(to_rejected_name(environment))
        return super().environment_path(environment)


def note_assets(catalog: Catalog, journal: Journal) -> JournalCatalog:
    """The same catalog; the journal notes each asset before it is loaded."""
    values = {f.name: getattr(catalog, f.name) for f in dataclasses.fields(catalog)}
    return JournalCatalog(**values, use_asset=journal.use_asset)


class Log:
    """File that takes what the process writes to descriptors 1 and 2, C code included."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def clear(self) -> None:
        """Empties the file, so that it holds only one sample's output."""
        if self.path is not None:
            os.truncate(self.path, 0)

    def tail(self) -> str:
        """Last lines."""
        return "" if self.path is None else read_tail(self.path)


@contextlib.contextmanager
def logged_output(path: Path | None) -> Generator[Log]:
    """Sends descriptors 1 and 2 to a file that survives a crash, a fatal error's traceback too."""
    if path is None:
        yield Log(None)
        return
    with path.open("ab", buffering=0) as file, redirected_output(file.fileno()):
        was_enabled = faulthandler.is_enabled()
        faulthandler.enable(file=file, all_threads=False)
        try:
            yield Log(path)
        finally:
            faulthandler.disable()
            if was_enabled:
                faulthandler.enable(file=2, all_threads=False)


class Watchdog:
    """Ends this process when a sample takes too long, even in C code that never returns."""

    def __init__(self, time_limit: float, startup_limit: float, log: Log) -> None:
        """Takes the limits of a sample, 0 for none, and of the start, in seconds, and the log."""
        self._time_limit, self._startup_limit = time_limit, startup_limit
        self._file = None if log.path is None else log.path.open("ab", buffering=0)

    def __enter__(self) -> Watchdog:
        self._arm(self._time_limit + self._startup_limit)
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        if self._file is not None:
            self._file.close()

    def restart(self) -> None:
        """Restarts the time limit, for the next sample."""
        self._arm(self._time_limit)

    def _arm(self, seconds: float) -> None:
        if self._time_limit and self._file is not None:
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._file)
