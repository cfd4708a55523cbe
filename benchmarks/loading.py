"""Samples a second of `open_dataset` beside WebDataset and Hugging Face Parquet.

    python -m venv /tmp/bench && /tmp/bench/bin/pip install torch webdataset datasets h5py \
        gin-config kornia-rs pillow OpenEXR tqdm scikit-image 'imageio<3'
    PYTHONPATH=. /tmp/bench/bin/python benchmarks/loading.py [NUM_SAMPLES] [RES]

All formats hold the same samples: an image and the record's numbers and texts. WebDataset cannot
read at random; its "random" is its shuffle buffer of 1000 samples.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import synrender

SECONDS = 2.0
BATCH_SIZE = 64
FIELDS = ("image", "class", "rot_mat", "location", "texture", "factor_values")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("num_samples", nargs="?", type=int, default=4800)
    parser.add_argument("res", nargs="?", type=int, default=64)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all(folder, arguments.num_samples, arguments.res)
        print("| format | order | 0 workers | 1 | 2 |\n|---|---|---|---|---|")
        for form, is_random, loader in create_loaders(folder, arguments.res):
            rates = [measure(lambda w=w, m=loader: m(w)) for w in (0, 1, 2)]
            order = "random" if is_random else "sequential"
            print(
                f"| {form} | {order} | " + " | ".join(f"{r:,.0f}" for r in rates) + " |", flush=True
            )


def measure(create: Callable[[], Iterable[int]]) -> float:
    """Samples a second, without the start of the workers and the first two batches of an epoch."""
    num, seconds = 0, 0.0
    while seconds < SECONDS:
        start = 0.0
        for k, size in enumerate(create()):
            if k == 2:
                start = time.perf_counter()
            elif k > 2:
                num += size
                if seconds + time.perf_counter() - start > SECONDS:
                    break
        seconds += time.perf_counter() - start
    return num / seconds


# --- the same samples in all formats --------------------------------------------------------------


def write_all(folder: Path, num_samples: int, res: int) -> None:
    import webdataset

    import datasets
    from tests.archive.helpers import write_dataset

    fixture = Path(__file__).parents[1] / "tests/fixtures/before_single/dataset.json"
    write_dataset(folder / "made", json.loads(fixture.read_text()), num_samples, res=res)
    smooth_images(folder / "made" / "img")
    preprocess(folder, res)
    data = synrender.open_dataset(folder / "made" / "img", fields=FIELDS)
    with webdataset.ShardWriter(f"{folder}/wds-%03d.tar", maxcount=400, verbose=0) as writer:
        for i in range(len(data)):
            sample = data[i]
            image = sample.pop("image")
            labels = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in sample.items()}
            writer.write({"__key__": f"{i:06d}", "png": to_png(image), "json": labels})

    def generate() -> Iterator[dict]:
        for i in range(len(data)):
            sample = data[i]
            yield {**sample, "image": {"bytes": to_png(sample["image"]), "path": None}}

    features = datasets.Features(
        {
            "image": datasets.Image(),
            "class": datasets.Value("int64"),
            "rot_mat": datasets.Array2D((3, 3), "float64"),
            "location": datasets.Sequence(datasets.Value("float64")),
            "texture": datasets.Value("string"),
            "factor_values": datasets.Sequence(datasets.Value("float64")),
        }
    )
    rows = datasets.Dataset.from_generator(generate, features, cache_dir=str(folder / "cache"))
    rows.to_parquet(folder / "parquet" / "train.parquet")


def smooth_images(folder: Path) -> None:
    """Pictures that compress and decode as rendered ones do, in place of noise."""
    for path in folder.glob("*.png"):
        image = Image.open(path)
        small = image.resize((8, 8)).resize(image.size, Image.Resampling.BICUBIC)
        grain = np.random.default_rng(int(path.stem)).integers(-2, 3, (*image.size, 3))
        Image.fromarray(np.clip(np.asarray(small) + grain, 0, 255).astype(np.uint8)).save(path)


def preprocess(folder: Path, res: int) -> None:
    import os
    import subprocess
    import sys

    project = Path(__file__).parents[1]
    command = [sys.executable, "preprocess_data.py", "-d", "made", "-f", "-p", "-r", str(res)]
    environment = {**os.environ, "SYNRENDER_DATA_DIR": str(folder)}
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)


def to_png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


# --- loaders: number of workers -> batch sizes ----------------------------------------------------


def create_loaders(
    folder: Path, res: int
) -> Iterator[tuple[str, bool, Callable[[int], Iterable[int]]]]:
    import webdataset
    from torch.utils.data import DataLoader

    import datasets

    def load(data: Any, is_random: bool, workers: int) -> Iterator[int]:
        loader = DataLoader(data, BATCH_SIZE, is_random, num_workers=workers, collate_fn=collate)
        return iterate(loader)

    places = {
        f"data_{res}.h5": folder / "made" / f"data_{res}.h5",
        "imgs_XX.h5": folder / "made",
        "img/ (PNG and .npy)": folder / "made" / "img",
    }
    for is_random in (True, False):
        for form, path in places.items():
            data = synrender.open_dataset(path, fields=FIELDS)
            yield form, is_random, lambda w, d=data, r=is_random: load(d, r, w)
            if form.startswith("data"):
                few = synrender.open_dataset(path, fields=("image", "class"))
                name = f"{form}, image and class"
                yield name, is_random, lambda w, d=few, r=is_random: load(d, r, w)
        rows = datasets.load_dataset(
            str(folder / "parquet"), cache_dir=str(folder / "cache"), split="train"
        ).with_format("numpy")
        yield "Hugging Face, Parquet", is_random, lambda w, d=rows, r=is_random: load(d, r, w)
        shards = sorted(map(str, folder.glob("wds-*.tar")))

        def stream(workers: int, is_random: bool = is_random, shards: list = shards) -> Any:
            data = webdataset.WebDataset(shards, shardshuffle=100 if is_random else False)
            if is_random:
                data = data.shuffle(1000)
            data = data.decode("rgb8").map(flatten)
            return iterate(DataLoader(data, BATCH_SIZE, num_workers=workers, collate_fn=collate))

        yield "WebDataset", is_random, stream


def flatten(sample: dict) -> dict:
    labels = sample["json"]
    arrays = {n: np.array(labels[n]) for n in ("rot_mat", "location", "factor_values")}
    return {**labels, **arrays, "image": sample["png"]}


def collate(samples: list[dict]) -> tuple[np.ndarray, ...]:
    """The same few arrays of every format, so that the loaders differ in the reading alone."""
    names = [n for n in FIELDS if n != "texture" and n in samples[0]]
    return tuple(np.stack([sample[name] for sample in samples]) for name in names)


def iterate(loader: Iterable[tuple[np.ndarray, ...]]) -> Iterator[int]:
    for arrays in loader:
        yield len(arrays[0])


if __name__ == "__main__":
    main()
