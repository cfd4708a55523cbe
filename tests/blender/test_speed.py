"""Speed settings change no label, and images stay reproducible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers import (
    RenderServer,
    check_same_records,
    read_image,
    read_passes,
    read_record,
)

FULL = "batch.num_samples = 2", "rendering.render_samples = 32"
"""Enough samples for Cycles to stop early in pixels with little noise."""


@pytest.fixture(scope="module")
def adaptive(each_server: RenderServer) -> Path:
    return each_server.render("adaptive", *FULL, "rendering.threads = 1")


def test_early_stops_do_not_depend_on_threads(each_server: RenderServer, adaptive: Path) -> None:
    again = each_server.render("adaptive2", *FULL, "rendering.threads = 2")
    for idx in range(2):
        np.testing.assert_array_equal(read_image(again, idx), read_image(adaptive, idx))


def test_early_stops_do_not_depend_on_the_batch(each_server: RenderServer, adaptive: Path) -> None:
    one = "batch.num_samples = 1", "batch.idx_offset = 1", FULL[1]
    alone = each_server.render("adaptive_alone", *one)
    np.testing.assert_array_equal(read_image(alone, 1), read_image(adaptive, 1))


def test_threshold_matters_from_the_17th_sample_on(server: RenderServer) -> None:
    def render(threshold: float, num_samples: int) -> np.ndarray:
        bindings = (
            f"rendering.adaptive_threshold = {threshold}",
            f"rendering.render_samples = {num_samples}",
            "batch.num_samples = 1",
        )
        return read_image(server.render(f"threshold_{threshold}_{num_samples}", *bindings), 0)

    np.testing.assert_array_equal(render(0.02, 16), render(0, 16))
    assert not np.array_equal(render(0.02, 32), render(0, 32))


def test_labels_are_the_same_to_the_bit(each_server: RenderServer) -> None:
    """With all samples, with early stops, and with few."""
    bindings = "batch.num_samples = 1", "rendering.resolution = 64"
    full = each_server.render(
        "labels_full", *FULL, *bindings, "rendering.adaptive_threshold = 0", config="render_multi"
    )
    early = each_server.render("labels_early", *FULL, *bindings, config="render_multi")
    few = "rendering.render_samples = 6"  # of fast.gin
    fast = each_server.render("labels_fast", *bindings, few, config="render_multi")
    for other in (early, fast):
        check_same_records(read_record(full, 0), read_record(other, 0))
        a, b = read_passes(full, 0), read_passes(other, 0)
        for name in ("instance", "material", "depth"):
            np.testing.assert_array_equal(a[name], b[name])
        assert not np.array_equal(a["rgb"], b["rgb"])
