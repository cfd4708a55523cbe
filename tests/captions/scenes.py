"""Scenes of boxes before a camera at the origin that looks along +Z, with Y down."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from synrender.captions.negatives import Negative, write_negatives
from synrender.captions.scene_facts import Pixels, SceneFacts, Scenery, find_facts
from synrender.captions.sentences import choose_names, write_caption
from synrender.settings.caption_styles import Style, parse_style
from synrender.settings.groups import Material, Scene
from tests.helpers import create_record

SIDE_PX = 100
CLASS_NAMES = {0: "chair", 1: "table", 2: "car", 3: "airplane"}
CAR = "02958343"
PLAIN = Scenery(
    CLASS_NAMES,
    np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]]),
    np.eye(4),
    SIDE_PX,
    Material(use_texture=False),
    Scene(),
    have_front=True,
)
RED, BLUE, GREEN = (0.7, 0.02, 0.02), (0.03, 0.06, 0.7), (0.02, 0.35, 0.02)


@dataclass(frozen=True)
class Box:
    """An object: a cube whose front is -Z of its file, and which stands at a place of the world."""

    class_id: int
    location: tuple[float, float, float]
    color: tuple[float, float, float] = RED
    side_m: float = 0.5
    texture: str = ""
    rot_mat: tuple = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def make_record(*boxes: Box) -> np.ndarray:
    """Record of some boxes, lit from the right."""
    record = create_record(len(boxes))
    record["factor_values"] = np.nan
    for row, box in zip(record, boxes, strict=True):
        row["class"], row["location"], row["color"] = box.class_id, box.location, box.color
        row["bbox"], row["scale"], row["texture"] = [[-0.5] * 3, [0.5] * 3], box.side_m, box.texture
        row["rot_mat"] = box.rot_mat
        row["obj_to_world"][:3, :3] = np.array(box.rot_mat) * box.side_m
        row["obj_to_world"][:3, 3] = box.location
        row["synset_id"] = CAR
    record["intrinsics"] = record["world_to_camera"] = np.nan
    record["light"] = np.mean([box.location for box in boxes], axis=0) + np.array([1.0, 0, 0])
    record["backdrop_color"] = GREEN
    return record


def describe(*boxes: Box, pixels: Pixels | None = None, **scenery: object) -> SceneFacts:
    """Facts of some boxes."""
    return find_facts(make_record(*boxes), pixels or Pixels(), replace(PLAIN, **scenery))


def write(facts: SceneFacts, style: str | Style = "full") -> str:
    """The caption."""
    style = parse_style(style, {}) if isinstance(style, str) else style
    return write_caption(facts, style, choose_names(facts, style))


def negate(facts: SceneFacts, num: int = 100, style: str = "full", seed: int = 0) -> list[Negative]:
    """Its negatives."""
    rng = np.random.default_rng(seed)
    return write_negatives(facts, parse_style(style, {}), tuple(CLASS_NAMES.values()), rng, num)
