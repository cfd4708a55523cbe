"""Sentences follow their patterns; negatives differ in one fact and are false."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from synrender.captions.negatives import SWAPPED, write_negatives
from synrender.errors import UserError
from synrender.settings.caption_styles import STYLES, parse_style
from synrender.settings.load import load_settings, settings_to_gin
from tests.captions.scenes import BLUE, CLASS_NAMES, GREEN, RED, Box, describe, negate, write

CHAIR, TABLE = Box(0, (-0.6, 0, 2), RED, 0.4), Box(1, (0.6, 0, 2), BLUE, 0.45)
AIRPLANE = Box(3, (0, -0.7, 2), GREEN, 0.3, "dotted/dotted_0001.jpg")


@pytest.mark.parametrize(
    ("style", "caption"),
    [
        ("short", "Two objects: a blue table and a red chair."),
        (
            "full",
            "Two objects: a blue table and a small red chair. The table is seen from the front. "
            "The chair is seen from the front. The table is right of the chair. The backdrop is "
            "green. The light comes from the right.",
        ),
        (
            "facts",
            "number: two; table, color: blue, seen from: the front; chair, size: small, color: "
            "red, seen from: the front; table right of chair; backdrop color: green; light from: "
            "the right;",
        ),
    ],
)
def test_the_caption_of_each_style(style: str, caption: str) -> None:
    assert write(describe(CHAIR, TABLE), style) == caption


def test_one_object_needs_no_number_and_a_vowel_gets_an() -> None:
    assert write(describe(AIRPLANE), "short") == "An airplane with a dotted texture."


def test_equal_objects_are_told_apart_or_not_spoken_of() -> None:
    two = write(describe(CHAIR, Box(0, (0.6, 0, 2), BLUE, 0.45)))
    assert "The blue chair is right of the red chair." in two
    same = write(describe(CHAIR, Box(0, (0.6, 0, 2), RED, 0.4)))
    assert "is right of" not in same
    assert "seen from" not in same
    unknown = write(describe(CHAIR, Box(0, (0.6, 0, 2), RED, 0.45, "banded/a.jpg")))
    assert "The red chair" not in unknown  # the other one may be red, too


# --- negatives ------------------------------------------------------------------------------------


def test_each_kind_of_negative() -> None:
    found = {n.kind: n.text for n in negate(describe(CHAIR, TABLE), 9)}
    assert set(found) == {
        *("number", "class", "color", "size", "view", "relation", "backdrop", "light"),
        "swap_color",
    }
    caption = write(describe(CHAIR, TABLE))
    assert found["relation"] == caption.replace("right of", "left of")
    assert found["light"] == caption.replace("from the right", "from the left")
    assert found["size"] == caption.replace("small", "large")
    assert found["swap_color"] == caption.replace("blue", "?").replace("red", "blue").replace(
        "?", "red"
    )
    assert found["number"] == caption.replace("Two objects: ", "Three objects, among them ")


def test_the_text_alone_does_not_show_that_a_number_is_false() -> None:
    """No more objects are named than there are said to be."""
    facts = describe(CHAIR, TABLE, AIRPLANE)
    for style in STYLES:
        (negative,) = [n.text for n in negate(facts, style=style) if n.kind == "number"]
        assert re.search(r"four( objects, among them|, of which) ", negative, re.I)
    some = replace(facts, num_seen=5, are_all_named=False)
    texts = [n.text for n in negate(some, style="short") if n.kind == "number"]
    assert {text.split(",")[0] for text in texts} == {"Four objects", "Six objects"}
    own = parse_style("short", {"scene": "[{number} things: ]{objects}."})  # it cannot be said
    rng, classes = np.random.default_rng(0), tuple(CLASS_NAMES.values())
    assert "number" not in {n.kind for n in write_negatives(facts, own, classes, rng, 100)}


def test_negatives_follow_from_the_random_stream_alone() -> None:
    facts = describe(CHAIR, TABLE)
    assert negate(facts, 4) == negate(facts, 4)
    assert negate(facts, 4) != negate(facts, 4, seed=1)
    texts = [n.text for n in negate(facts)]
    assert len(set(texts)) == len(texts)


def test_a_negative_that_another_object_makes_true_is_dropped() -> None:
    """A red and a blue chair that exchange their colors are a blue and a red one."""
    chairs = describe(CHAIR, Box(0, (0.6, 0, 2), BLUE, 0.4))
    swapped = [n for n in negate(chairs) if n.kind == "swap_color"]
    assert swapped == []
    one = describe(Box(0, (0, 0, 2), (0.3, 0.1, 0.03)))
    possible = one.objects[0].color.possible or ()
    assert {"orange", "brown"} <= set(possible)
    colors = " ".join(n.text for n in negate(one) if n.kind == "color")
    assert "blue" in colors
    assert not re.search("|".join(possible), colors.replace("The backdrop is green", ""))


def test_sides_that_meet_are_both_seen_perhaps() -> None:
    """Two chairs that exchange their textures are the same two, seen from sides that meet."""
    turned = ((0, 0, 1), (0, 1, 0), (-1, 0, 0))
    chairs = describe(
        replace(CHAIR, texture="banded/a.jpg"),
        Box(0, (0.6, 0, 2), RED, 0.4, "dotted/a.jpg", turned),
    )
    assert [found.view for found in chairs.objects] == ["the front", "the right"]
    assert "swap_texture" not in {n.kind for n in negate(chairs)}


def test_only_textures_that_look_different_are_false() -> None:
    banded = Box(0, (0, 0, 2), RED, 0.4, "banded/banded_0001.jpg")
    texts = " ".join(n.text for n in negate(describe(banded)) if n.kind == "texture")
    assert "dotted" in texts
    assert not re.search("striped|lined|grooved", texts)


def test_swapping_needs_two_objects() -> None:
    assert not {n.kind for n in negate(describe(CHAIR))} & {f"swap_{name}" for name in SWAPPED}


@pytest.mark.parametrize("style", STYLES)
def test_a_negative_has_the_words_of_the_caption_but_for_one_or_an_exchange(style: str) -> None:
    """Without any model of language: the texts are compared word by word."""
    facts = describe(CHAIR, TABLE, AIRPLANE)
    caption = re.findall(r"[\w-]+", write(facts, style).lower())
    for negative in negate(facts, style=style):
        text = re.sub("among them |of which ", "", negative.text)  # not all are named
        words = re.findall(r"[\w-]+", text.lower())
        assert len(words) == len(caption), negative
        pairs = [{a, b} for a, b in zip(caption, words, strict=True) if a != b]
        changed = {frozenset(pair) for pair in pairs if pair != {"a", "an"}}
        assert len(changed) == 1, (negative, changed)


# --- patterns of a user ---------------------------------------------------------------------------


def test_a_file_of_patterns_is_a_style_of_its_own(tmp_path) -> None:
    path = tmp_path / "own.gin"
    path.write_text(
        "captions.style = 'full'\n"
        "captions.patterns = {'object': '{class}[ ({color})]', 'view': '', 'backdrop': '',\n"
        "    'join': [' + ', ' + '], 'light': 'Licht: {light}.', 'name': ['{color} {class}']}\n"
    )
    captions = load_settings([str(path)]).captions
    style = parse_style(captions.style, captions.patterns)
    assert write(describe(CHAIR, TABLE), style) == (
        "Two objects: table (blue) + chair (red). Blue table is right of red chair. Licht: the "
        "right."
    )
    again = tmp_path / "again.gin"
    again.write_text(settings_to_gin(load_settings([str(path)])))
    assert load_settings([str(again)]).captions == captions


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ("{'lite': 'x {light}'}", "'lite' is none of scene, object.*did you mean 'light'"),
        ("{'light': 'From {ligth}.'}", r"may name {light}, not {ligth}.*did you mean 'light'"),
        ("{'light': 'From the sun.'}", "must name {light} outside of brackets"),
        ("{'relation': '[{subject} ]is {relation} {object}.'}", "must name {subject} outside"),
        ("{'object': 'a [{color} [{size}]] {class}'}", r"must close each '\[' before the next"),
        ("{'object': 'a {class} [{color}'}", r"must close its '\['"),
        ("{'object': 'a {class} [red]'}", "brackets without a name in braces"),
        ("{'object': 'a {class} {'}", "may name {size}"),
        ("{'object': ''}", "must name {class}"),
        ("{'join': ', '}", "must be two texts"),
        ("{'light': ['a {light}', 'b {light}']}", "must be one text"),
        ("{'light': 3}", "must be text"),
        ("'x'", "must be a dictionary"),
    ],
)
def test_a_bad_pattern_is_one_line(patterns: str, words: str) -> None:
    with pytest.raises(UserError, match=f"captions.patterns = .*{words}") as error:
        load_settings([], [f"captions.patterns = {patterns}"])
    assert "\n" not in str(error.value)


def test_all_styles_say_the_same_kinds_of_things() -> None:
    for a, b in itertools.pairwise(STYLES.values()):
        assert a.keys() == b.keys()
