"""A sequence that was rendered: as rows of indexes, as tracks, as a strip, and in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import synrender
from synrender.dataset.design_words import describe_drawn
from synrender.errors import UserError
from synrender.labels.coordinates import project, to_camera
from synrender.report.arrangement import Arrangement, Line
from synrender.report.page import ShownAudit, write_report
from synrender.report.pictures import find_pictures, find_scale
from synrender.report.sheet import Sheet, draw_sheet
from tests.helpers import RenderServer, read_records
from tests.report.test_contact_sheet import enlarge, find_tile

LENGTH = 4


@pytest.fixture(scope="module")
def sequences(server: RenderServer) -> Path:
    return server.render(
        "sequences", "rendering.render_exr = True",
        "rendering.labels = ['keypoints']", "object.n_buckets = 3",
        "object.total_num_samples = 24", "batch.num_samples = 24", "design.kind = 'sequence'",
        f"design.length = {LENGTH}",
        "design.paths = {'azimuth': ('turn', 1), 'scale': ('linear', 0.6, 1)}",
        "design.distributions = {'light_angle': ('uniform', -1, 1)}",
    )  # fmt: skip


def test_sequences_are_rows_of_samples_in_order(sequences: Path) -> None:
    data = synrender.open_dataset(sequences)
    found = data.sequences()
    np.testing.assert_array_equal(found, np.arange(24).reshape(6, LENGTH))
    scales = data.factor_columns["scale"][found]
    np.testing.assert_allclose(scales, np.tile(np.linspace(0.6, 1, LENGTH), (6, 1)))
    test = synrender.open_dataset(sequences, "test")
    np.testing.assert_array_equal(test.sequences(), np.arange(8).reshape(2, LENGTH))


def test_a_sequence_that_lacks_a_sample_is_left_out(sequences: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(sequences, tmp_path / "copy")
    (copy / "img" / "00005.npy").unlink()
    data = synrender.open_dataset(copy)
    found = data.sequences()
    assert found.shape == (5, LENGTH)
    idxs = data.read_column("sample_idx")[found]
    np.testing.assert_array_equal(idxs[:, 0], [0, 8, 12, 16, 20])


def test_keypoints_become_tracks(sequences: Path) -> None:
    data = synrender.open_dataset(sequences)
    tracks = data.tracks(data.sequences()[2])
    num_points = len(data.keypoint_names)
    assert tracks["keypoint_px"].shape == (LENGTH, 1, num_points, 2)
    assert tracks["keypoint_visibility"].shape == (LENGTH, 1, num_points)
    center = data.keypoint_names.index("center")
    world_m = tracks["keypoint_world_m"][:, 0]
    np.testing.assert_allclose(world_m[:, center], world_m[:1, center] * np.ones((LENGTH, 1)))
    sizes = np.linalg.norm(world_m[:, 0] - world_m[:, 7], axis=-1)
    np.testing.assert_allclose(sizes / sizes[0], np.linspace(0.6, 1, LENGTH) / 0.6, rtol=1e-5)
    for k, record in enumerate(read_records(sequences)[8:12, 0]):
        in_camera = to_camera(world_m[k], record["world_to_camera"])
        expected = project(in_camera, record["intrinsics"])
        np.testing.assert_allclose(tracks["keypoint_px"][k, 0], expected, atol=1e-3)


def test_tracks_need_keypoints(rendered_single: Path) -> None:
    data = synrender.open_dataset(rendered_single)
    assert data.sequences().size == 0
    with pytest.raises(UserError, match=r"has no keypoint_px; render it with rendering.labels"):
        data.tracks([0])


@pytest.mark.parametrize(("fields", "num_lines"), [(["image"], 1), (None, 2)])
def test_a_sheet_begins_a_line_with_each_sequence(
    sequences: Path, fields: list[str] | None, num_lines: int
) -> None:
    """All of it is in one line, or in several lines of equal length where labels leave no room."""
    data = synrender.open_dataset(sequences, fields=fields, nothing_hit=np.inf)
    samples = [data[idx] for idx in range(12)]
    starts = range(0, 12, LENGTH)
    lines = (Line("", tuple(range(k, k + LENGTH)), ("",) * LENGTH) for k in starts)
    sheet = np.asarray(draw_sheet(Sheet("s", "", Arrangement(tuple(lines)), samples, {})))
    image, scale = find_pictures(samples[0])[0], find_scale(samples)
    places = [find_tile(sheet, enlarge(image.draw(s[image.field], scale)))[0] for s in samples]
    lefts = [x for _, x in places]
    for start in starts:
        own = places[start : start + LENGTH]
        assert len({y for y, _ in own}) == num_lines
        assert lefts[start] == min(lefts)
    assert places == sorted(places)


def test_the_report_shows_strips_and_says_what_moves(sequences: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(synrender.open_dataset(sequences), path, 12, ShownAudit(None, "not audited"))
    text = path.read_text()
    assert '<h2 id="twins-title">Sequences</h2>' in text
    assert "Ordered samples of one scene, in which only this moves" in text
    assert "differ in scale, azimuth" in text
    assert f"--members: {LENGTH}" in text
    assert "uniform from -1 to 1 rad" in text
    assert "in equal steps from 0.6 to 1" in text


def test_what_a_user_set_is_told_in_words(sequences: Path) -> None:
    told = describe_drawn(synrender.open_dataset(sequences).info.design)
    assert told == {
        "light_angle": "uniform from -1 to 1 rad", "azimuth": "a full turn",
        "scale": "in equal steps from 0.6 to 1",
    }  # fmt: skip
