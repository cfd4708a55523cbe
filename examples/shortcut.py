"""Does a classifier take a shortcut? Test accuracy against how well the backdrop tells the class.

python examples/shortcut.py [--num_samples 480] [--out img/shortcut.png]

Renders a small data set for each strength rho of the shortcut (in training the backdrop's texture
predicts the class with probability rho; in the test it says nothing), trains logistic regression
on small images on the CPU, and plots the accuracies. All data sets show the same models in the
same poses: they differ in their backdrops alone. Needs scikit-learn and matplotlib.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np

PROJECT_DIR = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT_DIR))

from synrender.dataset.folder import DatasetFolder, open_dataset_folder  # noqa: E402
from synrender.system.folders import find_folders  # noqa: E402

RHOS = [0.0, 0.5, 0.8, 0.95, 1.0]
SIDE_PX = 16  # of the images that are learned from
TRAIN, TEST = 0, 2


def render(data_dir: Path, rho: float, num_samples: int) -> DatasetFolder:
    """Renders the data set of one strength, or finishes it."""
    name = f"shortcut_{100 * rho:03.0f}"
    bindings = [
        f"design.rho = ({rho}, 0, 0)", f"batch.num_samples = {num_samples}",
        f"object.total_num_samples = {num_samples}", "rendering.resolution = 64",
        "rendering.render_samples = 8", "object.random_viewpoint = 0.3",
    ]  # fmt: skip
    command = [sys.executable, "render.py", "-d", name, "-g", "render_single", "design_shortcut"]
    subprocess.run(
        [*command, "-p", *bindings],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(data_dir)},
        check=True,
    )
    return open_dataset_folder(data_dir, name)


def load(folder: DatasetFolder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Small images as rows (n, pixels) from 0 to 1, class ids (n,), and splits (n,)."""
    train, validation, _ = folder.read_info().design.split_buckets
    images, classes, buckets = [], [], []
    for idx in folder.list_samples().pairs:
        record = folder.read_record(idx)[0]
        image = iio.imread(folder.image_path(idx)).astype(float) / 255
        step = len(image) // SIDE_PX
        small = image.reshape(SIDE_PX, step, SIDE_PX, step, 3).mean(axis=(1, 3))
        images.append(small.ravel())
        classes.append(record["class"])
        buckets.append(record["bucket"])
    splits = np.searchsorted([train, train + validation], buckets, side="right")
    return np.array(images), np.array(classes), splits


def measure(folder: DatasetFolder) -> tuple[float, float]:
    """Accuracy in training and in the test."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, classes, splits = load(folder)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    model.fit(images[splits == TRAIN], classes[splits == TRAIN])
    scores = [model.score(images[splits == s], classes[splits == s]) for s in (TRAIN, TEST)]
    return scores[0], scores[1]


def plot(scores: dict[float, tuple[float, float]], path: Path) -> None:
    """Draws both accuracies against rho."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4.6, 3), layout="constrained")
    rhos = list(scores)
    axes.plot(rhos, [scores[r][0] for r in rhos], "o--", color="0.6", label="training")
    axes.plot(rhos, [scores[r][1] for r in rhos], "o-", color="#0072b2", label="test")
    axes.axhline(0.25, color="0.8", linewidth=1)
    axes.text(0, 0.265, "chance", color="0.6", fontsize=8)
    axes.set(xlabel="rho: backdrop predicts class in training", ylabel="accuracy", ylim=(0, 1.05))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Renders, trains, and plots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num_samples", type=int, default=480, help="of each data set")
    parser.add_argument("--rhos", nargs="+", type=float, default=RHOS, help="strengths")
    parser.add_argument("--out", type=Path, default=Path("shortcut.png"), help="the plot")
    arguments = parser.parse_args()
    data_dir = find_folders(os.environ).data
    scores = {}
    for rho in arguments.rhos:
        scores[rho] = measure(render(data_dir, rho, arguments.num_samples))
        train, test = scores[rho]
        print(f"rho {rho:.2f}: training {train:.2f}, test {test:.2f}", flush=True)
    plot(scores, arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
