"""True captions pass; each false statement fails, and so does a negative that is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import synrender
from synrender.audit.captions.grammar import Grammar, find_difference
from synrender.audit.captions.run import CaptionChecker, CaptionFindings, check_captions
from synrender.audit.captions.truth import Scene
from synrender.audit.mask_checks import settle
from synrender.audit.rays.audited_dataset import open_subject
from synrender.audit.rays.model_caster import ModelCaster
from synrender.audit.rays.view import RayView
from synrender.dataset.folder import open_dataset_folder
from synrender.images.exr import read_exr
from synrender.settings.caption_styles import STYLES, parse_style
from synrender.settings.caption_words import RELATIONS, SIZES
from synrender.settings.groups import Captions
from synrender.system.folders import Folders
from tests.audit.conftest import failed
from tests.helpers import Renderer, RenderServer

SETTINGS = (
    "rendering.resolution = 64", "rendering.labels = ['amodal', 'albedo']", "sample.num_objs = 3",
    "batch.num_samples = 6", "object.total_num_samples = 6", "object.n_buckets = 1",
    "batch.cache_obj_frames = 1", "object.random_viewpoint = 0.4", "object.random_scaling = 0.3",
    "lighting.r = 1", "material.color_intensity = 0.8", "material.use_color_ref = False",
    "captions.num_negatives = 20",
)  # fmt: skip
TURNED = {
    "number": (r"^\w+ objects", "Nine objects"),
    "class": (r"\b(airplane|bench|cabinet|chair|lamp|sofa|table|vessel|motorcycle)\b", "car"),
    "color": (r"\b(green|blue|turquoise|purple)\b", "orange"),
    "texture": (r"with an? [\w-]+ texture", "with a scaly texture"),
    "size": (r"\b(large|small)\b", lambda match: SIZES[match[0]]),
    "view": (r"seen from the right", "seen from the left"),
    "relation": (
        rf"\b({'|'.join(word for word, other in RELATIONS.items() if other)})\b",
        lambda match: RELATIONS[match[0]],
    ),
    "backdrop": (r"backdrop has an? [\w-]+", "backdrop has a scaly"),
    "light": (r"comes from the (left|right)", "comes from below"),
}
"""What falsifies a fact, the first time it is said."""


@pytest.fixture(scope="module")
def captioned(server: RenderServer) -> Path:
    return server.render("audit_captions", *SETTINGS, config="render_multi")


@pytest.fixture(scope="module")
def scenes(captioned: Path, wheel: Renderer) -> list[tuple[Scene, Grammar]]:
    """All samples as rays see them."""
    folder = open_dataset_folder(captioned.parent, captioned.name)
    subject = open_subject(folder, Folders(wheel.data_dir))
    checker, found = CaptionChecker(subject), []
    for idx in folder.list_samples().pairs:
        record = folder.read_record(idx)
        casters = {str(f): ModelCaster(f, None) for f in map(subject.model_file, record)}
        view = RayView(subject, record, subject.find_camera(record), casters)
        exr = read_exr(folder.image_path(idx), subject.camera.resolution)
        found.append(checker.prepare(view, settle(exr, view.cast, record, view.cast_at).rows))
    return found


@pytest.fixture(scope="module")
def samples(captioned: Path) -> list[dict]:
    fields = ["caption", "caption_negatives", "caption_negative_kinds"]
    return list(synrender.open_dataset(captioned, fields=fields))


def pair(sample: dict) -> list[tuple[str, str]]:
    return list(zip(sample["caption_negatives"], sample["caption_negative_kinds"], strict=True))


def test_true_captions_pass_in_all_formats(captioned: Path, multi: Path, audit) -> None:
    """Without the label albedo, colors and textures count as not checked."""
    for folder in (captioned, multi):
        checks = audit(folder)
        assert failed(checks) == set(), checks["captions"].culprits
        figures = checks["captions"].figures
        numbers = re.match(r"checked (\d+) of (\d+) statements .* and (\d+) of (\d+) neg", figures)
        assert numbers is not None
        checked, statements, rejected, negatives = map(int, numbers.groups())
        (faults,) = checks["captions"].measures
        assert faults.num == checked + rejected > 60
        if folder == captioned:
            assert (checked, rejected) == (statements, negatives)
        else:
            assert checked < statements
            assert rejected < negatives
            assert figures.endswith("the rest is color and texture, which only albedo shows")


@pytest.mark.parametrize("kind", TURNED)
def test_a_false_statement_fails(scenes, samples: list[dict], kind: str) -> None:
    num = 0
    for (scene, grammar), sample in zip(scenes, samples, strict=True):
        false = re.sub(*TURNED[kind], sample["caption"], count=1)
        if false != sample["caption"]:
            num += 1
            assert check_captions(scene, grammar, false, []).culprits, (false, sample["caption"])
    assert num


def test_what_cannot_be_read_fails(scenes, samples: list[dict]) -> None:
    caption = samples[0]["caption"]
    for other in (f"{caption} It rains.", caption.replace("objects", "things"), "A unicorn."):
        (culprit,) = check_captions(*scenes[0], other, []).culprits
        assert "cannot be read" in culprit


def test_a_negative_that_is_true_fails(scenes, samples: list[dict]) -> None:
    """The negative is taken for the caption, so that the caption is its negative."""
    num = 0
    for (scene, grammar), sample in zip(scenes, samples, strict=True):
        for negative, kind in pair(sample):
            found = check_captions(scene, grammar, negative, [(sample["caption"], kind)])
            assert any(f"negative {kind!r} is true" in text for text in found.culprits), negative
            num += 1
    assert num > 60


def test_a_negative_differs_in_the_one_fact_that_it_names(scenes, samples: list[dict]) -> None:
    (scene, grammar), sample = scenes[0], samples[0]
    (first, kind), (second, other) = pair(sample)[:2]
    caption = sample["caption"]

    def check(*negative: str) -> CaptionFindings:
        return check_captions(scene, grammar, caption, [(negative[0], negative[1])])

    assert check(first, kind).culprits == ()
    assert f"{other!r} differs in {kind!r}" in check(first, other).culprits[0]
    assert "it differs in 0 facts" in check(caption, kind).culprits[0]
    found = check_captions(scene, grammar, first, [(second, other)])
    assert any("it differs in 2 facts" in text for text in found.culprits)


# --- reading without rays -------------------------------------------------------------------------

CAPTION = (
    "Two objects: a red chair and a small blue table with a banded texture. The chair is seen from "
    "the left. The chair is left of the table. The backdrop is green. The light comes from above."
)


def create_grammar(style: str = "full", **patterns: str) -> Grammar:
    return Grammar(
        parse_style(style, patterns), ["chair", "table", "armchair"], ["banded", "dotted"]
    )


def test_what_a_caption_says() -> None:
    said = create_grammar().read(CAPTION)
    assert (said.number, said.light, said.backdrop["color"]) == (2, "above", "green")
    assert said.objects[1] == {
        "size": "small", "color": "blue", "class": "table", "texture": "banded"
    }  # fmt: skip
    assert said.views == (({"class": "chair"}, "the left"),)
    assert said.relations == (({"class": "chair"}, "left of", {"class": "table"}),)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("Two", "Three", "number"),
        ("The chair is left of the table", "The table is left of the chair", "relation"),
        ("left of", "right of", "relation"),
        ("green", "red", "backdrop"),
        ("above", "below", "light"),
        ("small", "large", "size"),
        ("the left. The", "the right. The", "view"),
        ("a red chair and a small blue table", "a blue chair and a small red table", "swap_color"),
    ],
)
def test_the_difference_of_two_captions(old: str, new: str, kind: str) -> None:
    grammar = create_grammar()
    other = CAPTION.replace(old, new, 1)
    assert find_difference(grammar.read(CAPTION), grammar.read(other)) == kind
    both = grammar.read(other.replace("banded texture.", "dotted texture."))
    with pytest.raises(ValueError, match=r"[23] facts"):
        find_difference(grammar.read(CAPTION), both)


def test_an_exchange_of_names_follows_from_one_of_looks() -> None:
    grammar = create_grammar()
    text = "Two objects: a {} chair and a {} chair. The {} chair is left of the {} chair."
    a, b = (
        grammar.read(text.format(*words)) for words in (["red", "blue"] * 2, ["blue", "red"] * 2)
    )
    assert find_difference(a, b) == "swap_color"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_can_be_read(style: str, samples: list[dict], captioned: Path) -> None:
    data = synrender.open_dataset(captioned, fields=["caption"]).with_captions(Captions(style))
    classes = [name.split(",")[0] for name in data.class_names.values()]
    textures = re.findall(r"([\w-]+) texture", " ".join(s["caption"] for s in samples))
    grammar = Grammar(parse_style(style, {}), classes, textures)
    assert all(grammar.read(sample["caption"]).num_statements > 3 for sample in data)
