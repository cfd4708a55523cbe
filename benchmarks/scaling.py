"""How well an array of shards scales, simulated with measured times: a table and scaling.png.

    python benchmarks/scaling.py [NUM_SAMPLES] [MEASURED]

Renders some samples on one CPU and takes the CPU time of each, and of the start of a process. Then
deals NUM_SAMPLES samples to 1, 2, 4, ... 1,024 shards of one CPU, as --shard does, gives each a
time that was measured, and finds when the last shard ends. No other cause of loss is simulated,
such as storage that is too slow, or CPUs of different speed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from synrender.sampling.work_shard import find_shards
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings

PROJECT_DIR = Path(__file__).resolve().parents[1]
COUNTS = tuple(2**k for k in range(11))
CASES = {"one object, PNG": "render_single", "four objects, EXR": "render_multi"}
GROUP = 10
"""Samples that share models: `batch.cache_obj_frames` of both configs."""

MEASURE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import synrender
from synrender.blender.batch import BatchTask, Watch, render_batch
from synrender.api.functions import load_sources
from synrender.dataset.claim import claim_dataset
from synrender.dataset.folder import DatasetFolder
from synrender.system.folders import find_folders
from pathlib import Path
config, num = sys.argv[2], int(sys.argv[3])
settings = synrender.load_settings(config, f"batch.num_samples = {num}")
folders = find_folders(os.environ)
settings, catalog = load_sources(settings, folders)
folder = DatasetFolder(Path(sys.argv[4]) / "timed", settings.rendering.render_exr)
claim_dataset(folder, settings, catalog)
ends = []
watch = Watch(lambda done, total: ends.append(time.process_time()))
render_batch(BatchTask(settings, folder, catalog, folders.blender), watch)
print(*ends, flush=True)
os._exit(0)
"""


@dataclass(frozen=True)
class Times:
    """CPU time in seconds."""

    start_s: float  # of a process, until it renders
    sample_s: np.ndarray  # (n,) of each sample


def measure_times(config: str, num_samples: int) -> Times:
    """Renders samples of a config in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", MEASURE, str(PROJECT_DIR), config, str(num_samples)]
        result = subprocess.run([*command, folder], capture_output=True, text=True, check=True)
    ends = np.array(result.stdout.split()[-num_samples - 1 :], float)
    return Times(float(ends[0]), np.diff(ends))


def simulate(times: Times, settings: Settings, num_shards: int) -> float:
    """Efficiency: the work of all samples, without any start, over what the shards' CPUs take."""
    shards = find_shards(settings, num_shards)
    # Groups keep their order: the first sample of each imports the models.
    whole = times.sample_s[: len(times.sample_s) // GROUP * GROUP].reshape(-1, GROUP)
    drawn = np.random.default_rng(0).integers(len(whole), size=-(-len(shards) // GROUP))
    seconds = whole[drawn].ravel()[: len(shards)]
    last_s = times.start_s + np.bincount(shards, seconds, num_shards).max()
    return float(seconds.sum() / (num_shards * last_s))


def plot(efficiencies: dict[str, list[float]], path: Path) -> None:
    """Draws a line for each case."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, values in efficiencies.items():
        axes.plot(COUNTS, [100 * value for value in values], marker="o", label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(COUNTS, [f"{count:,}" for count in COUNTS])
    axes.set(xlabel="shards of one CPU", ylabel="efficiency, %", ylim=(0, 102))
    axes.set_title("Efficiency of arrays of shards")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measures, simulates, prints the table and draws the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("num_samples", nargs="?", type=int, default=100_000)
    parser.add_argument("measured", nargs="?", type=int, default=100)
    arguments = parser.parse_args()
    efficiencies = {}
    for name, config in CASES.items():
        times = measure_times(config, arguments.measured)
        bindings = [f"object.total_num_samples = {arguments.num_samples}"]
        bindings += [f"batch.num_samples = {arguments.num_samples}"]
        settings = load_settings([config], bindings)
        efficiencies[name] = [simulate(times, settings, count) for count in COUNTS]
        print(
            f"{name}: start {times.start_s:.1f} s, sample {times.sample_s.mean():.2f} s (standard "
            f"deviation {times.sample_s.std():.2f} s), CPU time"
        )
    print(f"\n| shards | {' | '.join(efficiencies)} |\n|{'---|' * (len(efficiencies) + 1)}")
    for k, count in enumerate(COUNTS):
        cells = " | ".join(f"{values[k]:.1%}" for values in efficiencies.values())
        print(f"| {count:,} | {cells} |")
    plot(efficiencies, Path(__file__).with_name("scaling.png"))
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(f"\npeak memory of a process: {peak_mb:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
    os._exit(0)
