"""Every gin parameter changes what it should and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import (
    Renderer,
    RenderServer,
    check_same_records,
    read_image,
    read_images,
    read_passes,
    read_record,
    read_records,
)

LABELS = ("instance", "material", "depth")
BASE = ("batch.num_samples = 2",)


@pytest.fixture(scope="module")
def base(server: RenderServer) -> Path:
    return server.render("base", *BASE, config="render_multi")


def render(server: RenderServer, *bindings: str) -> Path:
    name = "p" + "".join(c if c.isalnum() else "_" for c in "".join(bindings))
    return server.render(name, *BASE, *bindings, config="render_multi")


FOLLOWING = {"factor_values", "intrinsics", "lights", "world_to_camera"}
"""Fields that tell the same as others once more; tests/sampling/designs looks at them."""


def changed_fields(a: Path, b: Path) -> set[str]:
    before, after = read_records(a), read_records(b)
    names = set(before.dtype.names) - FOLLOWING
    return {n for n in names if not np.array_equal(before[n], after[n])}


def changed_passes(a: Path, b: Path) -> set[str]:
    before, after = read_passes(a, 1), read_passes(b, 1)
    return {n for n in before if not np.allclose(before[n], after[n], rtol=0, atol=1e-5)}


@pytest.mark.parametrize(
    ("binding", "fields", "passes"),
    [
        ("lighting.r = 1", {"light"}, {"rgb"}),
        ("material.color_intensity = 0.5", set(), {"rgb"}),
        ("material.use_emission = True", set(), {"rgb"}),
        ("material.use_texture = False", {"texture", "backdrop_texture"}, {"rgb"}),
        ("rendering.render_samples = 3", set(), {"rgb"}),
        ("rendering.denoise = False", set(), {"rgb"}),
        ("rendering.denoise_prefilter = 'accurate'", set(), {"rgb"}),
        ("rendering.threads = 1", set(), set()),
        ("rendering.view_transform = 'Filmic'", set(), set()),  # an EXR is linear
        ("scene.light_energy = 10", set(), {"rgb"}),
        ("scene.light_radius = 0.01", set(), {"rgb"}),
        ("scene.sun_energy = 5", set(), {"rgb"}),
        ("scene.light_distance = 3", {"light"}, {"rgb"}),
        ("scene.backdrop_size = 30", set(), {"rgb"}),
    ],
)
def test_looks_change_without_labels(
    server: RenderServer, base: Path, binding: str, fields: set[str], passes: set[str]
) -> None:
    changed = render(server, binding)
    assert changed_fields(base, changed) == fields
    assert changed_passes(base, changed) == passes


@pytest.mark.parametrize(
    ("binding", "fields"),
    [
        ("object.random_scaling = 0.2", {"scale", "obj_to_world"}),
        ("object.random_warp = 0", {"scale", "obj_to_world"}),
        (
            "object.random_viewpoint = 0.5",
            {"euler", "rot_mat", "quaternion", "obj_to_world"},
        ),
    ],
)
def test_poses_change_alone(
    server: RenderServer, base: Path, binding: str, fields: set[str]
) -> None:
    changed = render(server, binding)
    assert changed_fields(base, changed) == fields
    assert {"instance", "depth"} <= changed_passes(base, changed)


@pytest.mark.parametrize(
    "binding",
    ["scene.camera_lens = 35", "scene.camera_location = (1.2, 0, 0.4)",
     "scene.camera_rotation = (1.0, 0, 1.5707963)"],
)  # fmt: skip
def test_the_camera_moves(server: RenderServer, base: Path, binding: str) -> None:
    changed = render(server, binding)
    assert changed_fields(base, changed) <= {"location", "obj_to_world"}  # layouts stay in view
    assert {"instance", "depth", "rgb"} <= changed_passes(base, changed)


def test_the_backdrop_moves(server: RenderServer, base: Path) -> None:
    changed = render(server, "scene.backdrop_location = (-4, 0, -1.6)")
    assert changed_fields(base, changed) == set()
    before, after = read_passes(base, 0), read_passes(changed, 0)
    np.testing.assert_array_equal(before["instance"], after["instance"])
    is_backdrop = before["instance"] == 0
    assert (after["depth"][is_backdrop] > before["depth"][is_backdrop] + 0.5).all()
    np.testing.assert_array_equal(before["depth"][~is_backdrop], after["depth"][~is_backdrop])


def test_colors(server: RenderServer) -> None:
    plain = "material.use_texture = False"
    base = render(server, plain)
    for binding in (
        "material.color_variation = 0",
        "material.num_modes = 7",
        "material.use_color_ref = False",
    ):
        changed = render(server, plain, binding)
        assert changed_fields(base, changed) == {"color"}
        assert changed_passes(base, changed) == {"rgb"}


def test_color_intensity_goes_from_texture_to_color(server: RenderServer) -> None:
    """At 1 the objects look as without textures; the backdrop keeps its texture."""
    flat = "material.use_emission = True", "rendering.denoise = False"
    color = render(server, *flat, "material.color_intensity = 1")
    plain = render(server, *flat, "material.use_texture = False")
    texture = render(server, *flat)
    is_object = read_passes(plain, 0)["instance"] > 0
    inside = is_object & np.roll(is_object, 1, 0) & np.roll(is_object, -1, 0)
    inside &= np.roll(is_object, 1, 1) & np.roll(is_object, -1, 1)
    a, b, c = (read_passes(d, 0)["rgb"] for d in (color, plain, texture))
    np.testing.assert_allclose(a[inside], b[inside], atol=0.02)
    assert np.abs(a[inside] - c[inside]).mean() > 0.05
    np.testing.assert_allclose(a[0, 0], c[0, 0], atol=1e-5)


def test_emission_is_flat(server: RenderServer) -> None:
    dataset_dir = render(
        server, "material.use_emission = True", "material.use_texture = False",
        "rendering.denoise = False",
    )  # fmt: skip
    passes, record = read_passes(dataset_dir, 0), read_record(dataset_dir, 0)
    for k in range(4):
        rgb = passes["rgb"][passes["instance"] == k + 1]
        if len(rgb) > 20:
            np.testing.assert_allclose(np.median(rgb, axis=0), record["color"][k], atol=1e-4)


def test_png_agrees_with_exr(server: RenderServer) -> None:
    png = render(server, "rendering.render_exr = False")
    linear = read_passes(render(server), 0)["rgb"].astype(np.float64).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    difference = np.abs(read_image(png, 0) - np.round(srgb * 255))
    assert difference.max() <= 1


def test_view_transform_changes_a_png(server: RenderServer) -> None:
    bindings = "rendering.render_exr = False", "material.use_texture = False"
    standard = render(server, *bindings)
    filmic = render(server, *bindings, "rendering.view_transform = 'Filmic'")
    assert changed_fields(standard, filmic) == set()
    assert np.abs(read_images(standard).astype(int) - read_images(filmic)).mean() > 5


def test_which_samples(server: RenderServer) -> None:
    dataset_dir = server.render("which", "batch.num_samples = 2", "batch.idx_offset = 7")
    assert {p.stem for p in (dataset_dir / "img").iterdir()} == {"00007", "00008"}


def test_resolution(server: RenderServer) -> None:
    dataset_dir = server.render("size", "batch.num_samples = 1", "rendering.resolution = 40")
    assert read_image(dataset_dir, 0).shape == (40, 40, 3)


def test_groups_share_models(server: RenderServer) -> None:
    settings = "batch.num_samples = 6", "sample.class_idxs = 10"
    dataset_dir = server.render("groups", *settings, "batch.cache_obj_frames = 2")
    records = read_records(dataset_dir)[:, 0]
    np.testing.assert_array_equal(records["group"], [0, 0, 1, 1, 2, 2])
    models = np.char.add(records["synset_id"], records["model_id"])
    assert (models[::2] == models[1::2]).all()
    assert len(set(models)) > 1


def test_classes(server: RenderServer) -> None:
    one = "batch.cache_obj_frames = 1"
    listed = server.render("listed", one, "sample.class_idxs = [8, 3]")
    assert set(read_records(listed)["class"].ravel()) == {3, 8}
    balanced = server.render("balanced", one, "sample.class_idxs = 10", "sample.balanced = True")
    np.testing.assert_array_equal(np.bincount(read_records(balanced)["class"].ravel()), [2] * 10)
    renamed = server.render(
        "renamed", one, "sample.classes = ['03001627', 'lamp']", "sample.class_idxs = 2",
        "batch.num_samples = 6",
    )  # fmt: skip
    records = read_records(renamed).ravel()
    synset_of = {0: "03001627", 1: "03636649"}
    assert [synset_of[c] for c in records["class"]] == list(records["synset_id"])


def test_number_of_objects(server: RenderServer) -> None:
    dataset_dir = render(server, "sample.num_objs = 2")
    assert read_records(dataset_dir).shape == (2, 2)
    assert set(np.unique(read_passes(dataset_dir, 0)["instance"])) <= {0, 1, 2}


def test_buckets_have_models_of_their_own(server: RenderServer) -> None:
    dataset_dir = server.render(
        "buckets", "object.total_num_samples = 20", "object.n_buckets = 4",
        "batch.cache_obj_frames = 1",
    )  # fmt: skip
    records = read_records(dataset_dir)[:, 0]
    np.testing.assert_array_equal(records["bucket"], np.repeat(range(4), 5))
    models = [set(records["model_id"][records["bucket"] == b]) for b in range(4)]
    assert sum(map(len, models)) == len(set.union(*models))


def test_no_gpu_is_one_line(wheel: Renderer, base: Path) -> None:
    arguments = ["-g", "render_multi", "-d", "base", "-p", *BASE, "rendering.use_gpu = True"]
    quick = ["rendering.resolution = 32", "rendering.render_samples = 1", "batch.num_samples = 3"]
    output = wheel.run(*arguments, *quick)
    assert "use_gpu" in output


@pytest.fixture(scope="module")
def eevee(wheel: Renderer) -> Path:
    bindings = ("batch.num_samples = 1", "rendering.renderer = 'eevee'")
    return wheel.render("eevee", *bindings, config="render_multi")


@pytest.mark.slow
def test_eevee_has_its_own_look_and_the_labels_of_cycles(eevee: Path, base: Path) -> None:
    a, b = read_passes(eevee, 0), read_passes(base, 0)
    assert a["rgb"].std() > 0.01
    assert not np.allclose(a["rgb"], b["rgb"])
    for name in LABELS:
        np.testing.assert_array_equal(a[name], b[name])
    check_same_records(read_record(eevee, 0), read_record(base, 0))


def test_eevee_without_egl_is_one_line(wheel: Renderer, tmp_path: Path) -> None:
    """Without libEGL the wheel would abort the process."""
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes.util\nctypes.util.find_library = lambda name: None\n"
    )
    arguments = ["-d", "no_egl", "-p", "rendering.renderer = 'eevee'"]
    output = wheel.run(*arguments, status=2, PYTHONPATH=str(tmp_path))
    assert "install the package libegl1, or use 'cycles'" in output
