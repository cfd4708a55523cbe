from __future__ import annotations

import numpy as np

from synrender.report.arrangement import Arrangement, Line
from synrender.report.pictures import (
    PICTURES,
    Scale,
    class_to_color,
    flow_to_rgb,
    normals_to_rgb,
)
from synrender.report.sheet import Sheet, draw_sheet


def draw(field: str, values: np.ndarray) -> np.ndarray:
    (picture,) = [p for p in PICTURES if p.field == field]
    drawn = picture.draw(values, Scale(1, 2))
    assert drawn.dtype == np.uint8
    return drawn


def test_normals_have_the_colors_of_normal_maps() -> None:
    # OpenCV: towards the camera is -z, up is -y.
    normals = np.array([[(0, 0, -1), (1, 0, 0), (0, -1, 0), (0, 0, 0)]], np.float32)
    expected = [(128, 128, 255), (255, 128, 128), (128, 255, 128), (0, 0, 0)]
    np.testing.assert_array_equal(normals_to_rgb(normals)[0], expected)


def test_flow_is_a_color_wheel_around_white() -> None:
    unknown = (np.nan, np.nan)
    flow = np.array([[(4, 0), (-4, 0), (0, 4), (0, -4), (0, 0), unknown]], np.float32)
    right, left, down, up, none, nowhere = flow_to_rgb(flow)[0].tolist()
    assert right == [255, 0, 0]
    assert left == [0, 255, 255]
    assert down == [128, 255, 0]
    assert up == [128, 0, 255]
    assert none == [255, 255, 255]
    assert nowhere == [0, 0, 0]
    assert (flow_to_rgb(np.full((2, 2, 2), np.nan, np.float32)) == 0).all()
    assert (flow_to_rgb(np.full((2, 2, 2), 1e-7, np.float32)) > 250).all()


def test_hidden_parts_are_seen_in_the_outlines() -> None:
    masks = np.zeros((2, 9, 9), bool)
    masks[0, 1:6, 1:6] = masks[1, 3:8, 3:8] = True
    drawn = draw("amodal", masks)
    assert len({tuple(drawn[y, x]) for y, x in ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4))}) == 5
    assert tuple(drawn[1, 1]) == tuple(draw("instance_map", np.array([[1]]))[0, 0])


def test_coordinates_are_red_green_and_blue_and_empty_off_objects() -> None:
    drawn = draw("object_coordinates", np.array([[(1, 0.5, 0), (0, 0, 0)]], np.float32))
    np.testing.assert_array_equal(drawn[0, 0], (255, 128, 0))
    np.testing.assert_array_equal(drawn[0, 1], draw("occlusion", np.array([[False]]))[0, 0])


def test_pictures_of_light_and_place_use_the_whole_scale() -> None:
    shading = np.linspace(0, 3, 64).reshape(8, 8)[:, :, None].repeat(3, 2).astype(np.float32)
    drawn = draw("shading", shading)
    assert (drawn.min(), drawn.max()) == (0, 255)
    assert (draw("shading", 0 * shading) == 0).all()
    position = np.stack(np.meshgrid(np.linspace(-3, 4, 64), np.linspace(0, 9, 64)), axis=2)
    position = np.dstack([position, position[:, :, 0]])
    position[0, 0] = np.nan
    drawn = draw("world_position", position)
    assert (drawn[0, 0] == 0).all()
    assert (drawn.min(), drawn.max()) == (0, 255)
    assert (draw("albedo", np.ones((2, 2, 3), np.float32)) == 255).all()


def test_a_narrow_sheet_lists_its_classes_in_several_lines() -> None:
    """Each with its color, and none beyond the edge; captions fit their pictures."""
    ids = np.arange(1, 11).repeat(10).reshape(10, 10)
    sample = {"image": np.zeros((10, 10, 3), np.uint8), "class_map": ids}
    names = {k: f"a class of a long name {k}" for k in range(10)}
    one = Arrangement((Line("", (0,), ("",)),))
    sheet = np.asarray(draw_sheet(Sheet("name", "", one, [sample], names)))
    legend = sheet[-(9 * 20 + 28) :]
    for k in names:
        rows, columns = np.nonzero((legend == class_to_color(k)).all(axis=2))
        assert rows.size >= 100, k
        assert columns.max() < sheet.shape[1] - 10, k
    short = Sheet("name", "", one, [sample], dict.fromkeys(names, "x"))
    assert draw_sheet(short).height < len(sheet)
