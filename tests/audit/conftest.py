from __future__ import annotations

import functools
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.rays import model_caster
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.settings.label_table import LABELS
from synrender.system.folders import Folders
from tests.audit.certificates import run_audit
from tests.helpers import Renderer, make_once, write_shapenet

SMALL = (
    "rendering.resolution = 64", "rendering.render_samples = 1", "batch.num_samples = 12",
    "object.total_num_samples = 12", "object.n_buckets = 3", "batch.cache_obj_frames = 2",
    "sample.balanced = True", "sample.class_idxs = [0, 4]", "object.random_viewpoint = 0.5",
)  # fmt: skip


@pytest.fixture(scope="session")
def multi(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EXR, 3 objects of 2 classes in turns, 3 buckets of 4 samples."""
    bindings = (*SMALL, "sample.num_objs = 3")
    make = partial(wheel.render_in, bindings=bindings, config="render_multi")
    return make_once(tmp_path_factory, "audit_multi", make) / "set"


@pytest.fixture(scope="session")
def single(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PNG, else the same."""
    make = partial(wheel.render_in, bindings=SMALL)
    return make_once(tmp_path_factory, "audit_single", make) / "set"


@pytest.fixture(scope="session")
def dirty(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EXR with all labels, with models from dirty files."""
    bindings = (
        *SMALL, "object.n_buckets = 1", "batch.cache_obj_frames = 1", "sample.class_idxs = 1",
        f"rendering.labels = {list(LABELS)}",
    )  # fmt: skip

    def make(folder: Path) -> None:
        shapenet = write_shapenet(folder / "shapenet", DIRTY)
        environment = {"SYNRENDER_SHAPENET_DIR": str(shapenet)}
        replace(wheel, environment=environment).render_in(folder, bindings, "render_multi")

    return make_once(tmp_path_factory, "audit_dirty", make) / "set"


@pytest.fixture(scope="session")
def load_once():
    """Reads each OBJ file once for all tests, which is most of an audit's time."""
    return functools.cache(model_caster.load_triangles)


@pytest.fixture
def audit(wheel: Renderer, load_once, monkeypatch: pytest.MonkeyPatch):
    """Audits a folder, all samples, and returns the checks by name."""
    monkeypatch.setattr(model_caster, "load_triangles", load_once)

    def audit(dataset_dir: Path, num_cast: int = 0) -> dict[str, Check]:
        folder = open_dataset_folder(dataset_dir.parent, dataset_dir.name)
        checks = audit_dataset(folder, Folders(wheel.data_dir), num_cast, jobs=1, is_quiet=True)
        return {check.name: check for check in checks}

    return audit


def failed(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.verdict is Verdict.FAIL}


def applied(checks: dict[str, Check]) -> set[str]:
    return {n for n, check in checks.items() if check.verdict is not Verdict.NOT_APPLICABLE}


# --- certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certified(wheel: Renderer, single: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 PNG samples with the certificate of an audit of 3 of them by rays."""
    copy = shutil.copytree(single, tmp_path_factory.mktemp("certified") / "certified")
    assert run_audit(copy, wheel.data_dir, "--certificate", "-n", "3") == 0
    return copy


@pytest.fixture
def copy(certified: Path, tmp_path: Path) -> Path:
    return shutil.copytree(certified, tmp_path / "certified")


@pytest.fixture
def verify(wheel: Renderer, capsys: pytest.CaptureFixture[str]):
    """Verifies a data set; returns the status and the lines that name differences."""

    def verify(dataset_dir: Path) -> tuple[int, list[str]]:
        capsys.readouterr()
        status = run_audit(dataset_dir, wheel.data_dir, "--verify")
        lines = capsys.readouterr().out.splitlines()
        return status, [" ".join(x.split()) for x in lines if x.startswith(("c", "m", "e"))]

    return verify


# --- models in dirty files ----------------------------------------------------------------------


def _write_box(low: np.ndarray, high: np.ndarray) -> tuple[str, list[tuple[int, ...]]]:
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    vertices = low + np.array(corners) * (high - low)
    faces = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
    return "".join("v {} {} {}\n".format(*v) for v in vertices), faces


def _write_faces(faces: list[tuple[int, ...]]) -> str:
    return "".join(f"f {' '.join(map(str, face))}\n" for face in faces)


VERTICES, FACES = _write_box(np.array([-0.2, -0.1, -0.3]), np.array([0.2, 0.1, 0.3]))
MORE_VERTICES, _ = _write_box(np.array([-0.1, 0.1, 0.0]), np.array([0.1, 0.4, 0.1]))
FAR_VERTICES, _ = _write_box(np.array([29.8, -7.1, 1.7]), np.array([30.2, -6.9, 2.3]))
SECOND_BOX = MORE_VERTICES + _write_faces([tuple(i + 8 for i in face) for face in FACES])
DIRTY = {
    "doubled": VERTICES + _write_faces(FACES) + _write_faces([f[::-1] for f in FACES]),
    "several_objects": (
        VERTICES + "o a\n" + _write_faces(FACES[:2]) + "o b\n" + _write_faces(FACES[2:])
        + "o c\n" + SECOND_BOX
    ),
    "no_mtl": "mtllib gone.mtl\n" + VERTICES + "usemtl gone\n" + _write_faces(FACES) + SECOND_BOX,
    "many_materials": (
        VERTICES + "".join(f"usemtl m{i}\n" + _write_faces([FACES[i % 6]]) for i in range(90))
    ),
    "flat_faces_and_lines": (
        "v 9 9 9\nv 9.5 9 9\nv 9.2 9 9\n" + VERTICES + "l 4 5 6\n"
        + _write_faces([(1, 2, 3), *(tuple(i + 3 for i in face) for face in FACES)])
    ),
    "far_off_center": FAR_VERTICES + _write_faces([tuple(i - 9 for i in f) for f in FACES]),
}  # fmt: skip
