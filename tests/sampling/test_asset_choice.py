from __future__ import annotations

import itertools

from synrender.sampling.sample_plan import AssetChoice

CANDIDATES = tuple("abcdefg")


def test_places_share_nothing_and_are_filled_as_long_as_there_is_enough() -> None:
    for num_places, num_bad in itertools.product(range(1, 5), range(8)):
        choices = [AssetChoice(CANDIDATES, k, num_places) for k in range(num_places)]
        for bad in itertools.combinations(CANDIDATES, num_bad):
            found = [choice.find(lambda c, bad=bad: c not in bad) for choice in choices]
            shown = [c for c in found if c is not None]
            assert len(set(shown)) == len(shown) == min(num_places, 7 - num_bad)
            assert not set(bad) & set(shown)
            kept = [c for c, choice in zip(found, choices, strict=True) if choice.first == c]
            assert kept == [choice.first for choice in choices if choice.first not in bad]


def test_only_what_may_be_shown_is_tried() -> None:
    tried = []
    AssetChoice(CANDIDATES, 1, 3).find(lambda c: tried.append(c) or c == "e")
    assert tried == ["b", "e"]
