"""Shared test helpers: run the real render.py, and read its files with independent code."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import gin
import imageio.v3 as iio
import numpy as np
import OpenEXR
import pytest

from synrender.assets.catalog import with_own_classes
from synrender.assets.places import open_assets
from synrender.cli.script import Command, run_command
from synrender.dataset.record import MATRICES, RECORD_DTYPE
from synrender.settings.load import load_settings, settings_to_gin
from synrender.system.folders import Folders

PROJECT_DIR = Path(__file__).resolve().parent.parent

QUICK = ("rendering.resolution = 32", "rendering.render_samples = 1")
"""Settings of small, quick data sets."""

NAMES_OF_BLENDER_5 = {"IndexOB.X": "Object Index.X", "IndexMA.X": "Material Index.X"}
"""What Blender 5 calls the index channels, by their names before."""


@dataclass(frozen=True)
class Renderer:
    """One way to start render.py, writing into one data folder."""

    name: str  # "wheel", "debian", or "bpy" and a version for the wheel in .venv-<version>
    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()  # of the command

    @property
    def command(self) -> list[str]:
        if self.name == "wheel":
            return [sys.executable, "render.py"]
        if self.name == "debian":
            return ["blender", "--background", "--python", "render.py", "--"]
        python = PROJECT_DIR / f".venv-{self.name.removeprefix('bpy')}" / "bin" / "python"
        return [str(python), "render.py"]

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [*self.prefix, *self.command, *map(str, arguments)],
            cwd=PROJECT_DIR,
            env=self.full_environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def full_environment(self, **environment: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SYNRENDER_")}
        ours = {"SYNRENDER_DATA_DIR": str(self.data_dir), **self.environment, **environment}
        return {**inherited, **ours}

    def run(self, *arguments: str, status: int = 0, **environment: str) -> str:
        """Runs to the end, checks the exit status, and returns stdout and stderr together."""
        process = self.start(*arguments, **environment)
        output = "".join(process.communicate(timeout=300))
        assert process.returncode == status, output
        return output

    def render(self, dataset_name: str, *bindings: str, config: str = "render_single") -> Path:
        """Renders a small, quick data set and returns its folder."""
        self.run("-d", dataset_name, "-g", config, "-p", *QUICK, *bindings)
        return self.data_dir / dataset_name

    def render_in(
        self, data_dir: Path, bindings: Sequence[str], config: str = "render_single"
    ) -> Path:
        """Renders a data set named ``set`` in a data folder that shares this one's demo models."""
        (data_dir / "demo_assets").symlink_to(self.data_dir / "demo_assets")
        return replace(self, data_dir=data_dir).render("set", *bindings, config=config)


SERVE = "import runpy, sys; sys.path.insert(0, ''); runpy.run_module({!r}, run_name='__main__')"


class RenderServer:
    """One Blender that renders data sets one after the other, for tests of what settings change.

    It starts with the first of them. A data set is that of `Renderer.render`: both claim its folder
    and call `render_batch`.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._process: subprocess.Popen[str] | None = None
        self.name, self.data_dir = renderer.name, renderer.data_dir

    def render(
        self, dataset_name: str, *bindings: str, config: str | tuple[str, ...] = "render_single"
    ) -> Path:
        """Renders a small, quick data set and returns its folder."""
        configs = (config,) if isinstance(config, str) else config
        settings = load_settings(configs, [*QUICK, *bindings])
        settings = with_own_classes(settings, open_assets(settings, Folders(self.data_dir)))
        path = self.data_dir / dataset_name
        process = self._process = self._process or self._start()
        idxs = list(settings.batch.idxs)
        request = {"gin": settings_to_gin(settings), "folder": str(path), "idxs": idxs}
        print(json.dumps(request), file=process.stdin, flush=True)
        assert process.stdout is not None
        line = "\n"
        while line and not line.startswith("{"):  # a Blender executable prints its version
            line = process.stdout.readline()
        error = json.loads(line)["error"]
        assert error is None, error
        return path

    def _start(self) -> subprocess.Popen[str]:
        module = "synrender.api.render_server"
        if self.name == "debian":
            command = ["blender", "--background", "--python-expr", SERVE.format(module)]
        else:
            command = [self._renderer.command[0], "-m", module]
        return subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env=self._renderer.full_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.communicate(timeout=60)


@dataclass(frozen=True)
class QuickCommand:
    """Runs a command inside the test's process, which starts at once."""

    command: Command
    data_dir: Path
    capsys: pytest.CaptureFixture
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: object, status: int = 0) -> str:
        """Runs it with some arguments; returns its output."""
        self.monkeypatch.setenv("SYNRENDER_DATA_DIR", str(self.data_dir))
        self.capsys.readouterr()
        found = run_command(self.command, [*map(str, arguments)])
        output = "".join(self.capsys.readouterr())
        assert found == status, output
        return output


def make_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """A folder that all processes of a test run share; the first that asks calls ``make(folder)``.

    Tests only read it.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own below
    folder = base / "shared" / name
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder.parent / f"{name}.complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder


def as_plain_user() -> tuple[str, ...]:
    """What to put before a command so that modes of files hold for it, even if it is root's."""
    if os.geteuid():
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root may read everything, and there is no setpriv to change that")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def link_gin(folder: Path) -> Path:
    """A folder for PYTHONPATH with only gin-config in it, for a Blender executable."""
    folder.mkdir()
    (folder / "gin").symlink_to(Path(gin.__file__).parent)
    return folder


def has_blender_executable() -> bool:
    return shutil.which("blender") is not None


def read_image(dataset_dir: Path, idx: int) -> np.ndarray:
    """8-bit RGB of a PNG, (h, w, 3)."""
    return iio.imread(dataset_dir / "img" / f"{idx:05d}.png")


def read_images(dataset_dir: Path) -> np.ndarray:
    """8-bit RGB of all PNGs in order, (n, h, w, 3)."""
    return np.stack([iio.imread(p) for p in sorted((dataset_dir / "img").glob("*.png"))])


def read_channels(dataset_dir: Path, idx: int) -> dict[str, np.ndarray]:
    """Channels of an EXR, (h, w) each, by their names without the layer's."""
    path = dataset_dir / "img" / f"{idx:05d}.exr"
    return {
        name.split(".", 1)[1]: channel.pixels
        for part in OpenEXR.File(str(path), separate_channels=True).parts
        for name, channel in part.channels.items()
    }


def read_passes(dataset_dir: Path, idx: int) -> dict[str, np.ndarray]:
    """Passes of an EXR: rgb (h, w, 3) linear; instance, material, depth (h, w)."""
    channels = read_channels(dataset_dir, idx)
    for old, new in NAMES_OF_BLENDER_5.items():
        channels.setdefault(old, channels.get(new))
    return {
        "rgb": np.stack([channels[f"Combined.{c}"] for c in "RGB"], axis=-1),
        "instance": channels["IndexOB.X"],
        "material": channels["IndexMA.X"],
        "depth": channels["Depth.Z"],
    }


def read_record(dataset_dir: Path, idx: int) -> np.ndarray:
    return np.load(dataset_dir / "img" / f"{idx:05d}.npy")


def create_record(num_objs: int = 1) -> np.ndarray:
    """A record that can be read: zeros, and identities for matrices."""
    record = np.zeros(num_objs, RECORD_DTYPE)
    record["instance"] = np.arange(1, num_objs + 1)
    for name in MATRICES:
        record[name] = np.eye(record[name].shape[-1])
    return record


def read_records(dataset_dir: Path) -> np.ndarray:
    """Records of all samples in order, (n, num_objs)."""
    return np.stack([np.load(p) for p in sorted((dataset_dir / "img").glob("*.npy"))])


def check_same_records(found: np.ndarray, expected: np.ndarray) -> None:
    """Compares all fields to the bit; NaN, where a value does not apply, is equal to NaN."""
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    for name in found.dtype.names or ():
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        assert found[name].tobytes() == expected[name].tobytes(), name


def read_obj_vertices(path: Path) -> np.ndarray:
    """Vertices of an OBJ file, unchanged, (v, 3)."""
    lines = path.read_text().splitlines()
    return np.array([line.split()[1:4] for line in lines if line.startswith("v ")], float)


def write_shapenet(
    folder: Path, models: dict[str, str | bytes], synset_id: str = "02691156"
) -> Path:
    """Writes a ShapeNet folder with one class; OBJ texts are given by model id."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "taxonomy.json").write_text(
        f'[{{"synsetId": "{synset_id}", "name": "airplane,aeroplane,plane", "children": [], '
        f'"numInstances": {len(models)}}}]'
    )
    for model_id, text in models.items():
        path = folder / synset_id / model_id / "models" / "model_normalized.obj"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def disable_locks(folder: Path, error_number: int) -> dict[str, str]:
    """Environment for commands that find no locks for files in a folder, as on some network disks.

    Args:
        folder: whose files cannot be locked.
        error_number: what the system says: `errno.ENOLCK`, `errno.ENOSYS` or `errno.EOPNOTSUPP`.
    """
    environment = {"NOFLOCK_DIR": str(folder), "NOFLOCK_ERRNO": str(error_number)}
    return {**environment, **_preload("noflock", folder)}


def disable_sockets(folder: Path, where: Path) -> dict[str, str]:
    """Environment for commands that can make no Unix sockets in a folder, as on some disks.

    Args:
        folder: in which no sockets can be made.
        where: another one, for what makes it so.
    """
    return {"NOSOCKET_DIR": str(folder), **_preload("nosocket", where)}


def _preload(name: str, folder: Path) -> dict[str, str]:
    """Environment with a library of tests/fixtures, compiled beside a folder."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    library = folder.parent / f"{folder.name}.{name}.so"
    source = PROJECT_DIR / "tests" / "fixtures" / f"{name}.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def as_group_member(user_id: int, umask: int = 0o002) -> tuple[str, ...]:
    """What to put before a command so that one of the users of group 2000 runs it.

    Such a user may read all, because Python itself may be in a folder of root's, but may write only
    where the modes of files say so.
    """
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can run commands as other users, with setpriv")
    capability = "-all,+dac_read_search"
    return (
        *("sh", "-c", f'umask {umask:03o}; exec "$@"', "sh"),
        *("setpriv", f"--reuid={user_id}", "--regid=2000", "--clear-groups"),
        *(f"--inh-caps={capability}", "--ambient-caps=+dac_read_search"),
        f"--bounding-set={capability}",
    )
