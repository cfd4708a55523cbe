"""A worker's job and its outcome: plain values.

Ray sends both. A Blender executable reads its job from a pipe and writes its outcome as JSON, so
that no file that others may have put there is unpickled.
"""

from __future__ import annotations

import enum
import json
import math
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from synrender.assets.provenance import Sources
from synrender.crashes.journal import COMPILE_LIMIT_S, STARTUP_LIMIT_S, JournalEntry
from synrender.dataset.folder import DatasetFolder, settings_to_folder
from synrender.dataset.info import RenderedBy
from synrender.settings.groups import Settings
from synrender.system.folders import Folders


@dataclass(frozen=True)
class Job:
    """One attempt at a batch."""

    attempt: str  # unique within the run
    run: str  # name of the run's folder in `Folders.fanout`
    dataset_name: str
    settings: Settings  # of the whole data set
    idxs: tuple[int, ...]  # of the samples to render, ascending
    folders: Folders  # of data, models and textures
    time_limit: float  # seconds a sample; 0: none
    num_cpus: int = 1  # to pin to; 0: do not pin
    use_gpu: bool = False
    blender: str = ""  # executable; "": the bpy wheel, in the worker's own process
    is_gathered: bool = False  # render into a scratch folder and return the files
    is_quiet: bool = True  # Blender's output goes to a log file
    driver_pid: int = 0  # if it runs on the same machine for certain; else 0
    rejected: dict[str, str] = field(default_factory=dict)  # so far, for a gathered batch
    probed: frozenset[int] = frozenset()  # see `BatchTask`
    sources: Sources | None = None  # that a gathered batch must find on its node

    @property
    def needs_gpu(self) -> bool:
        """Whether it renders on a GPU, if there is one."""
        return self.use_gpu or self.settings.rendering.use_gpu

    @property
    def startup_limit_s(self) -> float:
        """Seconds until the first sample begins, at most."""
        return COMPILE_LIMIT_S if self.needs_gpu else STARTUP_LIMIT_S

    @property
    def limit_s(self) -> float:
        """Seconds after which a process that did not end itself is killed."""
        limit_s = self.time_limit * (len(self.idxs) + 1) + self.startup_limit_s
        return limit_s if self.time_limit else math.inf

    @property
    def silence_limit_s(self) -> float:
        """Seconds without any sign of life after which a process is killed by the driver."""
        return 2 * self.time_limit + self.startup_limit_s if self.time_limit else math.inf

    @property
    def run_dir(self) -> Path:
        """Folder of journals and logs of the job's run."""
        return self.folders.fanout / self.run

    @property
    def blender_scratch_dir(self) -> Path:
        """Folder that Blender keeps scratch files in."""
        return self.run_dir / "tmp"

    @property
    def scratch_dir(self) -> Path:
        """Folder that a gathered batch is rendered into."""
        return self.run_dir / f"{self.attempt}.scratch"

    @property
    def folder(self) -> DatasetFolder:
        """Data set that the job renders into."""
        parent = self.scratch_dir if self.is_gathered else self.folders.data
        return settings_to_folder(parent / self.dataset_name, self.settings)


class Status(enum.Enum):
    """How an attempt ended."""

    DONE = "done"  # all samples of the job are complete
    BAD_NODE = "node"  # this node cannot render at all (no models, no Blender, another version)
    USER_ERROR = "user"  # no node can render these settings
    DISK_FULL = "disk"
    ERROR = "error"  # Blender or the code failed; the message says how
    DIED = "died"  # the process ended before its work was done


@dataclass
class Outcome:
    """Result of a job."""

    status: Status
    message: str = ""  # one line
    tail: str = ""  # last lines of Blender's output
    seconds: float = 0.0
    sample_seconds: list[float] = field(default_factory=list)  # of each one that was rendered
    render_seconds: float = 0.0  # of them, from the first sample on
    num_rendered: int = 0
    rejected: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    # Filled in by the worker and not by the process that renders:
    files: list[tuple[int, bytes, bytes]] = field(default_factory=list)  # idx, image, record
    by: RenderedBy | None = None  # with ``files``
    journal: JournalEntry | None = None  # of a process that died
    node_id: str = ""  # Ray's
    cpus: tuple[int, ...] = ()  # that the worker was pinned to


_SAVED = (
    *("message", "tail", "seconds", "sample_seconds", "render_seconds", "num_rendered"),
    *("rejected", "incomplete", "notes", "host", "pid"),
)
"""What the process that renders fills in, beside the status."""


def outcome_to_json(outcome: Outcome) -> str:
    """Text of an outcome, without what the worker fills in."""
    values = {name: getattr(outcome, name) for name in _SAVED}
    return json.dumps({"status": outcome.status.value, **values})


def json_to_outcome(text: str) -> Outcome:
    """Reads the text of `outcome_to_json`; what is missing has its default.

    Raises:
        ValueError: it is not such a text.
    """
    try:
        values = json.loads(text)
        outcome = Outcome(Status(values.pop("status")))
        for name, value in values.items():
            if name not in _SAVED or type(value) is not type(getattr(outcome, name)):
                raise ValueError(f"{name} is {value!r:.40}")
            setattr(outcome, name, value)
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no outcome of a job ({error})") from None
    return outcome
