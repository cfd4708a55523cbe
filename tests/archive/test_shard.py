"""A file of an archive that is not as this program writes it is named, before anything is read."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import synrender
from synrender.dataset.shard import Damaged, open_file
from tests.archive.helpers import Archiver, QuickArchiver, write_dataset
from tests.helpers import PROJECT_DIR

FIXTURES = Path(__file__).parents[1] / "fixtures"
Change = Callable[[h5py.File], object]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of two objects each, and the arrays made of them."""
    folder = tmp_path_factory.mktemp("archive") / "made"
    info = json.loads((FIXTURES / "before_single" / "dataset.json").read_text())
    write_dataset(folder, info, 24, 2, is_exr=True)
    Archiver(folder.parent).run("-d", "made", "-f", "-p", "-r", 8, "-b", 2, "-j", 1)
    return folder


def attribute(name: str, value: object) -> Change:
    return lambda file: file.attrs.__setitem__(name, value)


def remove_attribute(name: str) -> Change:
    return lambda file: file.attrs.__delitem__(name)


def remove(name: str) -> Change:
    return lambda file: file.__delitem__(name)


def replace(name: str, make: Callable[[h5py.File], object]) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        make(file)

    return change


def field(name: str, *arguments: object, **options: object) -> Change:
    return replace(name, lambda file: file.create_dataset(name, *arguments, **options))


def put_outside(file: h5py.File) -> None:
    shape, dtype = file["class"].shape, file["class"].dtype
    del file["class"]
    file.create_dataset("class", shape, dtype, external=[("/etc/passwd", 0, 1000)])


def put_virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((12, 2), np.int64)
    layout[:] = h5py.VirtualSource("/dev/zero", "class", (12, 2))
    del file["class"]
    file.create_virtual_dataset("class", layout)


CHANGES = {
    "no num_objs": (remove_attribute("num_objs"), "has no attribute num_objs"),
    "no intrinsics": (remove_attribute("intrinsics"), "has no attribute intrinsics"),
    "no dataset": (remove_attribute("dataset"), "has no attribute dataset"),
    "no split_ends": (remove_attribute("split_ends"), "has no attribute split_ends"),
    "a billion shards": (attribute("num_buckets", 10**9), "num_buckets must be 1 to 1000"),
    "no shards": (attribute("num_buckets", 0), "num_buckets must be 1 to 1000"),
    "another number of shards": (attribute("num_buckets", 3), "must be"),
    "text": (attribute("num_samples", "24"), "num_samples must be"),
    "a list": (attribute("num_objs", [2]), "num_objs must be"),
    "half": (attribute("image_size", 8.5), "image_size must be"),
    "huge": (attribute("image_size", 2**40), "image_size must be"),
    "NaN": (attribute("intrinsics", np.full((3, 3), np.nan)), "intrinsics must be"),
    "short": (attribute("world_to_camera", np.eye(3)), "world_to_camera must be"),
    "ends": (attribute("split_ends", [24, 24, 24]), "split_ends is another"),
    "buckets": (attribute("split_buckets", [-1, 12, 1]), "split_buckets holds no"),
    "three": (attribute("split_buckets", [12]), "split_buckets must be"),
    "number": (attribute("dataset", 5), "dataset is damaged"),
    "no JSON": (attribute("dataset", "{"), "dataset is damaged"),
    "nothing": (attribute("dataset", h5py.Empty("f")), "dataset is damaged"),
    "no class": (remove("class"), "has no field class"),
    "no images": (remove("png_images"), "has no field png_images"),
    "no depth": (remove("png_depth"), "has no field png_depth"),
    "a group": (replace("class", lambda f: f.create_group("class")), "class is not a field"),
    "a type": (replace("class", lambda f: f.__setitem__("class", np.dtype("i8"))), "not a field"),
    "a scalar": (field("class", data=5), "class holds ()"),
    "empty": (field("class", dtype="i8"), "class holds None"),
    "too few": (field("class", data=np.zeros((11, 2), int)), "class holds (11, 2)"),
    "another shape": (field("rot_mat", data=np.zeros((12, 2, 3))), "rot_mat holds (12, 2, 3)"),
    "another type": (field("class", data=np.zeros((12, 2))), "float64, must be"),
    "bytes for text": (field("model_id", data=np.zeros((12, 2), "V8")), "model_id holds"),
    "numbers for PNGs": (field("png_images", data=np.zeros(12, "u1")), "png_images holds"),
    "wide PNGs": (field("png_images", (12,), h5py.vlen_dtype("u2")), "png_images holds"),
    "not there": (field("location", (12, 2, 3), "f8"), "location is cut off"),
    "chunks that are not there": (field("location", (12, 2, 3), "f8", chunks=True), "is cut off"),
    "a huge chunk": (
        field("location", data=np.zeros((12, 2, 3)), maxshape=(None,) * 3, chunks=(1000, 100, 90),
              compression="gzip"),
        "has chunks of 72000000 bytes",
    ),
    "elsewhere": (put_outside, "class lies in another file"),
    "virtual": (put_virtual, "class lies in another file"),
    "a soft link": (replace("class", lambda f: f.__setitem__("class", h5py.SoftLink("/bucket"))),
                    "class is a link"),
    "a link to a device": (
        replace("class", lambda f: f.__setitem__("class", h5py.ExternalLink("/dev/zero", "class"))),
        "class is a link",
    ),
    "a link beside": (lambda f: f.__setitem__("x", h5py.ExternalLink("pipe", "x")), "x is a link"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_a_shard_lacks_is_said(archive: Path, tmp_path: Path, name: str) -> None:
    change, message = CHANGES[name]
    path = Path(shutil.copy(archive / "imgs_00.h5", tmp_path))
    with h5py.File(path, "r+") as file:
        change(file)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Damaged, match=re.escape(message)) as error:
        synrender.open_dataset(path)
    assert str(error.value).startswith(f"{path}: no HDF5 file, or damaged")
    assert str(error.value).endswith("write it again with --to_hdf5 --overwrite --bucket_idxs 0")
    assert "\n" not in str(error.value)


ARRAY_CHANGES = {
    "no res": (remove_attribute("res"), "has no attribute res"),
    "no mean": (remove_attribute("mean"), "has no attribute mean"),
    "std": (attribute("std", [1.0, 0.0, 1.0]), "std must be above 0"),
    "color_space": (attribute("color_space", "xyz"), "color_space is neither"),
    "data": (field("data", data=np.zeros((24, 3, 8, 8), "f4")), "data holds"),
    "targets": (field("targets", data=np.zeros((24, 3, 8), "u1")), "targets holds"),
    "depth": (field("depth", data=np.zeros((24, 8, 9), "u2")), "depth holds"),
}


@pytest.mark.parametrize("name", ARRAY_CHANGES)
def test_whatever_a_file_of_arrays_lacks_is_said(archive: Path, tmp_path: Path, name: str) -> None:
    change, message = ARRAY_CHANGES[name]
    path = Path(shutil.copy(archive / "data_8.h5", tmp_path))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(Damaged, match=re.escape(message)) as error:
        synrender.open_dataset(path)
    assert str(error.value).endswith("write it again with --preprocess --overwrite")


def test_a_length_that_is_no_length_takes_no_memory(archive: Path, tmp_path: Path) -> None:
    """HDF5 would make room for 4 GB before it finds that there is no such value."""
    path = Path(shutil.copy(archive / "imgs_00.h5", tmp_path))
    with h5py.File(path) as file:
        places = [file[name].id.get_offset() for name in ("png_images", "model_id")]
    for place in places:
        content = bytearray(path.read_bytes())
        content[place : place + 4] = struct.pack("<I", 2**32 - 1)
        damaged = tmp_path / "imgs_01.h5"
        damaged.write_bytes(content)
        with pytest.raises(Damaged, match="longer than the file"), open_file(damaged):
            pass


def test_fields_of_others_are_left_alone(archive: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(archive / "imgs_00.h5", tmp_path))
    with h5py.File(path, "r+") as file:
        file["notes"], file["png_notes"] = "my own", np.zeros(3)
        file.create_group("more")
    data = synrender.open_dataset(path)
    assert "notes" not in data.all_fields
    assert len(list(data)) == 12


def test_a_file_is_checked_once_for_each_of_its_states(archive: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(archive / "imgs_00.h5", tmp_path))
    with open_file(path):
        pass
    with h5py.File(path, "r+") as file:
        del file["class"]
    with pytest.raises(Damaged, match="has no field class"), open_file(path):
        pass


def test_no_room_opens_an_archive_in_another_way() -> None:
    for path in Path("synrender").rglob("*.py"):
        text, name = path.read_text(), path.as_posix()
        if name not in ("synrender/system/files.py", "synrender/archive/hdf5_files.py"):
            assert "h5py.File(" not in text, path
        if name not in ("synrender/system/files.py", "synrender/dataset/shard.py"):
            assert "open_hdf5_file" not in text, path


@pytest.mark.parametrize("name", ["png_images", "model_id", "an attribute"])
def test_values_that_hdf5_would_read_for_ever_are_damaged(
    name: str, write: Callable[..., Path], quick: QuickArchiver
) -> None:
    """HDF5 never leaves a collection in which an object states a length of 0."""
    dataset_dir = write(24)
    quick.run("-d", "made", "-f", "-b", 1)
    path = dataset_dir / "imgs_00.h5"
    data = bytearray(path.read_bytes())
    address = data.index(b"GCOL")
    if name != "an attribute":
        with h5py.File(path) as file:
            offset = file[name].id.get_offset()
        address = int.from_bytes(data[offset + 4 : offset + 12], "little")
    assert data[address : address + 4] == b"GCOL"
    data[address + 16 : address + 32] = bytes(16)  # the first object has number and length 0
    path.write_bytes(data)
    script = (
        "import synrender, sys\n"
        "try: synrender.open_dataset(sys.argv[1], fields=sys.argv[2:]).read_samples([0, 1])\n"
        "except synrender.UserError as error: print(error)\n"
    )
    field = "model_id" if name == "model_id" else "image"
    command = [sys.executable, "-c", script, str(path), field]
    output = subprocess.run(
        command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "values of varying length are damaged" in output
