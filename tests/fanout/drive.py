"""Runs distributed_render.py, and makes its workers fail on purpose."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from tests.helpers import PROJECT_DIR

QUICK = ("rendering.resolution = 32", "rendering.render_samples = 1")
VARIANTS = ("0-0-0-0", "1-1-1-1")
NUM_SAMPLES = 48
BATCH = ("-n", NUM_SAMPLES, "-b", 6)
NUM_CLASSES = 2
NUM_MODELS = 36

SYNSETS = {
    "02691156": "airplane,aeroplane,plane",
    "02828884": "bench",
    "02933112": "cabinet",
}

# Real faults, at the models whose path a regular expression finds: as the file is opened, or after
# it was opened, as a rendered image is. It also counts who reads which record.
TROUBLEMAKER = """
import os, re, signal, sys, time

is_armed = False

def is_hit(variable, path):
    return variable in os.environ and re.search(os.environ[variable], path)

def crash():
    os.kill(os.getpid(), int(os.environ.get("TROUBLE_SIGNAL", signal.SIGSEGV)))

def count(path, flags):
    if flags & os.O_ACCMODE == os.O_RDONLY and re.search(r"/img/[0-9]+\\.npy$", path):
        with open(os.environ["TROUBLE_COUNT"], "a") as file:
            file.write(os.path.basename(path) + "\\n")

def strike(event, args):
    global is_armed
    if event != "open":
        return
    path = str(args[0])
    if "TROUBLE_COUNT" in os.environ:
        count(path, args[2])
    if path.endswith((".png", ".exr")) and is_armed:
        crash()
    if not path.endswith(".obj"):
        return
    time.sleep(float(os.environ.get("TROUBLE_SLOW_S", "0")))
    is_armed = is_armed or is_hit("TROUBLE_RENDER", path)
    if is_hit("TROUBLE_CRASH", path):
        crash()
    if is_hit("TROUBLE_HANG", path):
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        time.sleep(3600)

if any(name.startswith("TROUBLE_") for name in os.environ):
    sys.addaudithook(strike)
"""


@dataclass(frozen=True)
class Driver:
    """Starts distributed_render.py."""

    data_dir: Path
    environment: dict[str, str]
    prefix: tuple[str, ...] = ()  # of the command
    script: tuple[str, ...] = ("distributed_render.py",)

    def start(
        self,
        *arguments: object,
        variants: tuple[str, ...] = VARIANTS,
        bindings: tuple[str, ...] = (),
        **environment: str,
    ) -> subprocess.Popen:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SYNRENDER_")}
        command = [*self.prefix, sys.executable, *self.script, *map(str, arguments)]
        command += ["--variants", *variants, "-p", *QUICK, *bindings]
        if "--num_classes" not in arguments:
            command += ["--num_classes", str(NUM_CLASSES)]
        return subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env={**inherited, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # so that a signal to its group reaches no test
        )

    def run(
        self,
        *arguments: object,
        status: int = 0,
        variants: tuple[str, ...] = VARIANTS,
        bindings: tuple[str, ...] = (),
        **environment: str,
    ) -> str:
        """Runs to the end, checks the exit status, and returns the output."""
        process = self.start(*arguments, variants=variants, bindings=bindings, **environment)
        return finish(process, status)

    def journals(self) -> list[dict]:
        """Journals of the workers that run on this machine now."""
        entries = []
        for path in self.data_dir.glob(".fanout/*/*.json"):
            try:
                entries.append(json.loads(path.read_text()))
            except (OSError, ValueError):
                continue  # it has just ended, or is being written
        return [e for e in entries if is_alive(e["pid"])]

    def num_records(self, name: str) -> int:
        return sum(1 for _ in self.data_dir.glob(f"{name}_*/img/[0-9]*.npy"))


def finish(process: subprocess.Popen, status: int = 0, timeout_s: float = 600) -> str:
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == status, output
    return output


def wait_until(condition: Callable[[], object], timeout_s: float = 240) -> object:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"still not so after {timeout_s} s")


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def assert_same_dataset(dataset_dir: Path, expected_dir: Path) -> None:
    """All samples are there and equal, in images and in records, and nothing else is there."""
    names = sorted(p.name for p in (expected_dir / "img").iterdir())
    assert sorted(p.name for p in (dataset_dir / "img").iterdir()) == names
    for name in names:
        ours, theirs = dataset_dir / "img" / name, expected_dir / "img" / name
        if name.endswith(".exr"):
            continue  # holds its render time; see test_full_run
        assert ours.read_bytes() == theirs.read_bytes(), name


def write_assets(root: Path) -> tuple[Path, Path]:
    """Boxes of all sizes in ShapeNet's layout, and patterns in DTD's."""
    rng = np.random.Generator(np.random.PCG64(0))
    shapenet_dir, dtd_dir = root / "shapenet", root / "dtd"
    shapenet_dir.mkdir()
    (shapenet_dir / "taxonomy.json").write_text(
        json.dumps([{"synsetId": s, "name": name} for s, name in SYNSETS.items()])
    )
    for synset_id in SYNSETS:
        for k in range(NUM_MODELS):
            path = shapenet_dir / synset_id / f"m{k:03d}" / "models" / "model_normalized.obj"
            path.parent.mkdir(parents=True)
            path.write_text(create_box(rng.random(3) + 0.2))
    (dtd_dir / "labels").mkdir(parents=True)
    (dtd_dir / "images" / "noise").mkdir(parents=True)
    names = [f"noise/noise_{k:04d}.png" for k in range(6)]
    for name in names:
        iio.imwrite(dtd_dir / "images" / name, (rng.random((16, 16, 3)) * 255).astype(np.uint8))
    (dtd_dir / "labels" / "labels_joint_anno.txt").write_text(
        "".join(f"{name} noise\n" for name in names)
    )
    return shapenet_dir, dtd_dir


def create_box(size: np.ndarray) -> str:
    """OBJ text of a box."""
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    faces = ("1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4")
    lines = ["v " + " ".join(f"{c * s:.5f}" for c, s in zip(v, size, strict=True)) for v in corners]
    return "\n".join([*lines, *(f"f {face}" for face in faces)]) + "\n"


def write_troublemaker(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(TROUBLEMAKER)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """Mounts a tmpfs of a size on a folder; False where this machine lets nobody mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    is_mounted = shutil.which("mount") and not subprocess.run(command, check=False).returncode
    try:
        yield bool(is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def assert_same_as_reference(driver: Driver, name: str, reference: dict[str, Path]) -> None:
    for variant in VARIANTS:
        dataset_dir = driver.data_dir / f"{name}_{variant}"
        assert_same_dataset(dataset_dir, reference[variant])
        assert json.loads((dataset_dir / "dataset.json").read_text())["rejected"] == {}
