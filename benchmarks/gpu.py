"""Speed, first start, energy and pixels of a GPU, as a page of Markdown.

    python benchmarks/gpu.py > benchmarks/gpu.md
    python benchmarks/gpu.py --device cpu --quick     (runs all of it once, without a GPU)

Each case renders in one or more processes at once, which share the device. The first sample of each
process only warms it up. Pixels are compared with those of the CPU.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.shared import create_rig, print_result
from synrender.images.exr import read_exr
from synrender.images.scanline_exr import read_channels

SETUP_PX = 8
"""Side of an image that is nearly all set-up."""


@dataclass(frozen=True)
class Case:
    """What a process renders."""

    device: str  # "gpu" or "cpu"
    side_px: int = 128
    num_objs: int = 1
    num_samples: int = 41
    denoises_on_gpu: bool = False
    folder: str = ""  # where images are kept; "": nowhere


def render(case: Case) -> dict[str, object]:
    """Renders a case in this process; returns its device, first start and times."""
    start = time.monotonic()
    config = "render_multi" if case.num_objs > 1 or case.folder else "render_single"
    bindings = (
        f"rendering.resolution = {case.side_px}",
        f"rendering.use_gpu = {case.device == 'gpu'}",
        f"sample.num_objs = {case.num_objs}",
    )
    rig = create_rig([config], bindings)
    if hasattr(rig.scene.cycles, "denoising_use_gpu"):  # from Blender 4.1 on
        rig.scene.cycles.denoising_use_gpu = case.denoises_on_gpu
    builder, ends = rig.create_builder(), []
    with tempfile.TemporaryDirectory() as scratch:
        for idx in range(case.num_samples):
            plan = rig.draw(idx)
            builder.build_sample(plan)
            rig.render(Path(case.folder or scratch) / f"{idx}{rig.suffix}", plan.noise_seed)
            ends.append(time.monotonic())
    return {"device": rig.device, "first_s": ends[0] - start, "ends": ends}


def run_case(case: Case, num_processes: int = 1) -> list[dict]:
    """Renders a case in processes at once; returns what each of them says."""
    command = [sys.executable, __file__, "--case", json.dumps(asdict(case))]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(num_processes)
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"failed: {case}")
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def find_rate(found: list[dict]) -> float:
    """Samples a second while all processes render, their first samples left out."""
    start, stop = max(f["ends"][0] for f in found), min(f["ends"][-1] for f in found)
    num = sum(start < end <= stop for f in found for end in f["ends"])
    return num / (stop - start) if stop > start else float("nan")


class Power:
    """Mean power of the first card while a context lasts, where NVIDIA's driver tells it."""

    def __enter__(self) -> Power:
        self._watts, self._is_over = [], threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _read(self) -> None:
        query = ["nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits", "-i", "0"]
        while shutil.which("nvidia-smi") and not self._is_over.wait(0.5):
            result = subprocess.run(query, capture_output=True, text=True, check=False)
            self._watts += [float(w) for w in result.stdout.split() if w.replace(".", "").isdigit()]

    def describe(self, rate: float) -> str:
        """Joules a sample."""
        return f"{np.mean(self._watts) / rate:.2f} J" if self._watts else "not told"


def measure_speed(device: str, is_quick: bool) -> Iterator[str]:
    """Rows of the table of speeds."""
    yield "| side | objects | denoiser on | processes | samples/s | energy a sample |"
    yield "|---|---|---|---|---|---|"
    sides, counts = ((32,), (1, 2)) if is_quick else ((128, 256, 512), (1, 2, 4, 8))
    num_samples = 4 if is_quick else 41
    denoisers = (False,) if device == "cpu" else (False, True)
    for side_px, num_objs, on_gpu in itertools.product(sides, (1, 4), denoisers):
        for num_processes in counts:
            case = Case(device, side_px, num_objs, num_samples, on_gpu)
            with Power() as power:
                rate = find_rate(run_case(case, num_processes))
            where = "GPU" if on_gpu else "CPU"
            yield (
                f"| {side_px} px | {num_objs} | {where} | {num_processes} | {rate:.2f} | "
                f"{power.describe(rate)} |"
            )


def measure_setup(device: str, is_quick: bool) -> str:
    """What share of a sample is set-up: the time of a tiny image beside that of a usual one."""
    num_samples = 4 if is_quick else 41
    tiny, usual = (
        1 / find_rate(run_case(Case(device, side_px, 1, num_samples)))
        for side_px in (SETUP_PX, 128)
    )
    return (
        f"An image of {SETUP_PX} px takes {1e3 * tiny:.0f} ms and one of 128 px {1e3 * usual:.0f} "
        f"ms: {tiny / usual:.0%} of a sample is set-up."
    )


def compare_pixels(device: str, num_samples: int) -> str:
    """Images and labels of the device beside those of the CPU."""
    with tempfile.TemporaryDirectory() as parent:
        folders = [Path(parent, name) for name in ("cpu", "device")]
        for folder, name in zip(folders, ("cpu", device), strict=True):
            folder.mkdir()
            run_case(Case(name, 128, 4, num_samples, folder=str(folder)))
        psnrs, worst_m, num_equal = [], 0.0, 0
        for idx in range(num_samples):
            paths = [folder / f"{idx}.exr" for folder in folders]
            a, b = map(read_exr, paths)
            error = np.mean((a.rgb_linear.clip(0, 1) - b.rgb_linear.clip(0, 1)) ** 2)
            psnrs.append(np.inf if error == 0 else -10 * np.log10(error))
            worst_m = max(worst_m, float(np.nanmax(np.abs(a.depth_m - b.depth_m), initial=0)))
            labels = [
                {n: p for n, p in read_channels(path)[1].items() if "Index" in n} for path in paths
            ]
            num_equal += all(np.array_equal(labels[0][n], labels[1][n]) for n in labels[0])
    return (
        f"{num_samples} samples of four objects at 128 px: PSNR {np.mean(psnrs):.1f} dB (scene-"
        f"linear, least {min(psnrs):.1f}); instances and classes are equal in {num_equal}; depth "
        f"differs by {1e3 * worst_m:.3f} mm at most."
    )


def main() -> None:
    """Prints the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--quick", action="store_true", help="a few tiny samples of each case")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print_result(lambda: render(Case(**json.loads(arguments.case))))
    device, is_quick = arguments.device, arguments.quick
    first, second = (run_case(Case(device, num_samples=2))[0] for _ in range(2))
    if device == "gpu" and first["device"] == "CPU":
        sys.exit("Blender sees no GPU here; --device cpu runs the program without one")
    print(f"# {first['device']}\n\n{platform.platform()}, {os.cpu_count()} CPUs\n")
    print(
        f"First start: {first['first_s']:.1f} s until the first sample; the next process: "
        f"{second['first_s']:.1f} s.\n"
    )
    for row in measure_speed(device, is_quick):
        print(row, flush=True)
    print(f"\n{measure_setup(device, is_quick)}\n")
    print(compare_pixels(device, 2 if is_quick else 20))


if __name__ == "__main__":
    main()
