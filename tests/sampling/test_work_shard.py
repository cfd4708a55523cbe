"""Shards of the work: every sample is in one, and all are even, whatever their number."""

from __future__ import annotations

import numpy as np
import pytest

from synrender.errors import UserError
from synrender.sampling.draws import draw_classes
from synrender.sampling.sample_plan import find_rules, idx_to_bucket, idx_to_group
from synrender.sampling.work_shard import WorkShard, find_part, find_shards, parse_work_shard
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings

COUNTS = (*range(1, 65), 96, 100, 120, 127, 240, 256, 480, 511, 1000, 1023, 1024)


def create_settings(total: int, group_size: int, *bindings: str, num_classes: int = 10) -> Settings:
    size = [f"batch.num_samples = {total}", f"object.total_num_samples = {total}"]
    size += [f"batch.cache_obj_frames = {group_size}", f"sample.class_idxs = {num_classes}"]
    return load_settings(["render_single"], [*size, "sample.balanced = True", *bindings])


def find_parts(settings: Settings, count: int, place: int = 0) -> list[np.ndarray]:
    """Indexes of the samples of each shard."""
    shards = find_shards(settings, count, place)
    order = np.argsort(shards, kind="stable")
    ends = np.cumsum(np.bincount(shards, minlength=count))
    return np.split(order + settings.batch.idx_offset, ends[:-1])


def spread(values: list[int]) -> int:
    return max(values) - min(values)


SIZES = [(480, 4, 10), (480, 10, 2), (300, 10, 10), (1234, 7, 6)]


@pytest.mark.parametrize(("total", "group_size", "num_classes"), SIZES)
def test_parts_are_disjoint_complete_and_even_within_one_group(
    total: int, group_size: int, num_classes: int
) -> None:
    settings = create_settings(total, group_size, num_classes=num_classes)
    for count in range(1, 1025) if total == 300 else COUNTS:
        parts = find_parts(settings, count)
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(total)), count
        assert spread([len(part) for part in parts]) <= group_size, count


def test_groups_are_whole() -> None:
    settings = create_settings(300, 10)  # in buckets of 25: groups of 10, 10 and 5
    for count in (2, 3, 7, 36, 50):
        owners: dict[int, set[int]] = {}
        for shard, part in enumerate(find_parts(settings, count)):
            for idx in part.tolist():
                group = idx_to_group(idx, settings.batch, settings.object)
                owners.setdefault(group, set()).add(shard)
        assert set(map(len, owners.values())) == {1}, count


@pytest.mark.parametrize(("total", "group_size", "num_classes"), [(480, 4, 10), (240, 10, 2)])
def test_classes_and_buckets_are_even_within_one_group(
    total: int, group_size: int, num_classes: int
) -> None:
    """Also where the number of shards and that of classes or buckets have common factors."""
    settings = create_settings(total, group_size, num_classes=num_classes)
    idxs = range(total)
    groups = [idx_to_group(idx, settings.batch, settings.object) for idx in idxs]
    classes = np.array([draw_classes(0, group, settings.sample)[0] for group in groups])
    buckets = np.array([idx_to_bucket(idx, settings.object) for idx in idxs])
    for count in COUNTS:
        parts = find_parts(settings, count)
        for kinds in (classes, buckets):
            shares = [np.bincount(kinds[part], minlength=kinds.max() + 1) for part in parts]
            assert np.ptp(shares, axis=0).max() <= group_size, count


def test_variants_are_dealt_on_so_that_shards_are_even_over_all() -> None:
    settings = create_settings(480, 10)
    for count in COUNTS:
        sums = np.zeros(count, int)
        for place in range(12):
            sums += [len(part) for part in find_parts(settings, count, place)]
        assert spread(sums.tolist()) <= 10, count


def test_blocks_of_a_design_are_whole() -> None:
    twins = ("design.kind = 'twins'", "design.twins = ['light_angle']", "design.twin_size = 4")
    settings = create_settings(480, 10, *twins, "lighting.r = 2")
    assert find_rules(settings).block_size == 4
    for count in (2, 5, 16, 120, 121):
        parts = find_parts(settings, count)
        for part in parts:
            assert np.array_equal(
                np.unique(part // 4, return_counts=True)[1], [4] * (len(part) // 4)
            )
        assert spread([len(part) for part in parts]) <= 4


def test_a_range_of_a_larger_data_set_is_shared_evenly() -> None:
    settings = create_settings(60_000, 10, "batch.num_samples = 100", "batch.idx_offset = 45")
    for count in (1, 3, 4, 8):
        parts = find_parts(settings, count)
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(45, 145))
        assert spread([len(part) for part in parts]) <= 10


def test_a_part_is_what_the_shards_of_all_samples_say() -> None:
    settings = create_settings(96, 4)
    for shard, part in enumerate(find_parts(settings, 7)):
        assert np.array_equal(find_part(settings, WorkShard(shard, 7)), part)


def test_without_a_shard_the_part_is_the_whole() -> None:
    settings = create_settings(48, 5)
    assert np.array_equal(find_part(settings, None), np.arange(48))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("16/16", "shards count from 0, as SLURM does, so the last one of 16 is 15/16"),
        ("3", "must be two whole numbers I/N, such as 0/16"),
        ("-1/4", "must be two whole numbers"),
        ("1/4/4", "must be two whole numbers"),
        ("0/0", "N must be 1 to"),
        ("²/4", "must be two whole numbers"),
    ],
)
def test_what_is_no_shard_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_work_shard(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("--shard ")


def test_the_last_shard_is_one_less_than_their_number() -> None:
    assert parse_work_shard("15/16") == WorkShard(15, 16)
    assert str(WorkShard(15, 16)) == "15/16"
