"""CPU time to find and list 50,000 models in each layout; nothing of a model is opened.

    python benchmarks/list_models.py

Each layout is written once to a temporary folder and listed by a new process, so that nothing is
kept from before; the files are in the system's cache, as after a download.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

NUM_CLASSES = 50

LIST = """
import sys, time
from pathlib import Path
from synrender.assets.sources.registry import open_source
begin = time.process_time()
opened = open_source(Path(sys.argv[1]))
num = sum(len(opened.list_models(found)) for found in opened.list_classes() if found.is_there)
print(opened.source.name, num, time.process_time() - begin)
"""


def name_models(num: int) -> Iterator[tuple[str, str]]:
    """A synset id and a model id for each model."""
    for k in range(num):
        yield f"{3_000_000 + k % NUM_CLASSES:08d}", f"{k:032x}"


def write_folders(root: Path, num: int) -> Path:
    for synset, model in name_models(num):
        folder = root / synset / model / "models"
        folder.mkdir(parents=True)
        (folder / "model_normalized.obj").touch()
    return root


def write_glb(root: Path, num: int) -> Path:
    for synset, model in name_models(num):
        (root / synset).mkdir(parents=True, exist_ok=True)
        (root / synset / f"{model}.glb").touch()
    return root


def write_archives(root: Path, num: int) -> Path:
    root.mkdir()
    archives: dict[str, zipfile.ZipFile] = {}
    for synset, model in name_models(num):
        if synset not in archives:
            archives[synset] = zipfile.ZipFile(root / f"{synset}.zip", "w")
        archives[synset].writestr(f"{synset}/{model}/models/model_normalized.obj", b"")
    for archive in archives.values():
        archive.close()
    return root


def write_one_archive(root: Path, num: int) -> Path:
    root.mkdir()
    path = root / "ShapeNetCore.v2.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for synset, model in name_models(num):
            archive.writestr(f"ShapeNetCore.v2/{synset}/{model}/models/model_normalized.obj", b"")
    return path


def write_objaverse(root: Path, num: int) -> Path:
    classes: dict[str, list[str]] = {}
    for k, (synset, uid) in enumerate(name_models(num)):
        classes.setdefault(synset, []).append(uid)
        folder = root / "glbs" / f"000-{k % 160:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{uid}.glb").touch()
    packed = gzip.compress(json.dumps(classes).encode())
    (root / "lvis-annotations.json.gz").write_bytes(packed)
    return root


LAYOUTS: dict[str, Callable[[Path, int], Path]] = {
    "folders": write_folders,
    "GLB files": write_glb,
    "an archive for each synset": write_archives,
    "one archive": write_one_archive,
    "Objaverse": write_objaverse,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", "--num_models", type=int, default=50_000)
    num = parser.parse_args().num_models
    print("| layout | source | models | CPU seconds |\n|---|---|---|---|")
    for name, write in LAYOUTS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder, "set"), num)
            command = [sys.executable, "-c", LIST, str(path)]
            source, found, seconds = subprocess.check_output(command, text=True).split()
        print(f"| {name} | {source} | {found} | {float(seconds):.2f} |", flush=True)


if __name__ == "__main__":
    main()
