"""Which model or texture is shown, whatever turns out to be unusable."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class AssetChoice:
    """One of several places that are filled from the same candidates, each with another one.

    Such places are the backdrop and the objects of a sample, the levels of a factor, and twins.
    What a place shows depends on the candidates that can be used, and on nothing else: not on the
    order in which samples are rendered, and not on what other factors do.
    """

    candidates: tuple[str, ...] = ()  # in the order in which they are tried; none: nothing is shown
    place: int = 0
    num_places: int = 1  # at most as many as candidates

    @property
    def first(self) -> str:
        """What is shown if it can be used."""
        return self.candidates[self.place]

    def find(self, is_usable: Callable[[str], bool]) -> str | None:
        """The candidate that is shown; None if there are not enough.

        Every ``num_places``-th candidate belongs to a place, and the first usable one of them is
        shown. Places that have none left share out what the other places do not show.
        """
        if (own := self._find_own(self.place, is_usable)) is not None:
            return own
        shown = [self._find_own(place, is_usable) for place in range(self.num_places)]
        num_before = shown[: self.place].count(None)
        others = (c for c in self.candidates if c not in shown and is_usable(c))
        return next(itertools.islice(others, num_before, None), None)

    def _find_own(self, place: int, is_usable: Callable[[str], bool]) -> str | None:
        return next(filter(is_usable, self.candidates[place :: self.num_places]), None)
