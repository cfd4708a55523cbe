"""Checks how models, textures and classes are spread over buckets and splits, from the records."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np

from synrender.audit.check import Check, at_most, decide, skip
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.dataset.archive_layout import buckets_to_splits, find_split_buckets
from synrender.settings.checks import SPLITS

_MAX_TURNS_APART = 2
"""Classes take turns in shuffled rounds, so their counts differ by at most this much: one turn of
the unfinished round that a bucket begins with, and one of the round that it ends with."""


def check_splits(subject: Subject, records: Records) -> Check:
    """Checks that no model is in two buckets and each sample is in its own; counts shared names."""
    rows = records.rows
    num_buckets = subject.settings.object.n_buckets
    expected = records.idxs * num_buckets // subject.settings.object.total_num_samples
    culprits = [
        f"sample {i} says bucket {b}, belongs to bucket {e}"
        for i, b, e in _unique(records.idxs, rows["bucket"], expected)
        if b != e
    ]
    models: dict[str, set[int]] = {}
    for synset_id, model_id, bucket in _unique(rows["synset_id"], rows["model_id"], expected):
        models.setdefault(f"{synset_id}/{model_id}", set()).add(bucket)
    crossing = {m: sorted(buckets) for m, buckets in models.items() if len(buckets) > 1}
    culprits += [f"{m} in buckets {', '.join(map(str, b))}" for m, b in sorted(crossing.items())]
    if len(set(expected.tolist())) < 2 and not culprits:
        return skip("splits", "all samples are in one bucket; see object.total_num_samples")
    figures = f"{len(crossing)} of {len(models)} models in several buckets"
    if num_buckets >= len(SPLITS):
        buckets = find_split_buckets(num_buckets, subject.settings.design.split)
        figures += f"; {_describe_sharing(rows, buckets_to_splits(expected, buckets))}"
    measures = [
        at_most("models in several buckets", len(crossing), 0, len(models), "models"),
        at_most("faults in all", len(culprits), 0, len(rows), "objects"),
    ]
    return decide("splits", figures, culprits, measures)


def _describe_sharing(rows: np.ndarray, splits: np.ndarray) -> str:
    """``"train/validation share 0 models and 40 textures, ..."``."""
    models: list[set] = [set(), set(), set()]
    textures: list[set] = [set(), set(), set()]
    columns = (splits, rows["synset_id"], rows["model_id"], rows["texture"])
    for split, synset_id, model_id, texture, backdrop in _unique(
        *columns, rows["backdrop_texture"]
    ):
        models[split].add((synset_id, model_id))
        textures[split] |= {texture, backdrop} - {""}
    return ", ".join(
        f"{SPLITS[a]}/{SPLITS[b]} share {len(models[a] & models[b])} models and "
        f"{len(textures[a] & textures[b])} textures"
        for a, b in itertools.combinations(range(3), 2)
        if models[a] and models[b]
    )


def check_balance(subject: Subject, records: Records) -> Check:
    """Counts the objects of each class, in all and by bucket; judged if classes take turns."""
    rows = records.rows
    class_list = sorted(subject.synset_ids)
    counts = {c: int((rows["class"] == c).sum()) for c in class_list}
    low, high = min(counts.values()), max(counts.values())
    figures = f"{len(class_list)} classes with {low if low == high else f'{low} to {high}'} objects"
    # A group shows the same models in all its samples, so classes take turns by group.
    turns = np.unique(
        np.stack([rows["bucket"], rows["group"], rows["instance"], rows["class"]]), axis=1
    )
    spreads = {-1: _find_spread(turns[3], class_list)}
    for bucket in np.unique(turns[0]).tolist():
        spreads[bucket] = _find_spread(turns[3][turns[0] == bucket], class_list)
    within = max(spread for bucket, spread in spreads.items() if bucket >= 0)
    figures += f"; groups of a class differ by {spreads[-1]} over all, by {within} in a bucket"
    if subject.settings.sample.every_model:
        return _check_turns(subject, records)
    if not subject.settings.sample.balanced:
        return skip("balance", f"classes are drawn (sample.balanced = False): {figures}")
    culprits = [
        f"{'all samples' if b < 0 else f'bucket {b}'}: {s} groups apart"
        for b, s in spreads.items()
        if s > _MAX_TURNS_APART
    ]
    worst, num = max(spreads.values()), len(turns[0])
    measure = at_most("groups of a class differ by", worst, _MAX_TURNS_APART, num, "groups")
    return decide("balance", figures, culprits, [measure])


def _check_turns(subject: Subject, records: Records) -> Check:
    """Each model of a bucket is shown by as many groups as the others, or by one more.

    A bucket is judged if all of its samples are there; a model that replaces a rejected one is
    shown more often.
    """
    objects, rows = subject.settings.object, records.rows
    turns = _unique(
        rows["bucket"], rows["group"], rows["instance"], rows["synset_id"], rows["model_id"]
    )
    counts: dict[int, Counter] = {}
    for bucket, _, _, synset_id, model_id in turns:
        counts.setdefault(bucket, Counter())[f"{synset_id}/{model_id}"] += 1
    total, n_buckets = objects.total_num_samples, objects.n_buckets
    num_found = Counter((records.sample_idxs * n_buckets // total).tolist())
    complete = [
        bucket
        for bucket in counts
        if num_found[bucket] == -(-(bucket + 1) * total // n_buckets) + -bucket * total // n_buckets
    ]
    spreads = {b: max(counts[b].values()) - min(counts[b].values()) for b in complete}
    num_models = sum(map(len, counts.values()))
    figures = f"{num_models} models by turns; in {len(complete)} buckets that are complete"
    if not complete or "model" in subject.settings.design.twins:
        return skip("balance", f"{figures} nothing is judged")
    bound = 1 + len(subject.rejected)
    culprits = [f"bucket {b}: {s} groups apart" for b, s in spreads.items() if s > bound]
    worst = max(spreads.values())
    figures += f" their groups differ by {worst} (bound {bound})"
    measure = at_most("groups of a model differ by", worst, bound, len(turns), "groups")
    return decide("balance", figures, culprits, [measure])


def _find_spread(classes: np.ndarray, class_list: list[int]) -> int:
    counts = [int((classes == c).sum()) for c in class_list]
    return max(counts) - min(counts)


def _unique(*columns: np.ndarray) -> list[tuple]:
    """Distinct rows of columns of equal length, sorted."""
    return sorted(set(zip(*(c.tolist() for c in columns), strict=True)))
