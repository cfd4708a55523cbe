from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.assets.places import open_assets
from synrender.errors import UserError
from synrender.fanout import queue, variants
from synrender.fanout.variants import Shared
from synrender.sampling.draws import draw_classes
from synrender.sampling.sample_plan import idx_to_bucket, idx_to_group
from synrender.settings.groups import Sample
from synrender.settings.load import load_settings, settings_to_dict
from synrender.system.folders import Folders
from tests.helpers import create_record


def plan(*names: str, num_samples: int = 4800, num_classes: int = 10, **options: object):
    shared = Shared(num_samples, num_classes, **options)
    return variants.plan_datasets(Path("/data/x"), names or variants.VARIANTS, shared)


def test_the_variants_are_the_twelve_of_the_paper() -> None:
    names = (
        "0-0-0-0 1-0-0-0 0-1-0-0 0-0-1-0 0-0-0-1 1-1-0-0 "
        "0-1-1-0 0-1-0-1 0-1-1-1 1-1-1-0 1-0-1-1 1-1-1-1"
    )
    assert names.split() == list(variants.VARIANTS)
    assert [d.name for d in plan()] == [f"x_{v}" for v in variants.VARIANTS]


def test_without_variants_a_data_set_is_as_its_configuration_says(tmp_path: Path) -> None:
    plan_one = functools.partial(
        variants.plan_as_configured, tmp_path / "x", gin_config=["recipes/clevr_like"],
        assets=open_assets(load_settings(["recipes/clevr_like"]), Folders(tmp_path)),
    )  # fmt: skip
    dataset = plan_one(["batch.num_samples = 7"])  # -n says how many, else it is the whole
    assert dataset.name == "x"
    assert dataset.settings.batch.idxs == range(100_000)
    assert dataset.settings.batch.cache_obj_frames == 1
    assert not dataset.settings.sample.balanced
    fewer = plan_one(["object.total_num_samples = 40", "batch.num_samples = 40"]).settings
    assert fewer.batch.idxs == range(40)
    assert variants.check_variants(["none"]) == ("none",)
    with pytest.raises(UserError, match="'none' goes alone"):
        variants.check_variants(["none", "0-0-0-0"])


@pytest.mark.parametrize("variant", variants.VARIANTS)
def test_digits_mean_what_the_paper_says_and_touch_nothing_else(variant: str) -> None:
    (dataset,) = plan(variant)
    (plain,) = plan("0-0-0-0")
    texture, color, viewpoint, lighting = (digit == "1" for digit in variant.split("-"))
    settings = dataset.settings
    assert settings.material.use_texture is texture
    assert settings.material.use_color_ref is not color
    if not color:
        assert settings.material.color_intensity == 0.4
    assert settings.object.random_viewpoint == (0.5 if viewpoint else 0)
    assert settings.lighting.r == (2 if lighting else 0)
    ours, theirs = settings_to_dict(settings), settings_to_dict(plain.settings)
    may_differ = {b.partition(" =")[0] for factor in variants.FACTORS for d in factor for b in d}
    assert {name for name in ours if ours[name] != theirs[name]} <= may_differ


@pytest.mark.parametrize("num_classes", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("num_samples", [12, 13, 24, 100, 119, 120, 480, 1000, 4799, 4800])
def test_classes_of_single_objects_are_as_even_as_the_numbers_allow(
    num_samples: int, num_classes: int
) -> None:
    settings = plan("0-0-0-0", num_samples=num_samples, num_classes=num_classes)[0].settings
    counts = variants.count_classes(settings)
    assert counts.sum() == num_samples
    sizes = counts.sum(axis=1)
    is_divisible = (sizes % num_classes == 0).all()
    assert np.ptp(counts, axis=1).max() == (0 if is_divisible else 1)
    # Even buckets that are not all of one length can leave the whole a little apart.
    assert np.ptp(counts.sum(axis=0)) <= (0 if is_divisible else 1)
    assert (variants.describe_balance(settings) is None) == is_divisible


@pytest.mark.parametrize("num_samples", [60, 100, 4800])
def test_classes_of_several_objects_are_even_where_the_numbers_divide(num_samples: int) -> None:
    (dataset,) = plan("1-1-1-1", num_samples=num_samples, gin_config=["render_multi"])
    counts = variants.count_classes(dataset.settings)
    assert counts.sum() == 4 * num_samples
    within = np.ptp(counts, axis=1).max()
    line = variants.describe_balance(dataset.settings)
    if num_samples == 100:
        assert 1 <= within <= 2
        assert f"up to {within} apart within a bucket" in line
    else:
        assert within == np.ptp(counts.sum(axis=0)) == 0
        assert line is None


@pytest.mark.parametrize("is_balanced", [True, False])
@pytest.mark.parametrize(("num_classes", "num_objs"), [(1, 1), (2, 1), (3, 4), (10, 4), (4, 6)])
@pytest.mark.parametrize("num_samples", [12, 13, 101, 480])
def test_classes_are_counted_as_they_are_drawn(
    num_samples: int, num_classes: int, num_objs: int, is_balanced: bool
) -> None:
    params = [f"sample.num_objs = {num_objs}", "batch.cache_obj_frames = 7"]
    (dataset,) = plan("0-0-0-0", num_samples=num_samples, num_classes=num_classes, gin_param=params)
    sample = dataclasses.replace(dataset.settings.sample, balanced=is_balanced)
    settings = dataclasses.replace(dataset.settings, sample=sample)
    counts = np.zeros((12, num_classes), int)
    for idx in range(num_samples):
        group = idx_to_group(idx, settings.batch, settings.object)
        for c in draw_classes(settings.batch.seed, group, settings.sample):
            counts[idx_to_bucket(idx, settings.object), c] += 1
    np.testing.assert_array_equal(variants.count_classes(settings), counts)


def test_a_million_samples_of_several_objects_are_planned_without_drawing_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []

    def draw(seed: int, group: int, sample: Sample) -> list[int]:
        drawn.append(group)
        return draw_classes(seed, group, sample)

    monkeypatch.setattr(variants, "draw_classes", draw)
    (dataset,) = plan("0-0-0-0", num_samples=1_000_000, gin_config=["render_multi"])
    assert variants.describe_balance(dataset.settings) is not None
    assert queue.find_todo(dataset, 40).num_missing == 1_000_000
    assert 0 < len(drawn) < 1000  # of 50,000 groups


def test_default_sizes_keep_the_configured_groups() -> None:
    assert plan("0-0-0-0")[0].settings.batch.cache_obj_frames == 10
    multi = plan("0-0-0-0", gin_config=["render_multi"])[0].settings
    assert multi.batch.cache_obj_frames == 20


def test_a_group_size_of_the_users_own_is_kept_and_its_unevenness_said() -> None:
    (dataset,) = plan("0-0-0-0", gin_param=["batch.cache_obj_frames = 7"])
    assert dataset.settings.batch.cache_obj_frames == 7
    counts = variants.count_classes(dataset.settings)
    assert f"up to {np.ptp(counts, axis=1).max()} apart" in variants.describe_balance(
        dataset.settings
    )


@pytest.mark.parametrize(
    ("binding", "culprit"),
    [
        ("batch.num_samples = 5", "--num_samples"),
        ("lighting.r = 1", "--variants"),
        ("sample.class_idxs = [1]", "--num_classes"),
    ],
)
def test_bindings_that_flags_decide_are_refused(binding: str, culprit: str) -> None:
    with pytest.raises(UserError, match=culprit):
        plan("0-0-0-0", gin_param=[binding])


def test_a_misspelled_variant_is_refused() -> None:
    with pytest.raises(UserError, match="four digits"):
        variants.check_variants(["0-0-0-0", "1-1-2-1"])
    assert variants.check_variants(["1-0-1-0", "1-0-1-0"]) == ("1-0-1-0",)


def take_all(batches: queue.BatchQueue, num_slots: int) -> list[queue.Batch]:
    return list(iter(lambda: batches.take(num_slots), None))


@pytest.mark.parametrize("num_slots", [1, 2, 64])
@pytest.mark.parametrize("batch_size", [1, 7, 40, 100])
def test_batches_cover_each_sample_once(tmp_path: Path, batch_size: int, num_slots: int) -> None:
    datasets = variants.plan_datasets(tmp_path / "x", variants.VARIANTS[:3], Shared(100, 2))
    todos = [queue.find_todo(dataset, batch_size) for dataset in datasets]
    batches = take_all(queue.BatchQueue(todos), num_slots)
    for dataset in datasets:
        ours = [b for b in batches if b.dataset is dataset]
        idxs = [i for b in ours for i in range(b.idx_offset, b.idx_offset + b.num_samples)]
        assert idxs == list(range(100))
        assert sum(b.num_missing for b in ours) == 100
    if num_slots == 1:  # then nobody waits for anybody
        assert len(batches) == sum(todo.num_batches for todo in todos)


def test_batches_get_smaller_towards_the_end(tmp_path: Path) -> None:
    (dataset,) = variants.plan_datasets(tmp_path / "x", variants.VARIANTS[:1], Shared(200, 2))
    batches = take_all(queue.BatchQueue([queue.find_todo(dataset, 40)]), num_slots=2)
    sizes = [batch.num_missing for batch in batches]
    assert sizes[:2] == [40, 40]
    assert sizes[-2:] == [1, 1]
    for k, size in enumerate(sizes):
        assert size <= max(1, -(-sum(sizes[k:]) // 4))


@pytest.mark.parametrize("num_slots", [1, 2, 64])
@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_twins_are_rendered_by_one_worker(tmp_path: Path, batch_size: int, num_slots: int) -> None:
    """Another kind of CPU would give other pixels to a part of them."""
    (dataset,) = variants.plan_datasets(tmp_path / "x", variants.VARIANTS[:1], Shared(60, 2))
    todo = queue.find_todo(dataset, batch_size, block_size=3)
    batches = take_all(queue.BatchQueue([todo]), num_slots)
    assert all(b.idx_offset % 3 == 0 and b.num_samples % 3 == 0 for b in batches)
    assert [idx for b in batches for idx in b.idxs] == list(range(60))
    assert sum(b.num_missing for b in batches) == 60


def test_a_batch_is_split_by_what_is_missing(tmp_path: Path) -> None:
    (dataset,) = variants.plan_datasets(tmp_path / "x", variants.VARIANTS[:1], Shared(12, 2))
    (batch,) = queue.find_todo(dataset, 12).batches()
    image_dir = dataset.folder.image_dir
    image_dir.mkdir(parents=True)
    record = create_record()
    for idx in (1, 2, 3, 7):
        iio.imwrite(image_dir / f"{idx:05d}.png", np.zeros((4, 4, 3), np.uint8))
        np.save(image_dir / f"{idx:05d}.npy", record)
    (batch,) = queue.find_todo(dataset, 12).batches()
    assert batch.num_missing == 8
    first, rest = queue.split_batch(batch, 3)
    assert (first.idx_offset, first.num_samples, first.num_missing) == (0, 6, 3)
    assert (rest.idx_offset, rest.num_samples, rest.num_missing) == (6, 6, 5)
    assert queue.split_batch(first, 3) == (first, None)
