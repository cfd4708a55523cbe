"""The built-in demo set: its layout, its meshes, its textures, and how it is created."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from synrender.assets import demo
from synrender.assets.demo import shapes, textures, writer
from synrender.assets.demo.writer import ModelPart
from synrender.errors import UserError

MODELS_SHA256 = "cdb49cbaf343dfdbe1a3266a9f5ac9bfd728410da0cb3999d2b2ab8a124477d0"
"""Of the names and SHA-256 of all files below ShapeNetCore.v2, as version 2 has had them always."""


@pytest.fixture(scope="module")
def root(data_dir: Path) -> Path:
    """A complete demo set."""
    return (data_dir / "demo_assets").resolve()


@pytest.fixture(scope="module")
def obj_paths(root: Path) -> list[Path]:
    return sorted((root / "ShapeNetCore.v2").glob("*/*/models/model_normalized.obj"))


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Vertices (V, 3) and normals (N, 3) of the whole file, and faces (F, 4) of each group."""
    vertices, normals, groups, normal_idx = [], [], [], []
    for line in path.read_text(encoding="ascii").splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            vertices.append(np.fromstring(rest, sep=" "))
        elif word == "vn":
            normals.append(np.fromstring(rest, sep=" "))
        elif word == "g":
            groups.append([])
        elif word == "f":
            corners = [corner.split("//") for corner in rest.split()]
            normal_idx += [int(normal) - 1 for _, normal in corners]
            face = [int(vertex) - 1 for vertex, _ in corners]
            groups[-1].append(face + [-1] * (4 - len(face)))
    assert min(normal_idx) >= 0
    assert max(normal_idx) < len(normals)
    points = np.array(vertices)
    return points, np.array(normals), [np.array(faces) for faces in groups]


def read_png(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 of an RGB PNG file whose rows use only the filters none, sub and up."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, color_type = struct.unpack(">IIBB", data[16:26])
    assert (depth, color_type) == (8, 2)
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        packed += body[4:] if body[:4] == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 3 * width)
    assert np.all(rows[:, 0] == 2)
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 3)


def test_models_lie_in_shapenets_layout(root: Path):
    shapenet_dir = root / "ShapeNetCore.v2"
    taxonomy = json.loads((shapenet_dir / "taxonomy.json").read_text())
    assert len(taxonomy) == 10
    assert {entry["synsetId"]: entry["name"] for entry in taxonomy}["02958343"].startswith("car,")
    folders = {path.name for path in shapenet_dir.iterdir() if path.is_dir()}
    assert folders == {entry["synsetId"] for entry in taxonomy}
    for entry in taxonomy:
        model_dirs = list((shapenet_dir / entry["synsetId"]).iterdir())
        assert len(model_dirs) == entry["numInstances"] == demo.NUM_MODELS_PER_CLASS
        for model_dir in model_dirs:
            assert len(model_dir.name) == 32
            int(model_dir.name, 16)
            names = {path.name for path in (model_dir / "models").iterdir()}
            assert names == {"model_normalized.obj", "model_normalized.mtl"}


def test_no_two_models_are_alike(obj_paths: list[Path]):
    vertices = set()
    for path in obj_paths:
        lines = path.read_text().splitlines()
        vertices.add(hash(tuple(line for line in lines if line.startswith("v "))))
    assert len(vertices) == len(obj_paths) == 240


def test_every_model_is_centered_with_diagonal_one_and_has_unit_normals(obj_paths: list[Path]):
    for path in obj_paths[::8]:
        vertices, normals, groups = read_obj(path)
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        np.testing.assert_allclose(low + high, 0.0, atol=3e-6, err_msg=str(path))
        assert np.linalg.norm(high - low) == pytest.approx(1.0, abs=1e-5), path
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=2e-3)
        used = np.unique(np.concatenate([faces[faces >= 0] for faces in groups]))
        np.testing.assert_array_equal(used, np.arange(len(vertices)), err_msg=str(path))


def test_the_files_are_those_of_version_2_to_the_byte(root: Path):
    folder = root / "ShapeNetCore.v2"
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()} {found}\n".encode())
    assert demo.DEMO_VERSION == 2
    assert total.hexdigest() == MODELS_SHA256


def test_a_box_has_flat_normals_that_look_outward():
    corners = np.array([(x, y, z) for x in (0, 3) for y in (0, 2) for z in (0, 1)], float)
    faces = np.array(
        [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    )
    text = writer.parts_to_obj([ModelPart("box", "wood", corners, faces)])
    normals = {line[3:] for line in text.splitlines() if line.startswith("vn ")}
    axes = {"1.000 0.000 0.000", "0.000 1.000 0.000", "0.000 0.000 1.000"}
    assert {normal.replace("-", "") for normal in normals} == axes
    assert len(normals) == 6


def test_textures_lie_in_dtds_layout_and_differ(root: Path):
    lines = (root / "dtd/labels/labels_joint_anno.txt").read_text().splitlines()
    assert lines == sorted(lines)
    labels = dict(line.split(" ") for line in lines)
    on_disk = {str(path.relative_to(root / "dtd/images")) for path in root.glob("dtd/images/*/*")}
    assert set(labels) == on_disk
    assert len(labels) >= 60
    assert len(set(labels.values())) >= 12
    seen = set()
    for name, kind in labels.items():
        assert name.startswith(f"{kind}/{kind}_")
        image = read_png(root / "dtd/images" / name)
        seen.add(image.tobytes())
        assert image.mean(axis=2).std() > 8.0, f"{name} has hardly any contrast"
        middle = image[[s // 2 + d for s in image.shape[:1] for d in range(-20, 20)]]
        assert middle.mean(axis=2).std() > 6.0, f"the middle of {name} is plain"
    assert len(seen) == len(labels)


def test_textures_are_made_with_the_same_bytes_again(root: Path):
    """One of each kind."""
    for kind_number, kind in enumerate(textures.KINDS):
        number = kind_number % textures.NUM_TEXTURES_PER_KIND
        again = textures.encode_png(textures.make_texture(kind_number, number))
        path = root / "dtd" / "images" / kind / f"{kind}_{number + 1:04d}.png"
        assert path.read_bytes() == again, path


def test_a_second_call_writes_nothing(root: Path, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in root.parent.rglob("*")}
    monkeypatch.setattr(demo, "write_models", None)
    assert demo.ensure_demo(root) == (root / "ShapeNetCore.v2", root / "dtd")
    assert {path: path.stat().st_mtime_ns for path in root.parent.rglob("*")} == before


@pytest.fixture
def quick(monkeypatch):
    """Replaces the slow generation: writes one small file for each half of the set."""

    def write(folder: Path, *_: int) -> None:
        folder.mkdir(parents=True)
        (folder / "file").write_text("new")

    monkeypatch.setattr(demo, "write_models", write)
    monkeypatch.setattr(demo, "write_textures", write)


@pytest.mark.usefixtures("quick")
def test_a_generation_that_dies_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    def fail(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo, "write_textures", fail)
        with pytest.raises(KeyboardInterrupt):
            demo.ensure_demo(tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
    shapenet_dir, dtd_dir = demo.ensure_demo(tmp_path / "set")
    assert (shapenet_dir / "file").exists()
    assert (dtd_dir / "file").exists()


@pytest.mark.usefixtures("quick")
def test_an_older_version_is_replaced(tmp_path: Path):
    shapenet_dir, _ = demo.ensure_demo(tmp_path / "set")
    (shapenet_dir / "file").write_text("old")
    (tmp_path / "set" / "version").write_text("0\n")
    demo.ensure_demo(tmp_path / "set")
    assert (shapenet_dir / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.usefixtures("quick")
def test_a_set_that_another_process_finished_first_is_kept(tmp_path: Path, monkeypatch):
    write_textures = demo.write_textures

    def lose_the_race(folder: Path) -> None:
        write_textures(folder)
        monkeypatch.setattr(demo, "write_textures", write_textures)
        shapenet_dir, _ = demo.ensure_demo(tmp_path / "winner")
        (shapenet_dir / "file").write_text("winner")
        (tmp_path / "winner").rename(tmp_path / "set")

    monkeypatch.setattr(demo, "write_textures", lose_the_race)
    shapenet_dir, _ = demo.ensure_demo(tmp_path / "set")
    assert (shapenet_dir / "file").read_text() == "winner"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.usefixtures("quick")
def test_a_folder_of_the_users_is_never_replaced(tmp_path: Path):
    precious = tmp_path / "set" / "ShapeNetCore.v2"
    precious.mkdir(parents=True)
    (precious / "file").write_text("precious")
    with pytest.raises(UserError, match="no demo set"):
        demo.ensure_demo(tmp_path / "set")
    assert (precious / "file").read_text() == "precious"


# --- shapes ---------------------------------------------------------------------------------------


def test_shapes_are_closed_round_where_they_should_be_and_of_their_size(tmp_path: Path) -> None:
    demo.ensure_shapes(tmp_path / "shapes")
    lines = (tmp_path / "shapes" / "models.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 20
    for name in ("cube", "cylinder", "sphere"):
        points, normals, quads = shapes.SHAPES[name]()
        corners = points[quads]
        outwards = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
        assert ((outwards * normals[quads].mean(axis=1)).sum(axis=1) > 0).all()
        volume = (outwards * corners.mean(axis=1)).sum() / 6
        half = 0.5**0.5 if name == "cube" else 1
        exact = {"cube": 2**1.5, "cylinder": 2 * np.pi, "sphere": 4 / 3 * np.pi}[name]
        assert volume == pytest.approx(exact, rel=0.01)  # edges are round, and circles polygons
        np.testing.assert_allclose(np.abs(points).max(axis=0), half, rtol=1e-3)
        if name == "sphere":
            np.testing.assert_allclose(points, normals, atol=1e-12)
        text = (tmp_path / "shapes" / name / f"{name}_07.obj").read_text()
        assert text.count("\nf ") == len(quads)
