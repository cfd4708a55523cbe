"""Renders the same samples with every installed Blender and compares the results.

    python tools/compare_blenders.py 4.2 5.0      (make test-blenders installs these)

Prints and writes benchmarks/blenders.md. Exit status 1 if a label differs between two versions by
more than 0.1 mm, if a mask differs at all, or if an audit fails.

A Blender of another system takes part in two steps: there `--save FOLDER` renders the samples, and
here `--with FOLDER` compares them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gin
import numpy as np

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_DIR))

from synrender.audit.check import Verdict  # noqa: E402
from synrender.audit.run import audit_dataset  # noqa: E402
from synrender.dataset.folder import DatasetFolder, open_dataset_folder  # noqa: E402
from synrender.images.conversions import linear_to_srgb8  # noqa: E402
from synrender.images.exr import ExrImage, read_exr  # noqa: E402
from synrender.system.folders import Folders  # noqa: E402

NUM_SAMPLES = 6
MAX_DIFFERENCE_MM = 0.1
MULTI = [
    f"batch.num_samples = {NUM_SAMPLES}", "batch.cache_obj_frames = 1",
    "object.random_viewpoint = 0.5",
]  # fmt: skip
NOISY = [*MULTI, "batch.num_samples = 1", "rendering.denoise = False"]
EEVEE = [
    "batch.num_samples = 1", "rendering.renderer = 'eevee'", "rendering.resolution = 32",
    "rendering.render_samples = 1",
]  # fmt: skip
HEADER = (
    "Blender", "denoiser", "Eevee", "audit", "mask IoU", "depth error, median", "masks differ",
    "depths differ", "colors differ",
)  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """The samples that one Blender rendered."""

    version: str
    has_denoiser: bool
    has_eevee: bool
    folder: DatasetFolder
    images: list[ExrImage]


def find_commands(versions: list[str]) -> dict[str, list[str]]:
    """How to start each Blender; the first one is the reference."""
    commands = {"wheel": [sys.executable, "render.py"]}
    if blender := shutil.which("blender"):
        commands["debian"] = [blender, "--background", "--python", "render.py", "--"]
    for version in versions:
        commands[version] = [str(PROJECT_DIR / f".venv-{version}/bin/python"), "render.py"]
    return commands


def render_with(name: str, command: list[str], data_dir: Path, gin_dir: Path) -> None:
    """Renders with one Blender: the samples, the first one undenoised, and one with Eevee.

    The last one is complete only if this Blender can use Eevee here.
    """
    environment = {**os.environ, "SYNRENDER_DATA_DIR": str(data_dir)}
    if "--background" in command:
        environment["PYTHONPATH"] = str(gin_dir)

    def run(kind: str, bindings: list[str], **options: object) -> None:
        arguments = ["-r", "-d", f"{kind}_{name}", "-g", "render_multi", "-p", *bindings]
        subprocess.run([*command, *arguments], cwd=PROJECT_DIR, env=environment, **options)

    run("multi", MULTI, check=True, stdout=subprocess.DEVNULL)
    run("noisy", NOISY, check=True, stdout=subprocess.DEVNULL)
    run("eevee", EEVEE, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def load_rendered(name: str, data_dir: Path) -> Rendered:
    """Reads the results of `render_with`."""
    folder = open_dataset_folder(data_dir, f"multi_{name}")
    images = [read_exr(folder.image_path(idx)) for idx in range(NUM_SAMPLES)]
    noisy = read_exr(data_dir / f"noisy_{name}" / "img" / "00000.exr")
    return Rendered(
        version=str(folder.read_info().versions["blender"]),
        has_denoiser=not np.array_equal(images[0].rgb_linear, noisy.rgb_linear),
        has_eevee=(data_dir / f"eevee_{name}" / "img" / "00000.npy").exists(),
        folder=folder,
        images=images,
    )


def compare(rendered: Rendered, reference: Rendered) -> tuple[int, float, float]:
    """Differences of two Blenders: mask pixels, depth in mm, mean of the 8-bit color values."""
    num_px, depth_mm, color = 0, 0.0, []
    for a, b in zip(rendered.images, reference.images, strict=True):
        num_px += int(((a.instance != b.instance) | (a.class_label != b.class_label)).sum())
        depth_mm = max(depth_mm, 1000 * float(np.abs(a.depth_m - b.depth_m).max()))
        values = [linear_to_srgb8(x.rgb_linear).astype(float) for x in (a, b)]
        color.append(np.abs(values[0] - values[1]).mean())
    return num_px, depth_mm, float(np.mean(color))


def parse_arguments() -> argparse.Namespace:
    """Which Blenders, and where to render."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", help="wheels in .venv-VERSION")
    parser.add_argument("--save", metavar="FOLDER", type=Path, help="render with this wheel alone")
    parser.add_argument("--with", metavar="FOLDER", type=Path, dest="saved", help="what was saved")
    return parser.parse_args()


def main() -> int:
    """Renders, compares, writes the table; returns the exit status."""
    arguments = parse_arguments()
    commands = find_commands(arguments.versions)
    if arguments.save:
        render_with("saved", commands["wheel"], arguments.save, arguments.save)
        return 0
    rows, is_good = [HEADER, ("---",) * len(HEADER)], True
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder, "data")
        gin_dir = Path(folder, "gin_only")
        gin_dir.mkdir()
        (gin_dir / "gin").symlink_to(Path(gin.__file__).parent)
        for name, command in commands.items():
            render_with(name, command, data_dir, gin_dir)
        if arguments.saved:
            for kind in ("multi", "noisy", "eevee"):
                shutil.copytree(arguments.saved / f"{kind}_saved", data_dir / f"{kind}_saved")
        names = [*commands, *(["saved"] if arguments.saved else [])]
        reference = load_rendered(names[0], data_dir)
        for name in names:
            rendered = load_rendered(name, data_dir)
            checks = audit_dataset(rendered.folder, Folders(data_dir), 0, jobs=2, is_quiet=True)
            figures = {check.name: re.findall(r"\d+\.\d+", check.figures) for check in checks}
            failed = [check.name for check in checks if check.verdict is Verdict.FAIL]
            # These two checks need more samples than the six of one bucket.
            failed = [check for check in failed if check not in ("splits", "balance")]
            num_px, depth_mm, color = compare(rendered, reference)
            is_good &= not failed and num_px == 0 and depth_mm <= MAX_DIFFERENCE_MM
            rows.append(
                (
                    rendered.version,
                    "yes" if rendered.has_denoiser else "no",
                    "yes" if rendered.has_eevee else "no",
                    f"fails: {', '.join(failed)}" if failed else "passes",
                    "{}, lowest {}".format(*figures["mask"]),
                    "{} mm, worst p99 {} mm".format(*figures["depth"]),
                    f"{num_px} px",
                    f"{depth_mm:.4f} mm",
                    f"{color:.2f} levels",
                )
            )
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
    path = PROJECT_DIR / "benchmarks" / "blenders.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"# Every Blender on the same {NUM_SAMPLES} samples of several objects\n\n"
        "Written by `make test-blenders`: label passes against rays cast at the OBJ files, and, in "
        "the last\nthree columns, differences from the first row (8-bit levels; Blenders without a "
        f"denoiser are noisier).\n\n{table}",
        encoding="utf-8",
    )
    print(table)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
