"""The page of error lines has every line of the code, as users see it, and says what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from synrender.assets.textures import list_textures
from synrender.errors import UserError
from synrender.sampling.work_shard import parse_work_shard
from synrender.settings.load import load_settings
from tests.helpers import PROJECT_DIR

sys.path.insert(0, str(PROJECT_DIR / "docs"))
import reference_pages
from error_lines import ADVICE, MISTAKE, find_advice

PAGE = "\n".join(reference_pages.write_errors())
SOURCES = sorted((PROJECT_DIR / "synrender").rglob("*.py"))
LINES = [line for room in reference_pages.ROOMS for line in reference_pages.find_room_lines(room)]


def find_literals(text: str) -> list[str]:
    """The words between the quotation marks of each exception's text, but for values in braces."""
    found = []
    for call in re.finditer(
        r"\b(?:UserError|RejectedAsset|CutShort)\(\s*((?:f?\"[^\"]*\"\s*)+)", text
    ):
        joined = "".join(re.findall(r"f?\"([^\"]*)\"", call[1]))
        found.append(re.sub(r"\{\{(.*?)\}\}", r"{\1}", joined))
    return found


def test_every_text_in_the_code_is_on_the_page() -> None:
    """Found here in another way: as text between quotation marks."""
    literals = [text for path in SOURCES for text in find_literals(path.read_text())]
    assert len(literals) > 200
    for literal in literals:
        pieces = re.split(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", literal)
        longest = max((" ".join(piece.split()) for piece in pieces), key=len)
        if len(longest.split()) > 1:
            assert longest.strip(" '\"") in PAGE, literal


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: load_settings(["render_single"], ["batch.sed = 3"]),
        lambda: load_settings(["render_single"], ["rendering.labels = ['depht']"]),
        lambda: load_settings(
            ["render_single"], ["object.n_buckets = 13", "object.total_num_samples = 12"]
        ),
        lambda: load_settings(["no_such_file"]),
        lambda: list_textures(Path("no/such/folder")),
        lambda: parse_work_shard("3/2"),
    ],
)
def test_lines_that_users_meet_are_on_the_page(mistake: Callable[[], object]) -> None:
    with pytest.raises(UserError) as caught:
        mistake()
    shown = [re.split(r"<[^>]*>", line.text) for line in LINES]
    patterns = [".*".join(map(re.escape, parts)) for parts in shown]
    assert any(re.fullmatch(pattern, str(caught.value)) for pattern in patterns), caught.value


def test_every_mistake_says_what_to_do() -> None:
    mistakes = [line for line in LINES if line.kind == MISTAKE]
    advice = {find_advice(line) for line in mistakes}
    assert advice >= set(ADVICE.values())  # none is left over


def test_every_room_is_on_its_page() -> None:
    rooms = {path.parent.name for path in (PROJECT_DIR / "synrender").glob("*/__init__.py")}
    assert set(reference_pages.ROOMS) == rooms
    silent = {room for room in rooms if not any(reference_pages.find_room_lines(room))}
    assert rooms - silent <= {*reference_pages.TITLES, "captions", "crashes"}
