"""What the audit compares labels with is right: spheres, planes and cubes in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synrender.assets.model_file import ModelFile
from synrender.audit.labels.ground_truth import Truth, create_finding, summarize
from synrender.audit.labels.surfaces import Painter, find_albedo, find_normals
from synrender.audit.measure_samples import _Examiner
from synrender.audit.models.texture import look_up, read_texture
from synrender.audit.rays.audited_dataset import open_subject
from synrender.audit.rays.model_caster import load_triangles
from synrender.audit.rays.view import HIDDEN, OUTSIDE, SEEN, RayView, find_pixel_centers
from synrender.dataset.folder import open_dataset_folder
from synrender.images.exr import read_exr
from synrender.system.folders import Folders
from tests.audit.shapes import CUBE, PLANE, write_sphere
from tests.helpers import RenderServer, write_shapenet

STILL = (
    "rendering.resolution = 64", "rendering.render_samples = 1", "object.n_buckets = 1",
    "batch.num_samples = 4", "object.total_num_samples = 4", "batch.cache_obj_frames = 4",
    "sample.class_idxs = 1", "object.random_warp = 0", "object.random_viewpoint = 0.5",
    "rendering.labels = ['normal', 'albedo', 'amodal']",
)  # fmt: skip


def render(
    server: RenderServer, folder: Path, name: str, text: str, *bindings: str
) -> list[RayView]:
    """Views of four samples of one model."""
    shapenet = write_shapenet(folder, {name: text})
    models = f"assets.models = {str(shapenet)!r}"
    server.render(f"truth_{name}", *STILL, *bindings, models, config="render_multi")
    handle = open_dataset_folder(server.data_dir, f"truth_{name}")
    examiner = _Examiner(open_subject(handle, Folders(server.data_dir, shapenet)))
    return [examiner._create_view(handle.read_record(idx)) for idx in range(4)]


def read_passes_of(view: RayView):
    return read_exr(view.subject.folder.image_path(int(view.record["sample_idx"][0])))


@pytest.fixture(scope="module")
def spheres(server: RenderServer, tmp_path_factory: pytest.TempPathFactory) -> list[RayView]:
    folder = tmp_path_factory.mktemp("spheres")
    return render(server, folder, "sphere", write_sphere(96, 48), "sample.num_objs = 4")


@pytest.fixture(scope="module")
def cubes(server: RenderServer, tmp_path_factory: pytest.TempPathFactory) -> list[RayView]:
    folder = tmp_path_factory.mktemp("cubes")
    return render(server, folder, "cube", CUBE, "sample.num_objs = 1")


@pytest.fixture(scope="module")
def planes(server: RenderServer, tmp_path_factory: pytest.TempPathFactory) -> list[RayView]:
    folder = tmp_path_factory.mktemp("planes")
    return render(server, folder, "plane", PLANE, "sample.num_objs = 1")


def find_directions(view: RayView) -> tuple[np.ndarray, np.ndarray]:
    """The camera's place, and directions to the pixels' centers, (h * w, 3), 1 m deep; world."""
    camera = view.camera
    rot_mat, shift = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
    y, x = np.mgrid[: camera.resolution, : camera.resolution] + 0.5
    focal, center = camera.intrinsics[0, 0], camera.intrinsics[0, 2]
    in_camera = np.stack([(x - center) / focal, (y - center) / focal, np.ones_like(x)], axis=-1)
    return -rot_mat.T @ shift, in_camera.reshape(-1, 3) @ rot_mat


def hit_sphere(view: RayView, row: np.void) -> np.ndarray:
    """Depths of a ball of the record's size, in closed form, (h * w,); inf: not hit."""
    origin, directions = find_directions(view)
    radius = float(row["scale"][0] * np.ptp(row["bbox"][:, 0]) / 2)
    offset = origin - row["location"]
    a = np.sum(directions**2, axis=1)
    b, c = directions @ offset, offset @ offset - radius**2
    root = b**2 - a * c
    return np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)


def angles_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    sine = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(sine, np.sum(a * b, axis=-1)))


def test_normals_of_a_sphere_point_away_from_its_center(spheres: list[RayView]) -> None:
    view = spheres[0]
    exr = read_passes_of(view)
    found = find_normals(view, find_pixel_centers(view.camera)).unit
    for k, row in enumerate(view.record, start=1):
        is_here = (view.cast.instance == k) & (exr.instance == k)
        if not is_here.any():  # hidden
            continue
        outward = view.points[is_here] - row["location"]
        outward = outward / np.linalg.norm(outward, axis=1, keepdims=True)
        expected = outward @ view.camera.world_to_camera[:3, :3].T
        assert angles_deg(found.reshape(64, 64, 3)[is_here], expected).max() < 0.2
        assert np.quantile(angles_deg(exr.normal[is_here], expected), 0.99) < 0.2


def test_masks_of_spheres_that_stand_alone_and_their_shares(spheres: list[RayView]) -> None:
    shares = []
    for view in spheres:
        exr = read_passes_of(view)
        depths = np.array([hit_sphere(view, row) for row in view.record]).reshape(-1, 64, 64)
        first = np.where(np.isfinite(depths).any(axis=0), depths.argmin(axis=0), -1)
        for k, depth_m in enumerate(depths):
            whole = np.isfinite(depth_m)
            for mask in (view.cast.is_hit_alone[k], exr.amodal[k]):
                assert (mask & whole).sum() > 0.97 * (mask | whole).sum()
            share = (first == k).sum() / whole.sum()
            seen = (view.cast.instance == k + 1).sum() / view.cast.is_hit_alone[k].sum()
            assert abs(share - seen) < 0.02
            shares.append(share)
    assert sum(0.2 < share < 0.8 for share in shares) >= 2  # some are half hidden


def test_points_of_a_tilted_plane(planes: list[RayView]) -> None:
    for view in planes:
        row = view.record[0]
        origin, directions = find_directions(view)
        normal = row["rot_mat"] @ (0, 0, 1)
        depth_m = (normal @ (row["location"] - origin)) / (directions @ normal)
        points = (origin + depth_m[:, None] * directions).reshape(64, 64, 3)
        is_here = view.cast.instance == 1
        assert is_here.sum() > 50
        assert np.abs(view.points[is_here] - points[is_here]).max() < 1e-6
        at = read_passes_of(view).depth_m[is_here]
        assert np.quantile(np.abs(at - depth_m.reshape(64, 64)[is_here]), 0.99) < 1e-3


def test_a_cube_that_moves_by_a_known_amount(cubes: list[RayView]) -> None:
    from synrender.audit.labels.flow import move_points
    from synrender.audit.mask_checks import settle

    first, other = cubes[:2]
    row, there = first.record[0], other.record[0]
    exr = read_passes_of(first)
    truth = Truth(exr, first, settle(exr, first.cast, first.record, first.cast_at), lambda _: other)
    moved = move_points(truth, other)
    is_cube = first.cast.instance == 1
    # By the record's rotation and scale about the cube's center, not by its matrix.
    own = (first.points[is_cube] - row["location"]) @ row["rot_mat"] / row["scale"]
    expected = (own * there["scale"]) @ there["rot_mat"].T + there["location"]
    assert np.abs(moved[is_cube] - expected).max() < 1e-5
    assert np.abs(moved[is_cube] - first.points[is_cube]).max() > 0.01
    np.testing.assert_allclose(moved[~is_cube], first.points[~is_cube], atol=1e-12)


def test_points_before_behind_and_beside_a_cube_are_judged(cubes: list[RayView]) -> None:
    view = cubes[0]
    camera_at, _ = find_directions(view)
    center = view.record[0]["location"]
    toward = (camera_at - center) / np.linalg.norm(camera_at - center)
    far_right = np.linalg.inv(view.camera.world_to_camera)[:3, 0] * 100
    points = np.array([center + toward, center, center - toward, center + far_right, camera_at])
    points[-1] += toward  # behind the camera
    assert view.judge(points).tolist() == [SEEN, HIDDEN, HIDDEN, OUTSIDE, OUTSIDE]


def test_the_albedo_pass_is_the_texture(cubes: list[RayView]) -> None:
    view = cubes[0]
    exr = read_passes_of(view)
    paints = Painter(view.subject).find_paints(view.record)
    found = find_albedo(view, paints, find_pixel_centers(view.camera))
    difference = np.abs(found.linear.reshape(64, 64, 3) - exr.albedo)
    assert np.quantile(difference, 0.95) < 2e-3
    assert np.ptp(exr.albedo[view.cast.instance == 1], axis=0).max() > 0.05  # it is not plain


def test_a_texture_is_mixed_between_the_centers_of_its_texels(tmp_path: Path) -> None:
    texture = np.zeros((2, 4, 3), np.uint8)
    texture[0, 1], texture[1, 3] = 200, 100
    Image.fromarray(texture).save(tmp_path / "texture.png")
    read = read_texture(tmp_path / "texture.png")
    assert read is not None
    colors = look_up(read, np.array([[1.5 / 4, 0.75], [2 / 4, 0.75], [3.5 / 4, 0.25], [0, 0.25]]))
    srgb = np.array([200, 100, 100, 50]) / 255
    assert np.allclose(colors.linear[:, 0], ((srgb + 0.055) / 1.055) ** 2.4)
    assert not colors.is_flat.any()
    Image.fromarray(texture[:, :, 0].astype(np.uint16)).save(tmp_path / "deep.png")
    deep = read_texture(tmp_path / "deep.png")
    assert deep is not None
    assert deep.dtype == np.uint16
    np.testing.assert_array_equal(deep, texture[:, :, :1].repeat(3, axis=2))


def test_corners_get_the_normals_that_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "m.obj"
    path.write_text(
        "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 0 2 0\nvn 0 0.6 -0.8\nvn 1 0 0\nvn x y z\n"
        "f 1//1 2//1 3//2 4//3\n"  # turned to the front, in the plane, not a number
        "f 4/1 3/1 2/1 1/1\n"  # at the same places as the first
        "f 1 2 2\nf 1 2 1\n"  # no area
        "f -4 -3 -2\n"
    )
    triangles, _ = load_triangles(ModelFile(path))
    corners = triangles.corners + triangles.center
    assert corners.shape == (3, 3, 3)
    by_corner = {
        tuple(at): normal
        for at, normal in zip(
            corners[1:].reshape(-1, 3).tolist(),
            triangles.normals[1:].reshape(-1, 3).tolist(),
            strict=True,
        )
    }
    assert np.allclose(by_corner[0, 0, 0], [0, -0.6, 0.8])
    assert np.allclose(by_corner[2, 2, 0], [0, 0, 1])
    assert np.allclose(by_corner[0, 2, 0], [0, 0, 1])
    assert np.allclose(triangles.normals[0], [0, 0, 1])
    assert np.allclose(triangles.face_normals, [0, 0, 1])


def test_a_quad_with_a_dent_is_cut_through_it(tmp_path: Path) -> None:
    path = tmp_path / "m.obj"
    path.write_text("v 0 0 0\nv 4 0 0\nv 1 1 0\nv 0 4 0\nf 2 3 4 1\n")
    corners = load_triangles(ModelFile(path))[0].corners
    winding = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.allclose(winding, [0, 0, 4])  # of both; the other diagonal is outside the face


def test_findings_of_samples_add_up() -> None:
    rng = np.random.default_rng(0)
    errors = [rng.exponential(size=(20, 30)), np.zeros(40), np.array([np.nan, 2.0])]
    findings = [create_finding(e, numbers={"odd": k}) for k, e in enumerate(errors)]
    summary = summarize(findings)
    every = np.concatenate([e.ravel() for e in errors])
    every[np.isnan(every)] = np.inf
    assert summary.num == len(every)
    for value, q in ((summary.median, 0.5), (summary.percentile, 0.99)):
        exact = np.quantile(every, q, method="inverted_cdf")
        assert exact <= value <= 1.024 * exact
    assert summary.largest == np.inf
    assert summary.numbers == {"odd": 3}
    nothing = summarize([create_finding(np.zeros(5)), create_finding(np.zeros(0))])
    assert (nothing.num, nothing.median, nothing.percentile, nothing.mean) == (5, 0, 0, 0)
