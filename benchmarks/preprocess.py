"""Measures preprocess_data.py against a plain loop.

python benchmarks/preprocess.py [NUM_SAMPLES]

Each step runs as a command of its own, the loop and ours in turns. The loop takes one image at a
time: imageio to decode and encode, Pillow to resize, scikit-image for LAB, h5py to write. Memory
is the peak of all processes of a command together, shared pages counted once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.shared import PROJECT_DIR, find_environment, run_script

NUM_RENDERED = 40
"""Number of different images; the others are links to them."""

STEPS = {  # name: (data set, arguments)
    "-f": ("single", ["-f"]),
    "-f -e": ("multi", ["-f", "-e"]),
    "-p": ("single", ["-p"]),
    "-p -l": ("single", ["-p", "-l"]),
}


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    seconds: float
    peak_mb: float


def prepare_dataset(data_dir: Path, name: str, num_samples: int) -> None:
    """Renders some samples of 128 x 128 px and fills a data set with links to them."""
    bindings = [f"batch.num_samples = {NUM_RENDERED}", "rendering.render_samples = 8"]
    run_script(data_dir, "render.py", "-d", name, "-g", f"render_{name}", "-p", *bindings)
    folder = data_dir / name / "img"
    suffix = ".exr" if name == "multi" else ".png"
    for idx in range(NUM_RENDERED, num_samples):
        record = np.load(folder / f"{idx % NUM_RENDERED:05d}.npy")
        record["sample_idx"] = idx
        np.save(folder / f"{idx:05d}.npy", record)
        os.link(folder / f"{idx % NUM_RENDERED:05d}{suffix}", folder / f"{idx:05d}{suffix}")


def remove_outputs(dataset_dir: Path, arguments: list[str]) -> None:
    """Removes what a step writes, so that the timed run need not delete old files."""
    for pattern in ("imgs_*.h5", "loop_imgs.h5") if "-f" in arguments else ("*data*.h5",):
        for path in dataset_dir.glob(pattern):
            path.unlink()


def run_watched(call: list[str], data_dir: Path) -> Run:
    """Runs a command and watches its memory."""
    start = time.monotonic()
    peak_mb = 0.0
    process = subprocess.Popen(
        call, cwd=PROJECT_DIR, env=find_environment(data_dir), stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        peak_mb = max(peak_mb, measure_tree_mb(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(call)} failed")
    return Run(time.monotonic() - start, peak_mb)


def measure_tree_mb(pid: int) -> float:
    """Proportional share of memory of a process and its descendants, MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        pss_kb = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, StopIteration):  # it has just ended
        return 0.0
    return pss_kb / 1000 + sum(measure_tree_mb(child) for child in children)


# --- the plain loop -------------------------------------------------------------------------------


def loop_pack(dataset_dir: Path, is_exr: bool) -> None:
    """Small files to HDF5, one at a time."""
    import io

    import h5py
    import imageio.v2 as imageio
    import OpenEXR

    def to_png(array: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        imageio.imwrite(file, array, format="png")
        return np.frombuffer(file.getvalue(), np.uint8)

    records = []
    paths = sorted((dataset_dir / "img").glob("*.npy"))
    with h5py.File(dataset_dir / "loop_imgs.h5", "w") as out:
        images = out.create_dataset("png_images", len(paths), h5py.vlen_dtype(np.uint8))
        if is_exr:
            targets = out.create_dataset("png_targets", len(paths), h5py.vlen_dtype(np.uint8))
            depths = out.create_dataset("png_depth", len(paths), h5py.vlen_dtype(np.uint8))
        for i, path in enumerate(paths):
            records.append(np.load(path))
            if not is_exr:
                images[i] = np.frombuffer(path.with_suffix(".png").read_bytes(), np.uint8)
                continue
            channels = OpenEXR.File(str(path.with_suffix(".exr")), separate_channels=True)
            layer = {n.split(".", 1)[1]: c.pixels for n, c in channels.channels().items()}
            rgb = np.stack([layer[f"Combined.{c}"] for c in "RGB"], axis=2).clip(0, 1)
            srgb = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
            images[i] = to_png(np.rint(255 * srgb).astype(np.uint8))
            depth = layer["Depth.Z"]
            labels = [
                layer["IndexOB.X"],
                (layer["IndexMA.X"] + 1) % 100,
                (depth * 100).clip(0, 255),
            ]
            targets[i] = to_png(np.stack(labels, axis=2).astype(np.uint8))
            depths[i] = to_png(np.rint((depth * 1e4).clip(0, 65535)).astype(np.uint16))
        stacked = np.stack(records).squeeze()
        for name in stacked.dtype.names:
            values = stacked[name]
            out[name] = values.astype("S") if values.dtype.kind == "U" else values


def loop_preprocess(dataset_dir: Path, to_lab: bool, res: int = 128) -> None:
    """PNGs in HDF5 to normalized arrays, one at a time."""
    import io

    import h5py
    import imageio.v2 as imageio
    from PIL import Image
    from skimage.color import rgb2lab

    with (
        h5py.File(dataset_dir / "loop_imgs.h5") as file,
        h5py.File(dataset_dir / "loop_data.h5", "w") as out,
    ):
        num_samples = len(file["png_images"])
        data = out.create_dataset("data", (num_samples, 3, res, res), np.float16)
        for i in range(num_samples):
            image = imageio.imread(io.BytesIO(file["png_images"][i]))
            if image.shape[:2] != (res, res):
                image = np.asarray(Image.fromarray(image).resize((res, res)))
            values = rgb2lab(image) if to_lab else image.astype(np.float32)
            data[i] = ((values - values.mean()) / 40).transpose(2, 0, 1)
        for name in file:
            if not name.startswith("png_"):
                out[name] = file[name][...]


def run_loop(dataset_dir: Path, arguments: list[str]) -> None:
    """The plain loop for a step."""
    if "-f" in arguments:
        loop_pack(dataset_dir, is_exr="-e" in arguments)
    else:
        loop_preprocess(dataset_dir, to_lab="-l" in arguments)


def main() -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("num_samples", nargs="?", type=int, default=2000)
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of each step; their median is printed"
    )
    parser.add_argument("--loop", nargs="+", help=argparse.SUPPRESS)  # folder
    arguments, step_arguments = parser.parse_known_args()
    if arguments.loop:
        run_loop(Path(arguments.loop[0]), step_arguments)
        return
    num_cpus = len(os.sched_getaffinity(0))
    print(f"{arguments.num_samples} samples of 128 x 128 px on {num_cpus} CPUs", flush=True)
    print(f"{'':8}{'images/s':>10}{'loop':>8}{'ratio':>7}{'peak MB':>10}{'loop':>8}", flush=True)
    with tempfile.TemporaryDirectory(prefix="preprocess_benchmark_") as folder:
        data_dir = Path(folder)
        for name in ("single", "multi"):
            prepare_dataset(data_dir, name, arguments.num_samples)
        for step, (name, step_arguments) in STEPS.items():
            ours, loops = [], []
            for _ in range(arguments.repeats):
                remove_outputs(data_dir / name, step_arguments)
                call = [sys.executable, "preprocess_data.py", "-d", name]
                ours.append(run_watched([*call, *step_arguments], data_dir))
                call = [sys.executable, __file__, "--loop", str(data_dir / name)]
                loops.append(run_watched([*call, *step_arguments], data_dir))
            rates = [
                arguments.num_samples / statistics.median(r.seconds for r in runs)
                for runs in (ours, loops)
            ]
            peaks = [max(r.peak_mb for r in runs) for runs in (ours, loops)]
            print(
                f"{step:8}{rates[0]:10.0f}{rates[1]:8.0f}{rates[0] / rates[1]:7.1f}"
                f"{peaks[0]:10.0f}{peaks[1]:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
