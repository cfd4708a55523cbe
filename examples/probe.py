"""Trains a linear probe for each factor: python examples/probe.py datasets/name/data_64.h5.

It shows how much of each factor a linear model reads off the pixels of single objects, and needs
numpy alone. The table has R2 for numbers (1: all of it, 0: no better than the mean) and the
accuracy for categories, in validation and test; "chance" is what a model without pixels reaches.
"""

import sys
from typing import Literal

import numpy as np

import synrender

MAX_PARTS = 256  # principal components of the pixels that a probe sees
RIDGE = 0.01  # of the mean square of a component


Split = Literal["train", "validation", "test"]


def load(path: str, split: Split) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Pixels (n, 3 * res * res), and the values of each factor, (n,) or (n, 3)."""
    data = synrender.open_dataset(path, split, fields=["image"])
    pixels = [sample["image"].ravel() for sample in data.read_samples(range(len(data)))]
    return np.array(pixels, np.float32), data.factor_columns


def project(splits: dict[Split, tuple]) -> dict[str, np.ndarray]:
    """Principal components of each split's pixels, found in training, and a column of ones."""
    mean = splits["train"][0].mean(axis=0)
    axes = np.linalg.svd(splits["train"][0] - mean, full_matrices=False)[2][:MAX_PARTS]
    return {name: np.c_[(x - mean) @ axes.T, np.ones(len(x))] for name, (x, _) in splits.items()}


def score(guess: np.ndarray, truth: np.ndarray, mean: np.ndarray) -> float:
    """R2 of numbers; of categories, which are rows of a single 1, the accuracy."""
    if truth.dtype == bool:
        return float(truth[np.arange(len(truth)), guess.argmax(axis=1)].mean())
    return float(1 - np.sum((guess - truth) ** 2) / np.sum((truth - mean) ** 2))


def probe(path: str) -> dict[str, tuple[float, float, float]]:
    """Prints and returns by factor: score in validation and test, and what chance reaches."""
    names: tuple[Split, ...] = ("train", "validation", "test")
    splits = {split: load(path, split) for split in names}
    parts, table = project(splits), {}
    print(f"{'factor':18}{'measure':>10}{'validation':>12}{'test':>8}{'chance':>8}")
    for name, values in splits["train"][1].items():
        levels = np.unique(values)
        if np.isnan(levels).any() or len(levels) < 2:
            continue  # the factor does not apply, or does not vary
        is_category = values.dtype == np.int64
        truths = {
            split: np.equal.outer(factors[name], levels) if is_category else factors[name]
            for split, (_, factors) in splits.items()
        }
        x, y = parts["train"], truths["train"].astype(float)
        products = x.T @ x
        ridge = RIDGE * np.trace(products) / len(products) * np.eye(len(products))
        weights = np.linalg.solve(products + ridge, x.T @ y)
        mean = y.mean(axis=0)
        found = [score(parts[s] @ weights, truths[s], mean) for s in ("validation", "test")]
        table[name] = (*found, float(mean.max()) if is_category else 0.0)
        measure = "accuracy" if is_category else "R2"
        print(f"{name:18}{measure:>10}" + "{:12.2f}{:8.2f}{:8.2f}".format(*table[name]))
    return table


if __name__ == "__main__":
    probe(sys.argv[1])
