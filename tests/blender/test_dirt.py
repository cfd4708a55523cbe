"""ShapeNet and DTD contain faulty files: each kind loads, or is rejected with its reason."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from tests.helpers import (
    PROJECT_DIR,
    Renderer,
    as_plain_user,
    read_image,
    read_passes,
    read_record,
    write_shapenet,
)

VERTICES = [
    (x, y, z) for x in (-0.2, 0.2) for y in (-0.1, 0.1) for z in (-0.3, 0.3)
]  # fmt: skip
FACES = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]


def lines_v(vertices: list = VERTICES) -> str:
    return "".join("v {} {} {}\n".format(*v) for v in vertices)


def lines_f(faces: list = FACES, form: str = "{}") -> str:
    return "".join("f " + " ".join(form.format(i) for i in face) + "\n" for face in faces)


def lines_vn(faces: list = FACES) -> str:
    """The normal of each face, and of its back."""
    text = ""
    for face in faces:
        a, b, c = (np.array(VERTICES[i - 1]) for i in face[:3])
        x, y, z = np.sign(np.cross(b - a, c - b)) + 0.0
        text += f"vn {x} {y} {z}\nvn {-x} {-y} {-z}\n"
    return text


BOX = lines_v() + lines_f()
REVERSED = [face[::-1] for face in FACES]
FRONTS = [lines_f([face], f"{{}}//{2 * k + 1}") for k, face in enumerate(FACES)]
BACKS = [lines_f([face], f"{{}}//{2 * k + 2}") for k, face in enumerate(REVERSED)]
ONLY_SOME_UV = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
BOX_AT = {  # the same box with faults that the loader can repair
    "doubled faces": lines_v() + lines_f() + lines_f(REVERSED),
    "normals": lines_v() + lines_vn() + "".join(FRONTS),
    "doubled faces with normals": lines_v() + lines_vn() + "".join(FRONTS + BACKS),
    "doubled faces with normals, pair by pair": (
        lines_v() + lines_vn() + "".join(a + b for a, b in zip(FRONTS, BACKS, strict=True))
    ),
    "faces turned both ways": lines_v() + lines_f(FACES[:3] + REVERSED[3:]),
    "faces turned both ways, with normals": (
        lines_v() + lines_vn() + "".join(FRONTS[:3] + BACKS[3:])
    ),
    "vertices of each face its own": (
        lines_v([VERTICES[i - 1] for face in FACES for i in face])
        + lines_f([tuple(range(4 * k + 1, 4 * k + 5)) for k in range(6)])
    ),
    "doubled vertices": (
        lines_v() + lines_f() + lines_v() + lines_f([[i + 8 for i in f] for f in REVERSED])
    ),
    "texture coordinates on some faces": (
        lines_v() + ONLY_SOME_UV + "f 1/1 2/2 4/3 3/4\n" + lines_f(FACES[1:])
    ),
    "texture coordinates far outside": (
        lines_v() + "vt -900 1e6\nvt 77 0\nvt 3 -4\nvt 5 9\n"
        + "".join(f"f {a}/1 {b}/2 {c}/3 {d}/4\n" for a, b, c, d in FACES)
    ),
    "line elements": lines_v() + "l 1 2 3\nl 4 5\n" + lines_f(),
    "zero-area faces": lines_v() + lines_f([(1, 1, 1), (1, 2, 1), (1, 2, 2), *FACES]),
    "flat zero-area face": (
        lines_v([*VERTICES, (0, 0, 0), (0.1, 0, 0), (0.05, 0, 0)]) + lines_f() + "f 9 10 11\n"
    ),
    "hundreds of groups": lines_v() + "".join(f"g part{i}\n" for i in range(300)) + lines_f(),
    "187 materials": (
        "mtllib model_normalized.mtl\n" + lines_v()
        + "".join(f"usemtl m{i}\n" + lines_f([FACES[i % 6]]) for i in range(187))
    ),
    "missing mtl": "mtllib nowhere.mtl\n" + lines_v() + "usemtl none\n" + lines_f(),
    "no usemtl": "mtllib model_normalized.mtl\n" + BOX,
    "several objects": (
        lines_v() + "o first\n" + lines_f(FACES[:2]) + "o second\n" + lines_f(FACES[2:])
    ),
    "wrong normals": (
        lines_v() + "vn 0 0 0\nvn 0 0 -1\n" + lines_f(FACES[:3], "{}//1")
        + lines_f(FACES[3:], "{}//2")
    ),
    "no newline at the end": BOX[:-1],
    "windows line ends": BOX.replace("\n", "\r\n"),
    "negative indexes": lines_v() + lines_f([[i - 9 for i in f] for f in FACES]),
    "nan in a comment": "# nan inf\n" + lines_v() + "g banana\n" + lines_f(),
    "byte order mark and latin-1": b"\xef\xbb\xbf" + BOX.encode() + b"# caf\xe9\n",
    "backslashes at the ends of lines": (
        "# C:\\models\\\n" + lines_v() + "mtllib C:\\models\\ \n" + lines_f(FACES[:1])
        + "usemtl a\\\n" + lines_f(FACES[1:]).replace("f 1 5 ", "f 1 \\ \n 5 \\\n")
    ),
    "unused vertices": (
        "v 9 9 9\n" + lines_v() + "v 9 8 9\nv 8 9 9\n"
        + lines_f([[i + 1 for i in f] for f in FACES])
        + "p 1 10\ncstype bezier\ndeg 1\ncurv 0 1 10 11\nend\n"
    ),
}  # fmt: skip
FAR = (431250, 5412300, 310)  # a place on a map, in m
PLACES = ((30, -7, 2), FAR)
MTL = (
    "newmtl m0\nKd 1 0 0\nd 0.2\nmap_Kd nowhere.png\nmap_d nowhere_else.png\n"
    + "".join(f"newmtl m{i}\nTr 0.9\nmap_Kd ../images/gone{i}.jpg\n" for i in range(1, 187))
)  # fmt: skip

REJECTED = {
    "empty": ("", "empty file"),
    "blank": ("\n\n  \n", "empty file"),
    "control characters": ("\1\2\n\3\n", "empty file"),
    "garbage": (bytes(range(256)) * 20, "binary data"),
    "text": ("hello\nworld\n", "no faces"),
    "no faces": (lines_v(), "no faces"),
    "nan": (BOX.replace("0.3", "nan"), "not finite"),
    "infinite": (BOX.replace("v 0.2", "v -inf"), "not finite"),
    "far, six digits": (
        "".join("v {:g} {:g} {:g}\n".format(*np.add(v, FAR)) for v in VERTICES) + lines_f(),
        "leave no shape",
    ),
    "one place": (lines_v([(1, 1, 1)] * 8) + lines_f(), ""),
    "no area": (lines_v([(i, 0, 0) for i in range(8)]) + lines_f(), "degenerate"),
    "cut in a vertex": (lines_v()[:-9], "truncated: ends within its vertices"),
    "cut in a face": (BOX[:-5], "truncated: ends within a face"),
    "cut in a corner": (lines_v() + "vn 0 0 1\n" + lines_f(FACES, "{}//1")[:-3], "truncated"),
    "cut before the last vertices": (
        "f 1 2 4 3\n" + lines_f(FACES[1:]) + lines_v()[:-14],
        "a face beyond the 7 vertices",
    ),
    "n" * 70: (BOX, "longer than 64"),
}

FLAT = (
    "object.n_buckets = 1", "batch.cache_obj_frames = 1", "material.use_texture = False",
    "rendering.render_exr = True", "object.random_viewpoint = 0", "rendering.denoise = False",
)  # fmt: skip


MOVED = {
    f"off center {place[0]}": lines_v([np.add(vertex, place) for vertex in VERTICES]) + lines_f()
    for place in PLACES
}


@pytest.fixture(scope="module")
def boxes(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A data set of which each sample shows another box in the same pose; the name of each."""
    texts = {"clean": BOX, **BOX_AT, **MOVED}
    ids = {f"m{k:02d}": name for k, name in enumerate(texts)}
    shapenet = write_shapenet(
        tmp_path_factory.mktemp("boxes") / "shapenet", {k: texts[name] for k, name in ids.items()}
    )
    for folder in (shapenet / "02691156").glob("*/models"):
        (folder / "model_normalized.mtl").write_text(MTL)
    sweep = ("design.kind = 'one_at_a_time'", "design.sweeps = ['model']")
    size = (
        f"design.levels = {{'model': {len(ids)}}}",
        f"batch.num_samples = {len(ids)}",
        f"object.total_num_samples = {len(ids)}",
    )
    look = ("rendering.resolution = 32", "rendering.render_samples = 8")
    renderer.run(
        *("-d", "dirt", "-p", *FLAT, *sweep, *size, *look), SYNRENDER_SHAPENET_DIR=str(shapenet)
    )
    dataset_dir = renderer.data_dir / "dirt"
    assert json.loads((dataset_dir / "dataset.json").read_text())["rejected"] == {}
    return dataset_dir, [ids[read_record(dataset_dir, k)[0]["model_id"]] for k in range(len(ids))]


@pytest.mark.parametrize("name", BOX_AT)
def test_a_dirty_file_gives_the_picture_of_a_clean_one(
    boxes: tuple[Path, list[str]], name: str
) -> None:
    dataset_dir, names = boxes
    a, b = (read_passes(dataset_dir, names.index(n)) for n in ("clean", name))
    for pass_name in ("instance", "material"):
        np.testing.assert_array_equal(a[pass_name], b[pass_name])
    np.testing.assert_allclose(a["depth"], b["depth"], atol=1e-6)
    if name != "wrong normals":  # Blender rounds the edges where a normal has no length
        np.testing.assert_allclose(a["rgb"], b["rgb"], atol=0.01)


@pytest.mark.parametrize("place", PLACES)
def test_a_box_off_center_is_centered(
    boxes: tuple[Path, list[str]], place: tuple[int, ...]
) -> None:
    dataset_dir, names = boxes
    clean, moved = names.index("clean"), names.index(f"off center {place[0]}")
    a, b = read_passes(dataset_dir, clean), read_passes(dataset_dir, moved)
    assert (a["instance"] != b["instance"]).mean() < 0.005
    np.testing.assert_allclose(a["depth"], b["depth"], atol=1e-5)
    first, record = read_record(dataset_dir, clean)[0], read_record(dataset_dir, moved)[0]
    corners = np.column_stack([VERTICES, np.ones(8)])
    moved_corners = np.add(corners, (*place, 0))
    np.testing.assert_allclose(
        moved_corners @ record["obj_to_world"].T, corners @ first["obj_to_world"].T, atol=1e-8
    )


def test_what_cannot_be_used_is_rejected_with_its_reason(
    renderer: Renderer, tmp_path: Path
) -> None:
    """All bad models and one good one: the run goes on, and every sample shows the good one."""
    models = {name: text for name, (text, _) in REJECTED.items()}
    shapenet = write_shapenet(tmp_path / "shapenet", {**models, "good": BOX})
    (shapenet / "02691156" / "no models folder").mkdir()
    (shapenet / "02691156" / "no obj" / "models").mkdir(parents=True)
    arguments = ["-d", "rejected", "-p", *FLAT, "batch.num_samples = 40"]
    arguments += ["rendering.resolution = 8", "rendering.render_samples = 1"]
    output = renderer.run(*arguments, SYNRENDER_SHAPENET_DIR=str(shapenet))
    dataset_dir = renderer.data_dir / "rejected"
    rejected = json.loads((dataset_dir / "dataset.json").read_text())["rejected"]
    expected = {f"02691156/{n}": reason for n, (_, reason) in REJECTED.items()}
    expected |= {"02691156/no models folder": "no OBJ", "02691156/no obj": "no OBJ"}
    assert set(rejected) == set(expected)
    for name, reason in expected.items():
        assert reason in rejected[name], name
        assert f"rejected {name}: {rejected[name]}" in output
    for idx in range(40):
        assert read_record(dataset_dir, idx)[0]["model_id"] == "good"


def test_a_bucket_without_a_usable_model_is_one_clear_line(
    renderer: Renderer, tmp_path: Path
) -> None:
    shapenet = write_shapenet(tmp_path / "shapenet", {"a": "", "b": lines_v()})
    arguments = ["-d", "hopeless", "-p", *FLAT, "batch.num_samples = 2"]
    output = renderer.run(*arguments, status=2, SYNRENDER_SHAPENET_DIR=str(shapenet))
    assert "too few of its 2 models can be used" in output
    assert "Traceback" not in output
    # The remedy that it names works.
    assert "mend or add some, or lower object.n_buckets, and start again with --overwrite" in output
    (shapenet / "02691156/a/models/model_normalized.obj").write_text(BOX)
    renderer.run("--overwrite", *arguments, SYNRENDER_SHAPENET_DIR=str(shapenet))


def test_replacement_is_the_next_candidate_of_the_same_bucket(
    wheel: Renderer, tmp_path: Path
) -> None:
    """Rejecting a model does not change the samples that did not show it."""
    models = {f"m{i}": BOX for i in range(6)}
    bindings = [*FLAT, "batch.num_samples = 12", "object.n_buckets = 2"]
    bindings += ["object.total_num_samples = 12", "rendering.resolution = 8"]
    records = []
    for name, texts in (("all_good", models), ("one_bad", {**models, "m1": "", "m4": ""})):
        shapenet = write_shapenet(tmp_path / name, texts)
        wheel.run("-d", name, "-p", *bindings, SYNRENDER_SHAPENET_DIR=str(shapenet))
        records.append([read_record(wheel.data_dir / name, i)[0] for i in range(12)])
    assert any(r["model_id"] in ("m1", "m4") for r in records[0])
    for idx, (before, after) in enumerate(zip(*records, strict=True)):
        if before["model_id"] in ("m1", "m4"):
            bucket = ("m0", "m2") if idx < 6 else ("m3", "m5")
            assert after["model_id"] in bucket
        else:
            assert after.tobytes() == before.tobytes()  # unknown values are NaN


# --- normals ------------------------------------------------------------------------------------

READ_NORMALS = """
import os, sys
from pathlib import Path
import numpy as np
from synrender.assets.model_file import ModelFile
from synrender.blender.objects import load_model
mesh = load_model(ModelFile(Path(sys.argv[1])), "model").mesh
normals = np.empty(3 * len(mesh.loops), np.float32)
mesh.corner_normals.foreach_get("vector", normals)
np.save(sys.argv[2], normals.reshape(-1, 3))
os._exit(0)
"""


def test_normals_of_a_file_arrive(tmp_path: Path) -> None:
    """Blender's importer rounds them by up to 0.003."""
    rng = np.random.Generator(np.random.PCG64(0))
    normals = rng.normal(size=(64, 3)) * 0.3 + [0, 0, 1]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    path = tmp_path / "model" / "models" / "model_normalized.obj"
    path.parent.mkdir(parents=True)
    lines = [f"v {x} {y} {0.1 * x * y}" for y in range(8) for x in range(8)]
    lines += [f"vn {x:.6f} {y:.6f} {z:.6f}" for x, y, z in normals]
    corners = [(k, k + 1, k + 9, k + 8) for k in range(1, 56) if k % 8]
    lines += ["f " + " ".join(f"{c}//{c}" for c in face) for face in corners]
    path.write_text("\n".join(lines) + "\n")
    subprocess.run(
        [sys.executable, "-c", READ_NORMALS, str(path), str(tmp_path / "normals.npy")],
        cwd=PROJECT_DIR,
        check=True,
        capture_output=True,
    )
    triangles = np.array(corners)[:, [0, 1, 2, 0, 2, 3]]
    expected = normals[triangles.reshape(-1) - 1]
    np.testing.assert_allclose(np.load(tmp_path / "normals.npy"), expected, atol=0.005)


# --- textures -----------------------------------------------------------------------------------


def to_png(width: int, height: int, kind: int, *chunks: bytes) -> bytes:
    """A PNG of 8 bits with correct checksums."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c))
        for c in (header, *chunks, b"IEND")
    )


def write_bad_images(folder: Path) -> list[str]:
    """Writes images that no decoder can read, and whose end is correct; returns their names."""
    rng = np.random.Generator(np.random.PCG64(1))
    iio.imwrite(folder / "whole.jpg", rng.integers(0, 255, (40, 50, 3), np.uint8))
    data = (folder / "whole.jpg").read_bytes()
    at = data.index(b"\xff\xc0")
    damaged = {
        "twelve_bits.jpg": data[: at + 4] + b"\x0c" + data[at + 5 :],
        "no_height.jpg": data[: at + 5] + bytes(2) + data[at + 7 :],
        "no_frame.jpg": data[: at + 1] + b"\xe0" + data[at + 2 :],
        "no_tables.jpg": data.replace(b"\xff\xdb", b"\xff\xe0"),
        "no_components.jpg": data[: at + 9] + b"\x00" + data[at + 10 :],
        "table_9.jpg": data[: at + 12] + b"\x09" + data[at + 13 :],
        "two_components.jpg": data[: at + 9] + b"\x02" + data[at + 10 :],
        "255_components.jpg": data[: at + 9] + b"\xff" + data[at + 10 :],
        "sampling_0.jpg": data[: at + 11] + b"\x00" + data[at + 12 :],
        "sampling_5.jpg": data[: at + 11] + b"\x55" + data[at + 12 :],
        "vast.jpg": data[: at + 5] + b"\xff" * 4 + data[at + 9 :],
        "no_data.png": to_png(20, 20, 2),
        "no_palette.png": to_png(20, 20, 3, b"IDAT" + zlib.compress(bytes(20 * 21))),
        "wide.png": to_png(1 << 31, 1, 2, b"IDAT" + zlib.compress(bytes(1000))),
    }
    for name, content in damaged.items():
        (folder / name).write_bytes(content)
    return list(damaged)


def write_textures(folder: Path) -> dict[str, str]:
    """Writes a DTD folder with good and bad textures; returns the bad ones with their reasons."""
    images = folder / "images" / "mixed"
    images.mkdir(parents=True)
    rng = np.random.Generator(np.random.PCG64(0))
    large = np.kron(rng.integers(0, 255, (73, 48, 3), np.uint8), np.ones((48, 48, 1), np.uint8))
    iio.imwrite(images / "large.jpg", large[:2336, :3504])
    iio.imwrite(images / "large2.jpg", large.transpose(1, 0, 2)[:2336, :3504])
    iio.imwrite(images / "gray.jpg", rng.integers(0, 255, (40, 50), np.uint8))
    iio.imwrite(images / "gray.png", rng.integers(0, 255, (40, 50), np.uint8))
    iio.imwrite(images / "one.png", np.full((1, 1, 3), 200, np.uint8))
    iio.imwrite(images / "one_gray.jpg", np.full((1, 1), 90, np.uint8))
    iio.imwrite(images / "rgba.png", rng.integers(0, 255, (20, 20, 4), np.uint8))
    bad_images = write_bad_images(images)
    for name in ("cut.jpg", "cut.png"):
        iio.imwrite(images / name, rng.integers(0, 255, (64, 64, 3), np.uint8))
        data = (images / name).read_bytes()
        (images / name).write_bytes(data[: len(data) // 2])
    (images / "empty.jpg").touch()
    (images / "text.jpg").write_text("not an image")
    (images / "folder.jpg").mkdir()
    bad = {
        "mixed/cut.jpg": "truncated",
        "mixed/cut.png": "truncated",
        "mixed/empty.jpg": "empty",
        "mixed/text.jpg": "not an image",
        "mixed/folder.jpg": "",
        "mixed/missing.jpg": "No such file",
        **{f"mixed/{name}": "" for name in bad_images},
    }
    names = {f"mixed/{p.name}" for p in images.iterdir()} | set(bad)
    (folder / "labels").mkdir()
    (folder / "labels" / "labels_joint_anno.txt").write_text("".join(f"{n} mixed\n" for n in names))
    return bad


def test_textures(renderer: Renderer, tmp_path: Path) -> None:
    bad = write_textures(tmp_path / "dtd")
    arguments = ["-d", "textures", "-p", "batch.num_samples = 24", "rendering.resolution = 16"]
    arguments += ["rendering.denoise = False", "material.use_emission = True"]
    renderer.run(*arguments, SYNRENDER_DTD_DIR=str(tmp_path / "dtd"))
    dataset_dir = renderer.data_dir / "textures"
    rejected = json.loads((dataset_dir / "dataset.json").read_text())["rejected"]
    assert set(rejected) == set(bad)
    for name, reason in bad.items():
        assert reason in rejected[name]
    used = set()
    for idx in range(24):
        record = read_record(dataset_dir, idx)[0]
        used |= {str(record["texture"]), str(record["backdrop_texture"])}
        magenta = (read_image(dataset_dir, idx) == [255, 0, 255]).all(axis=-1)
        assert not magenta.any()
        if record["backdrop_texture"] == "mixed/one.png":
            np.testing.assert_array_equal(read_image(dataset_dir, idx)[0, 0], 200)
    assert not used & set(bad)
    assert len(used) >= 7


@pytest.mark.timeout(120)
def test_pipes_devices_and_bombs_are_rejected_and_replaced(
    renderer: Renderer, tmp_path: Path
) -> None:
    """Also where an OBJ file names them: no byte of what it names is opened."""
    named = "mtllib pipe.mtl\nmtllib /dev/zero\nusemtl a\n" + BOX
    models = {"good": named, "pipe": "", "zero": "", "locked": "", "corners": BOX, "sparse": ""}
    models["corners"] += "f " + " ".join(str(k % 8 + 1) for k in range(20_000)) + "\n"
    shapenet = write_shapenet(tmp_path / "shapenet", models)
    paths = {m: shapenet / "02691156" / m / "models" / "model_normalized.obj" for m in models}
    for name in ("pipe", "zero", "locked"):
        paths[name].unlink()
    os.mkfifo(paths["pipe"])
    os.mkfifo(paths["good"].with_name("pipe.mtl"))
    paths["zero"].symlink_to("/dev/zero")
    paths["locked"].symlink_to(paths["locked"])  # cannot be read, even by root
    with paths["sparse"].open("wb") as file:
        file.truncate(3 << 30)
    images = tmp_path / "dtd" / "images" / "a"
    images.mkdir(parents=True)
    for name in ("1.png", "2.png"):
        iio.imwrite(images / name, np.full((4, 4, 3), 99, np.uint8))
    os.mkfifo(images / "pipe.jpg")
    (images / "zero.jpg").symlink_to("/dev/zero")
    bomb = to_png(60_000, 60_000, 2, b"IDAT" + zlib.compress(bytes(1000)))
    (images / "bomb.png").write_bytes(bomb)
    names = [f"a/{n}" for n in ("1.png", "2.png", "pipe.jpg", "zero.jpg", "bomb.png")]
    (tmp_path / "dtd" / "labels").mkdir()
    (tmp_path / "dtd" / "labels" / "labels_joint_anno.txt").write_text(" a\n".join(names) + " a\n")
    arguments = ["-d", "traps", "-p", "object.n_buckets = 1", "batch.cache_obj_frames = 1"]
    arguments += ["batch.num_samples = 20", "rendering.resolution = 8", "sample.class_idxs = 1"]
    renderer.run(
        *arguments, "rendering.render_samples = 1",
        SYNRENDER_SHAPENET_DIR=str(shapenet), SYNRENDER_DTD_DIR=str(tmp_path / "dtd"),
    )  # fmt: skip
    rejected = json.loads((renderer.data_dir / "traps" / "dataset.json").read_text())["rejected"]
    assert set(rejected) == {*(f"02691156/{m}" for m in models if m != "good"), *names[2:]}
    assert "20000 corners" in rejected["02691156/corners"]
    assert "60000 x 60000 px" in rejected["a/bomb.png"]


def test_a_model_that_may_not_be_read_is_rejected_and_a_class_is_one_line(
    wheel: Renderer, tmp_path: Path
) -> None:
    plain = dataclasses.replace(wheel, prefix=as_plain_user())
    shapenet = write_shapenet(tmp_path / "shapenet", {"good": BOX, "locked": BOX})
    places = {"model": shapenet / "02691156/locked", "class": shapenet / "02691156"}
    arguments = ["-p", *FLAT, "batch.num_samples = 6", "rendering.resolution = 8"]
    for name, place in places.items():
        place.chmod(0)
        try:
            output = plain.run(
                *("-d", f"locked_{name}", *arguments),
                status=0 if name == "model" else 2,
                SYNRENDER_SHAPENET_DIR=str(shapenet),
            )
        finally:
            place.chmod(0o700)
        assert "Permission denied" in output
        assert output.count("\n") <= 2, output
        assert "Traceback" not in output
