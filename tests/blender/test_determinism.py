"""Same seed, same pixels; and each factor has its own random stream."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import (
    Renderer,
    RenderServer,
    check_same_records,
    read_image,
    read_images,
    read_passes,
    read_record,
    read_records,
)


@pytest.fixture(scope="module")
def twenty(each_server: RenderServer) -> Path:
    return each_server.render("twenty", "rendering.threads = 1")


def test_two_threads_and_another_process(renderer: Renderer, twenty: Path) -> None:
    again = renderer.render("again2", "rendering.threads = 2")
    np.testing.assert_array_equal(read_images(again), read_images(twenty))
    check_same_records(read_records(again), read_records(twenty))


def test_files_are_byte_identical(each_server: RenderServer, twenty: Path) -> None:
    again = each_server.render("bytes", "batch.num_samples = 2")
    for name in ("00000.png", "00001.png", "00001.npy"):
        assert (again / "img" / name).read_bytes() == (twenty / "img" / name).read_bytes()


def test_alone_on_one_cpu_equals_in_its_batch(renderer: Renderer, twenty: Path) -> None:
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        alone = renderer.render("alone", "batch.idx_offset = 13", "batch.num_samples = 1")
    finally:
        os.sched_setaffinity(0, cpus)
    np.testing.assert_array_equal(read_image(alone, 13), read_image(twenty, 13))
    check_same_records(read_record(alone, 13), read_record(twenty, 13))


def test_batches_of_five_equal_one_of_twenty(each_server: RenderServer, twenty: Path) -> None:
    for offset in (15, 0, 10, 5):
        batch = f"batch.idx_offset = {offset}", "batch.num_samples = 5"
        fives = each_server.render("fives", *batch)
    np.testing.assert_array_equal(read_images(fives), read_images(twenty))
    assert "batch.num_samples = 20" in (fives / "config.gin").read_text()


def test_multi_objects_with_denoiser(renderer: Renderer, each_server: RenderServer) -> None:
    bindings = "batch.num_samples = 3", "rendering.render_samples = 2"
    whole = each_server.render("multi3", *bindings, config="render_multi")
    alone = renderer.render(
        "multi1", *bindings[1:], "batch.num_samples = 1", "batch.idx_offset = 2",
        config="render_multi",
    )  # fmt: skip
    a, b = read_passes(whole, 2), read_passes(alone, 2)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
    check_same_records(read_record(whole, 2), read_record(alone, 2))


def test_another_seed_differs(each_server: RenderServer, twenty: Path) -> None:
    other = each_server.render("seed1", "batch.seed = 1", "batch.num_samples = 3")
    for idx in range(3):
        assert not np.array_equal(read_image(other, idx), read_image(twenty, idx))


@pytest.mark.parametrize(
    ("binding", "changed_fields"),
    [
        ("material.use_texture = False", {"texture", "backdrop_texture", "factor_values"}),
        ("lighting.r = 2", {"light", "lights", "factor_values"}),
    ],
)
def test_factor_streams(server: RenderServer, binding: str, changed_fields: set[str]) -> None:
    """Texture and light leave pose, class, model and masks of every sample as they were."""
    base = "batch.num_samples = 4", "object.random_viewpoint = 0.5"
    before = server.render("streams_before", *base, config="render_multi")
    name = "streams_" + binding.split(" ")[0].replace(".", "_")
    after = server.render(name, *base, binding, config="render_multi")
    records, changed = read_records(before), read_records(after)
    for field in records.dtype.names:
        is_equal = records[field].tobytes() == changed[field].tobytes()
        assert is_equal == (field not in changed_fields), field
    for idx in range(4):
        a, b = read_passes(before, idx), read_passes(after, idx)
        for pass_name in ("instance", "material", "depth"):
            np.testing.assert_array_equal(a[pass_name], b[pass_name])
        assert not np.array_equal(a["rgb"], b["rgb"])
