"""Trains a linear probe for each factor: python examples/probe.py datasets/name/data_64.h5.

How much of a factor can a linear model read off the pixels of single objects? R2 for numbers (1:
all, 0: no better than the mean), accuracy for categories. Chance: a model that sees no pixels.
"""

import sys

import numpy as np

import synrender

NUM_COMPONENTS, RIDGE = 256, 0.01  # of the pixels; of the mean square of a component
pixels, factors = {}, {}
for split in ("train", "validation", "test"):
    data = synrender.open_dataset(sys.argv[1], split, fields=["image"])
    images = [sample["image"].ravel() for sample in data.read_samples(range(len(data)))]
    pixels[split], factors[split] = np.array(images, np.float32), data.factor_columns

mean = pixels["train"].mean(axis=0)
axes = np.linalg.svd(pixels["train"] - mean, full_matrices=False)[2][:NUM_COMPONENTS]
inputs = {split: np.c_[(x - mean) @ axes.T, np.ones(len(x))] for split, x in pixels.items()}
products = inputs["train"].T @ inputs["train"]
products += RIDGE * np.trace(products) / len(products) * np.eye(len(products))
print(f"{'factor':18}{'measure':>10}{'validation':>12}{'test':>8}{'chance':>8}")
for name, values in factors["train"].items():
    levels, is_category = np.unique(values), values.dtype == np.int64
    if len(levels) < 2 or np.isnan(levels).any():
        continue  # the factor does not vary, or does not apply
    y = {s: (f[name][:, None] == levels if is_category else f[name]) for s, f in factors.items()}
    weights = np.linalg.solve(products, inputs["train"].T @ y["train"].astype(float))
    chance, scores = y["train"].mean(axis=0), {}
    for split in ("validation", "test"):
        guess, truth = inputs[split] @ weights, y[split]
        scores[split] = 1 - np.sum((guess - truth) ** 2) / np.sum((truth - chance) ** 2.0)
        if is_category:
            scores[split] = np.mean(guess.argmax(axis=1) == truth.argmax(axis=1))
    measure, least = ("accuracy", chance.max()) if is_category else ("R2", 0)
    print(f"{name:18}{measure:>10}{scores['validation']:12.2f}{scores['test']:8.2f}{least:8.2f}")
