"""The gallery has a card for everything, and its pictures are what the commands make."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synrender.dataset.cpu_kinds import MAX_LEVELS, MAX_SHARE_BEYOND
from tools import make_gallery

CARDS = make_gallery.list_cards()


def test_the_page_is_written_from_the_cards() -> None:
    assert make_gallery.PAGE.read_text() == "\n".join(make_gallery.write_page(CARDS))


def test_each_card_has_a_picture_and_each_picture_a_card() -> None:
    paths = [card.path for cards in CARDS.values() for card in cards]
    assert len(paths) == len(set(paths))
    assert sorted(make_gallery.FOLDER.glob("*.png")) == sorted(paths)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "name"), [("Factors", "class"), ("Labels", "normal"), ("Designs", "twins")]
)
def test_pictures_are_what_the_commands_make(section: str, name: str, tmp_path: Path) -> None:
    """A card of few samples of each section; on another kind of CPU, within the bound for that."""
    (card,) = (card for card in CARDS[section] if card.name == name)
    made = np.asarray(make_gallery.draw_card(card, tmp_path).convert("RGB"), np.int16)
    with Image.open(card.path) as image:
        kept = np.asarray(image.convert("RGB"), np.int16)
    assert made.shape == kept.shape
    assert np.mean(np.abs(made - kept) > MAX_LEVELS) <= MAX_SHARE_BEYOND


def test_commands_are_what_render_takes() -> None:
    for cards in CARDS.values():
        for card in cards:
            assert re.match(r"python render\.py -d \w+ -g render_", card.command)
