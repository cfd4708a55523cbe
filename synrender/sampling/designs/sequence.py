"""``sequence``: ordered samples of one scene, in which some factors move."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from synrender.errors import UserError
from synrender.sampling.designs.kind import (
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    check_blocks,
)
from synrender.settings.checks import FrozenDict
from synrender.settings.factor_table import JOINT
from synrender.settings.path_forms import parse_path


@dataclass(frozen=True, kw_only=True)
class Sequence(DesignKind):
    """Blocks in which some factors move, and all others stay as they are."""

    paths: FrozenDict  # factor: its `Path`

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Says where in its sequence a sample is; `synrender.sampling.motion` moves its factors."""
        return dataclasses.replace(assigned, step=place.member)


def create_sequence(given: Given) -> Sequence:
    """Checks ``design.paths`` and ``design.length``.

    Raises:
        UserError: nothing moves, a factor is decided twice, or sequences do not fit into buckets.
    """
    design = given.design
    if not design.paths:
        raise UserError(
            "design.kind = 'sequence': say in design.paths what moves, such as "
            "{'camera_azimuth': ('turn', 1)}"
        )
    for name in design.paths:
        own = {name, *JOINT.get(name, ()), *(j for j, parts in JOINT.items() if name in parts)}
        for setting in ("levels", "fixed", "inner_ranges"):
            if taken := sorted(own & getattr(design, setting).keys()):
                raise UserError(
                    f"design.paths: {name!r}: design.{setting} names {taken[0]!r} too; leave it "
                    "out of one of them"
                )
    check_blocks("a sequence", design.length, given.objects)
    return Sequence(
        seed=given.seed,
        num_levels=given.num_levels,
        decided=tuple(design.paths),
        block_size=design.length,
        paths=FrozenDict({name: parse_path(name, path) for name, path in design.paths.items()}),
    )
