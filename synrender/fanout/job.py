"""What a worker is told, and what it answers. Plain values: they travel by pickle."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field

STARTUP_LIMIT_S = 180
"""What a worker may take to import Blender and list the models, beside the limit of a sample."""


@dataclass(frozen=True)
class Job:
    """One attempt at a batch."""

    attempt: str  # unique within the run
    run: str  # name of the run's folder below DATA_DIR/.fanout
    dataset_name: str
    bindings: tuple[str, ...]  # all settings, of the whole data set
    ranges: tuple[tuple[int, int], ...]  # (idx_offset, num_samples) of what is to be rendered
    environment: dict[str, str]  # where things are, for this project's paths.py
    time_limit: float  # seconds a sample; 0: none
    num_cpus: int = 1  # to pin to; 0: do not pin
    use_gpu: bool = False
    blender: str = ""  # executable; "": the bpy wheel, in the worker's own process
    is_gathered: bool = False  # render into a scratch folder and return the files
    is_quiet: bool = True  # Blender's output goes to a log file
    rejected: dict[str, str] = field(default_factory=dict)  # known ones, for a gathered batch
    fingerprints: dict[str, str] = field(default_factory=dict)  # of models and textures, likewise


@dataclass
class Outcome:
    """What became of an attempt.

    status:
        done    all samples of the ranges are complete
        node    this node cannot render at all (no models, no Blender, another version)
        user    the settings cannot be rendered; no other node could
        disk    the disk is full
        error   Blender or the code failed; the text says how
        died    the process ended in the midst of it
        broken  the cluster refused the task
    """

    status: str
    message: str = ""  # one line
    tail: str = ""  # last lines of Blender's output
    seconds: float = 0.0
    render_seconds: float = 0.0  # of them, from the first sample on
    num_rendered: int = 0
    rejected: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[tuple[int, bytes, bytes]] = field(default_factory=list)  # idx, image, record
    blender_version: str = ""
    journal: dict = field(default_factory=dict)  # of a process that died
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    node_id: str = ""  # Ray's
    cpus: tuple[int, ...] = ()  # that the worker was pinned to
