"""Words of captions: named colors, sizes, sides, relations and families of textures.

The captions choose among these words, and the audit checks each choice by code of its own.
"""

from __future__ import annotations

NAMED_COLORS = {
    "red": ("#e02020", "#a01010", "#ff5040", "#600818", "#b00838"),
    "orange": ("#ff8000", "#d06a10", "#ffa850"),
    "yellow": ("#ffff00", "#e0d020", "#fff59a", "#c8b400"),
    "green": ("#00a000", "#40d040", "#106010", "#a0e0a0", "#80a020", "#507850", "#a0ff60"),
    "turquoise": ("#00c8c0", "#008888", "#70e8e0", "#a0f0e0", "#004850"),
    "blue": ("#2040e0", "#101070", "#5090ff", "#90c0f0", "#406890", "#00d0ff", "#d0e4ff"),
    "purple": ("#8020c0", "#501070", "#b070e0", "#c8b0f0", "#805080", "#c010f0"),
    "pink": ("#ff60c0", "#ffb0d0", "#e03090", "#d080a0", "#ff8c84", "#f4dcd8"),
    "brown": ("#804010", "#603010", "#a06840", "#502810", "#c8a070", "#c49484"),
    "beige": ("#e8d8bc", "#f0e6d0"),
    "black": ("#000000", "#202020"),
    "gray": ("#808080", "#585858", "#a8a8a8", "#404040", "#d0d0d0"),
    "white": ("#ffffff", "#f0f0f0"),
}
"""sRGB of examples of each color. A color has the name of the example that is nearest by
CIEDE2000."""

MULTICOLORED = "multicolored"

SIZES = {"small": "large", "large": "small"}
"""Each with its opposite, as in the tables below."""

VIEWS = {
    **{"the front": "the back", "the back": "the front"},
    **{"the left": "the right", "the right": "the left"},
    **{"above": "below", "below": "above"},
}
"""Sides of an object from which it is seen; left and right are the object's own."""

LIGHTS = {
    **{"the left": "the right", "the right": "the left"},
    **{"above": "below", "below": "above"},
    **{"the front": "behind", "behind": "the front"},
}
"""Where light comes from, as the camera sees it."""

HIDDEN = "partly hidden by"
RELATIONS = {
    **{"left of": "right of", "right of": "left of"},
    **{"in front of": "behind", "behind": "in front of"},
    HIDDEN: "",  # two objects can hide parts of each other
}

BACKDROP, GROUND = "backdrop", "ground"
"""What the plane behind or below the objects is called."""

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
"""Larger numbers are written in digits."""

_FAMILIES = (
    ("banded", "striped", "lined", "grooved", "pleated", "stratified", "zigzagged", "wrinkled"),
    ("dotted", "polka-dotted", "sprinkled", "flecked", "freckled", "studded", "bubbly", "bumpy"),
    ("perforated", "pitted", "potholed", "porous", "honeycombed"),
    ("chequered", "grid", "crosshatched", "meshed", "waffled", "interlaced", "woven"),
    ("knitted", "braided", "lacelike", "gauzy", "frilly", "fibrous", "matted"),
    ("cobwebbed", "cracked", "veined", "marbled", "crystalline"),
    ("blotchy", "smeared", "stained"),
    ("swirly", "spiralled", "paisley"),
    ("scaly",),
)
TEXTURE_FAMILIES = {word: k for k, family in enumerate(_FAMILIES) for word in family}
"""Words of DTD, by groups that look alike: what is banded may well be called striped, too. A
negative never takes another word of the same group."""
