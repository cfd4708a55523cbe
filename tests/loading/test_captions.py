"""Every format gives the same captions, also of data sets from before there were any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import synrender
from synrender.loading.captions import CAPTION_FIELDS
from synrender.settings.groups import Captions
from tests.archive.helpers import QuickArchiver

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.mark.parametrize("num_objs", [1, 2])
def test_all_formats_give_the_same(formats: Callable[..., dict[str, Path]], num_objs: int) -> None:
    paths = formats(24, num_objs)
    data = {form: synrender.open_dataset(path, fields=["sample_idx", *CAPTION_FIELDS])
            for form, path in paths.items()}  # fmt: skip
    found = {form: sorted(map(repr, opened)) for form, opened in data.items()}
    assert found["raw"] == found["shards"] == found["arrays"]
    assert len(set(found["raw"])) == 24


def test_resized_arrays_say_what_the_rendered_images_show(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    folder = write(24, 2, True)
    quick.run("-d", "made", "-f", "-p", "-r", 5, "-b", 5)
    found = [
        sorted(repr(sample) for sample in synrender.open_dataset(path, fields=["caption_facts"]))
        for path in (folder, folder / "data_5.h5")
    ]
    assert found[0] == found[1]
    assert "'relation'" in "".join(found[0])


def test_a_sample_has_a_caption_unless_fields_are_named(
    formats: Callable[..., dict[str, Path]],
) -> None:
    for path in formats(24).values():
        sample = synrender.open_dataset(path)[0]
        assert isinstance(sample["caption"], str)
        assert "caption_negatives" not in sample
        assert set(synrender.open_dataset(path, fields=["class"])[0]) == {"class"}


GOLDEN = {
    "before_single": {
        "short": "An airplane with a honeycombed texture.",
        "full": "An airplane with a honeycombed texture. The airplane is seen from the front. The "
        "backdrop has a marbled texture. The light comes from above.",
    },
    "before_multi": {
        "full": "Two objects: a cabinet with a cracked texture and a sofa with a sprinkled "
        "texture. The sofa is seen from the right. The cabinet is left of the sofa. The backdrop "
        "has a woven texture. The light comes from above.",
        "facts": "number: two; cabinet, texture: cracked; sofa, texture: sprinkled, seen from: the "
        "right; cabinet left of sofa; backdrop texture: woven; light from: above;",
    },
    "before_columns": {
        "full": "An airplane with a sprinkled texture. The airplane is seen from the right. The "
        "backdrop has a woven texture. The light comes from above.",
    },
}
"""Of version 1 of the patterns and rules; a change of these needs a new version."""


@pytest.mark.parametrize("name", GOLDEN)
def test_captions_of_old_data_sets_stay_as_they_are(name: str) -> None:
    data = synrender.open_dataset(FIXTURES / name)
    assert data[0]["caption"] == GOLDEN[name]["full"]
    for style, caption in GOLDEN[name].items():
        assert data.with_captions(Captions(style))[0]["caption"] == caption
    none = data.with_fields(["caption_negatives"]).with_captions(Captions(num_negatives=0))
    assert none[0]["caption_negatives"] == []
