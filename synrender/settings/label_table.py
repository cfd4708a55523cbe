"""The table of labels that a data set can hold besides instance, class and depth.

Most labels are derived from the depth, the masks and the poses of an EXR (`synrender.labels`), so
they take no time to render. Five need passes of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

PASSES = ("normal", "albedo", "roughness", "metallic", "amodal")
"""What is rendered; see `synrender.blender.label_passes`."""


@dataclass(frozen=True)
class Label:
    """One row of the table."""

    name: str
    meaning: str  # with unit and space
    fields: tuple[str, ...]  # by which `synrender.open_dataset` gives it
    passes: tuple[str, ...] = ()  # of PASSES: those that it is made of


LABELS = {
    label.name: label
    for label in (
        Label(
            "normal",
            "unit vector of the surface as drawn, camera space: x right, y down, z forward",
            ("normal",),
            ("normal",),
        ),
        Label("albedo", "scene-linear RGB of the surface without light", ("albedo",), ("albedo",)),
        Label(
            "shading", "scene-linear RGB of the image over the albedo", ("shading",), ("albedo",)
        ),
        Label(
            "roughness",
            "how rough the surface is: 0 a mirror, 1 matt",
            ("roughness",),
            ("roughness",),
        ),
        Label(
            "metallic", "whether the surface is metal: 0 not, 1 is", ("metallic",), ("metallic",)
        ),
        Label(
            "amodal",
            "mask of each object as if it stood alone, and the share of it that is seen",
            ("amodal", "visible_share"),
            ("amodal",),
        ),
        Label(
            "object_coordinates",
            "point in the model's box, 0 to 1 (normalized object coordinates, NOCS)",
            ("object_coordinates",),
        ),
        Label("world_position", "point in the world, m", ("world_position",)),
        Label("box_2d", "box around what is seen of each object, px", ("box_2d",)),
        Label("box_2d_amodal", "box around each whole object, px", ("box_2d_amodal",), ("amodal",)),
        Label(
            "box_3d",
            "corners of each model's box: world and camera, m, and in the image, px",
            ("box_3d_world_m", "box_3d_camera_m", "box_3d_px"),
        ),
        Label("flow", "where each point is in the partner of a sample, px", ("flow", "flow_to")),
        Label(
            "occlusion",
            "points that the partner of a sample does not see",
            ("occlusion", "flow_to"),
        ),
        Label(
            "keypoints",
            "corners, center and face centers of each box, and points that the user names",
            ("keypoint_px", "keypoint_world_m", "keypoint_visibility"),
        ),
    )
}
"""By name, in the order of documents and pictures."""


def find_passes(labels: Collection[str]) -> tuple[str, ...]:
    """Passes that have to be rendered for some labels, in the order of `PASSES`."""
    needed = {name for label in labels for name in LABELS[label].passes}
    return tuple(name for name in PASSES if name in needed)


def list_possible(labels: Collection[str]) -> list[str]:
    """Labels that EXR files rendered for some labels can give: all but those that lack a pass."""
    rendered = find_passes(labels)
    return [name for name, label in LABELS.items() if set(label.passes) <= set(rendered)]


def list_fields(labels: Collection[str]) -> list[str]:
    """Names of the fields of some labels, in the order of the table."""
    chosen = [label for name, label in LABELS.items() if name in labels]
    return list(dict.fromkeys(field for label in chosen for field in label.fields))
