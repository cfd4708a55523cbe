"""Facts are said where they hold with a margin, and not otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synrender.captions.scene_facts import MAX_NAMED, Pixels, find_facts
from synrender.settings.factor_table import COLUMNS
from synrender.settings.groups import Material, Scene
from tests.captions.scenes import BLUE, PLAIN, RED, Box, describe, make_record, write

LEFT, RIGHT = Box(0, (-0.6, 0, 2), RED), Box(1, (0.6, 0, 2), BLUE)
NEAR, FAR = Box(0, (0, 0, 2), RED), Box(1, (0.1, 0, 4), BLUE, 0.6)


def find_relations(*boxes: Box, pixels: Pixels | None = None) -> list[tuple[str, str, str]]:
    facts = describe(*boxes, pixels=pixels)
    names = [found.class_name for found in facts.objects]
    return [(names[r.subject], r.word, names[r.object]) for r in facts.relations]


def see(*boxes: tuple[int, int, int, int], hidden: np.ndarray | None = None) -> Pixels:
    """What masks of these boxes say."""
    box_px = np.array(boxes)
    return Pixels((box_px[:, 2:] - box_px[:, :2]).prod(axis=1), box_px, hidden)


def test_boxes_beside_each_other() -> None:
    assert find_relations(LEFT, RIGHT) == [("chair", "left of", "table")]
    assert find_relations(RIGHT, LEFT) == [("table", "right of", "chair")]
    assert find_relations(replace(LEFT, location=(-0.05, 0, 2)), RIGHT) == [
        ("table", "right of", "chair")  # the larger one in the image comes first
    ]
    touching = replace(LEFT, location=(0.1, 0, 2)), replace(RIGHT, location=(0.62, 0, 2))
    assert find_relations(*touching) == []


def test_masks_may_reach_to_each_others_middle() -> None:
    overlapping = [(10, 20, 50, 60), (34, 20, 80, 60)]
    assert find_relations(LEFT, RIGHT, pixels=see(*overlapping)) == [("table", "right of", "chair")]
    assert find_relations(LEFT, RIGHT, pixels=see((10, 20, 57, 60), (34, 20, 80, 60))) == []


def test_depth_decides_between_boxes_that_overlap() -> None:
    pixels = see((30, 30, 70, 70), (40, 30, 72, 60))
    assert find_relations(NEAR, FAR, pixels=pixels) == [("chair", "in front of", "table")]
    assert find_relations(FAR, NEAR, pixels=pixels) == [("table", "behind", "chair")]
    same_depth = NEAR, replace(FAR, location=(0.1, 0, 2.4))
    assert find_relations(*same_depth, pixels=pixels) == []


def test_what_hides_a_part_of_another_object() -> None:
    pixels = see((30, 30, 70, 70), (40, 30, 72, 60), hidden=np.array([[0, 0], [0.4, 0]]))
    assert find_relations(NEAR, FAR, pixels=pixels) == [("table", "partly hidden by", "chair")]
    for hidden in ([[0, 0.01], [0.4, 0]], [[0, 0.4], [0.01, 0]]):  # each hides some of the other
        mutual = replace(pixels, hidden=np.array(hidden))
        assert find_relations(NEAR, FAR, pixels=mutual) == [("chair", "in front of", "table")]
    little = replace(pixels, hidden=np.array([[0, 0], [0.1, 0]]))
    assert find_relations(NEAR, FAR, pixels=little) == [("chair", "in front of", "table")]


def test_an_object_in_doubt_is_not_named_and_leaves_the_number_open() -> None:
    facts = describe(LEFT, RIGHT, pixels=see((10, 20, 50, 60), (90, 90, 92, 92)))
    assert [o.class_name for o in facts.objects] == ["chair"]
    assert [o.class_name for o in facts.others] == ["table"]
    assert (facts.num_seen, write(facts, "short")) == (0, "A red chair.")
    hidden = describe(LEFT, RIGHT, pixels=see((10, 20, 50, 60), (0, 0, 0, 0)))
    assert (hidden.num_seen, hidden.others) == (1, ())


def test_without_masks_only_what_nothing_covers_is_named() -> None:
    facts = describe(NEAR, FAR)
    assert [o.class_name for o in facts.objects] == ["chair"]
    assert facts.num_seen == 0
    assert describe(replace(LEFT, location=(-1.1, 0, 2))).objects == ()  # mostly out of the frame
    assert describe(replace(LEFT, location=(-3, 0, 2))).others == ()
    assert describe(replace(LEFT, location=(0, 0, 0.1))).objects == ()  # around the camera


def test_the_largest_objects_of_many_are_named() -> None:
    boxes = [(10 * k, 10, 10 * k + 10, 20 + k) for k in range(MAX_NAMED + 2)]
    facts = describe(*[LEFT] * len(boxes), pixels=see(*boxes))
    assert [o.instance for o in facts.objects] == [8, 7, 6, 5, 4, 3]
    assert write(facts, "short").startswith("Eight objects, among them a red chair, ")


@pytest.mark.parametrize(
    ("side_m", "depth_m", "size"),
    [(0.75, 1.2, "large"), (0.75, 5, ""), (0.5, 1.2, ""), (0.35, 2, "small"), (0.35, 0.7, "")],
)
def test_sizes_hold_in_the_world_and_in_the_image(side_m: float, depth_m: float, size: str) -> None:
    assert describe(Box(0, (0, 0, depth_m), RED, side_m)).objects[0].size == size


@pytest.mark.parametrize(
    ("euler_deg", "view"),
    [
        ((0, 0, 0), "the front"), ((0, 180, 0), "the back"), ((0, 45, 0), ""),
        ((90, 0, 0), "below"), ((-90, 0, 0), "above"),
        ((0, 90, 0), "the right"), ((0, -90, 0), "the left"),
    ],
)  # fmt: skip
def test_views_of_models_whose_front_is_known(euler_deg: tuple, view: str) -> None:
    """The camera is at -Z of the object: its front, unless the object is turned."""
    rot_mat = Rotation.from_euler("xyz", euler_deg, degrees=True).as_matrix()
    box = Box(2, (0, 0, 2), rot_mat=tuple(map(tuple, rot_mat)))
    assert describe(box).objects[0].view == view
    assert describe(box, have_front=False).objects[0].view == ""


def test_views_need_a_class_that_has_a_front() -> None:
    record = make_record(Box(2, (0, 0, 2)))
    record["synset_id"] = "04379243"  # table
    assert find_facts(record, Pixels(), PLAIN).objects[0].view == ""


@pytest.mark.parametrize(
    ("direction", "light"),
    [
        ((1, 0, 0), "the right"), ((-1, 0.3, 0), "the left"), ((0, -1, 0.2), "above"),
        ((0.1, 0, 1), "behind"), ((0, 0, -1), "the front"), ((1, -1, 0), ""), ((0, 1, 0), "below"),
    ],
)  # fmt: skip
def test_where_the_light_comes_from(direction: tuple, light: str) -> None:
    record = make_record(LEFT)
    record["light"] = np.array(LEFT.location) + 1.5 * np.array(direction)
    assert find_facts(record, Pixels(), PLAIN).light == light
    for name, value in (("num_lights", 2), ("light_energy", 5)):
        other = record.copy()
        other["factor_values"][:, COLUMNS.index(name)] = value
        assert find_facts(other, Pixels(), PLAIN).light == ""
    record["environment"] = "sunset"
    assert find_facts(record, Pixels(), PLAIN).light == ""


def test_a_texture_hides_the_color_unless_the_albedo_is_known() -> None:
    textured = replace(LEFT, texture="banded/banded_0002.jpg")
    (found,) = describe(textured).objects
    assert (found.texture, found.color.name, found.color.possible) == ("banded", "", None)
    albedo = [np.tile(BLUE, (50, 1))]
    (found,) = describe(textured, pixels=replace(see((10, 10, 50, 50)), albedo=albedo)).objects
    assert (found.texture, found.color.name) == ("banded", "blue")
    (plain,) = describe(textured, material=Material(color_intensity=1)).objects
    assert (plain.texture, plain.color.name) == ("", "red")
    (own,) = describe(LEFT, material=Material(source="own")).objects
    assert own.color.name == ""


def test_in_colored_light_no_color_is_named() -> None:
    record = make_record(LEFT)
    record["factor_values"][:, [COLUMNS.index(f"light_color_{c}") for c in "rgb"]] = 1, 0.4, 0.1
    facts = find_facts(record, Pixels(), PLAIN)
    assert (facts.objects[0].color.name, facts.backdrop_color.name) == ("", "")
    dark = make_record(LEFT)
    dark["factor_values"][:, COLUMNS.index("exposure")] = -3
    assert find_facts(dark, Pixels(), PLAIN).objects[0].color.name == ""


def test_the_ground_is_called_so() -> None:
    assert "The backdrop is green." in write(describe(LEFT))
    assert "The ground is green." in write(describe(LEFT, scene=Scene(ground=True)))


def test_facts_are_values_for_json() -> None:
    assert describe(LEFT, RIGHT).to_values() == {
        "number": 2,
        "objects": [
            {"instance": 1, "class": "chair", "color": "red", "view": "the front"},
            {"instance": 2, "class": "table", "color": "blue", "view": "the front"},
        ],
        "relations": [{"subject": 1, "relation": "left of", "object": 2}],
        "backdrop": {"color": "green"},
        "light": "the right",
    }
