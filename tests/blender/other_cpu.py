"""Runs render.py as on another kind of CPU: Cycles takes its code for CPUs without AVX2."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from synrender.blender import batch
from synrender.cli.render import COMMAND
from synrender.cli.script import run_script
from synrender.system.cpus import CpuKind

OTHER = CpuKind("AnotherMaker", "another model", ("sse4_2",))

prepare = batch.prepare_blender


def prepare_other(home: Path) -> None:
    """Prepares Blender, which then reads a variable that we remove for users."""
    prepare(home)
    import _cycles

    from synrender.blender import engine

    os.environ["CYCLES_CPU_NO_AVX2"] = "1"
    _cycles.debug_flags_reset()
    engine.find_cpu = lambda seen_model: OTHER


if __name__ == "__main__":
    batch.prepare_blender = prepare_other
    run_script(COMMAND)
