"""What benchmarks share: a Blender that is ready, commands on a data folder, and tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from synrender.api.functions import load_sources
from synrender.assets.catalog import Catalog
from synrender.blender.start import prepare_blender
from synrender.sampling.sample_plan import SamplePlan, draw_sample
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.console import captured_output
from synrender.system.folders import DATA_VARIABLE, find_folders

if TYPE_CHECKING:
    from synrender.blender.build import Builder

PROJECT_DIR = Path(__file__).resolve().parent.parent
FOLDERS = find_folders(os.environ)


@dataclass(frozen=True)
class Rig:
    """A Blender with the settings of a data set."""

    settings: Settings
    catalog: Catalog
    scene: Any  # bpy.types.Scene
    device: str

    @property
    def suffix(self) -> str:
        """Of the images: ".exr" or ".png"."""
        return ".exr" if self.settings.rendering.render_exr else ".png"

    def create_builder(self) -> Builder:
        """One that has no models yet."""
        from synrender.blender.build import Builder

        return Builder(self.scene, self.settings, self.catalog, {})

    def draw(self, idx: int) -> SamplePlan:
        return draw_sample(self.settings, self.catalog, idx)

    def render(self, path: Path, noise_seed: int, passes: Sequence[str] = ()) -> None:
        """Renders the sample that was built."""
        from synrender.blender.engine import render_frame

        render_frame(self.scene, path, noise_seed, passes)


def create_rig(config: Iterable[str], bindings: Iterable[str] = ()) -> Rig:
    """Starts Blender, or begins anew in the one that runs."""
    settings, catalog = load_sources(load_settings(config, bindings), FOLDERS)
    prepare_blender(FOLDERS.blender)
    from synrender.blender.engine import start_engine

    engine = start_engine(settings.rendering)
    return Rig(settings, catalog, engine.scene, engine.device)


def measure_psnr_db(image: np.ndarray, reference: np.ndarray) -> float:
    """Of 8-bit values."""
    error = np.mean((image.astype(float) - reference.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


# --- processes ------------------------------------------------------------------------------------


def find_environment(data_dir: Path) -> dict[str, str]:
    """Environment variables of a command that uses a data folder."""
    return {**os.environ, DATA_VARIABLE: str(data_dir)}


def run_script(data_dir: Path, script: str, *arguments: str) -> float:
    """Runs a command of the project that uses a data folder; returns the seconds that it took."""
    start, command = time.monotonic(), [sys.executable, script, *arguments]
    subprocess.run(command, cwd=PROJECT_DIR, env=find_environment(data_dir), check=True)
    return time.monotonic() - start


def run_apart(script: str, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """Runs a script in a process of its own; returns what it gives to `print_result`."""
    command = [sys.executable, script, *arguments]
    done = subprocess.run(
        command, cwd=PROJECT_DIR, env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def print_result(find: Callable[[], object]) -> NoReturn:
    """Prints what a function returns as JSON, and nothing else; ends the process.

    The bpy wheel can crash at a normal exit.
    """
    with captured_output():
        result = find()
    print(json.dumps(result), flush=True)
    os._exit(0)


def pin_to_one_cpu() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


# --- tables ---------------------------------------------------------------------------------------


def tabulate(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, which ends with a line break."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
