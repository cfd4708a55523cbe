"""A file that cannot be read now is not called damaged, and nothing that replaces it is advised."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synrender.archive.hdf5_files import CannotWrite, new_file
from synrender.cli.preprocess import COMMAND
from synrender.cli.script import run_command
from synrender.dataset.archived import add_archived, read_archived
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.shard import open_file
from synrender.errors import UserError
from synrender.system.disk import DiskFull
from synrender.system.files import Hindrance, Unreadable
from tests.helpers import PROJECT_DIR, as_plain_user, disable_locks

FIXTURES = Path(__file__).parents[1] / "fixtures"

READ_ALL = """
import os, resource, sys
from pathlib import Path
import h5py, numpy, synrender.loading.hdf5
from synrender.dataset.archived import read_archived
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import read_info
from synrender.dataset.shard import is_readable, open_file

def read_shard():
    with open_file(path / "imgs_00.h5"):
        pass

path = Path(sys.argv[1])
if "crowded" in sys.argv:
    str(read_info(path)), read_shard()  # so that what is imported late is there
    used = os.open("/", os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
for read in (
    lambda: read_info(path),
    lambda: DatasetFolder(path, is_exr=False).find_missing([0]),
    lambda: read_archived(path),
    lambda: is_readable(path / "imgs_00.h5"),
    read_shard,
):
    try:
        print("read", read())
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.fixture
def dataset_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sample 0 as files, and a verified shard that can be opened."""
    path = shutil.copytree(FIXTURES / "before_single", tmp_path / "data" / "single")
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(path.parent))
    assert run_command(COMMAND, ["-d", "single", "-f", "-b", "1", "-j", "1"]) == 0
    add_archived(path, "imgs_00.h5", [7])
    return path


def read_all(dataset_dir: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> list[str]:
    command = [*prefix, sys.executable, "-c", READ_ALL, str(dataset_dir), *arguments]
    result = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


def test_with_too_many_open_files_all_ends_in_a_line_that_says_so(dataset_dir: Path) -> None:
    lines = read_all(dataset_dir, "crowded")
    assert len(lines) == 5
    for line in lines:
        assert line.startswith(f"Hindrance {dataset_dir}/"), lines
        assert "(Too many open files)" in line
        assert "ulimit -n" in line


def test_files_that_this_user_may_not_read_are_neither_damaged_nor_missing(
    dataset_dir: Path,
) -> None:
    names = ("dataset.json", "img/00000.npy", "archived.json", "imgs_00.h5")
    for name in names:
        (dataset_dir / name).chmod(0)
    lines = read_all(dataset_dir, prefix=as_plain_user())
    (dataset_dir / "archived.json").chmod(0o644)
    (dataset_dir / "img" / "00000.npy").chmod(0o644)
    (dataset_dir / "img" / "00000.png").chmod(0)
    lines += read_all(dataset_dir, prefix=as_plain_user())[1:3]  # of the image, and of the shard
    assert len(lines) == 7
    for line in lines:
        assert line.startswith(f"Unreadable {dataset_dir}/"), lines
        assert "(Permission denied)" in line
        assert "chmod" in line


def test_a_shard_that_another_process_locks_is_not_damaged(dataset_dir: Path) -> None:
    path = dataset_dir / "imgs_00.h5"
    with path.open("r+b") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)  # as HDF5 does to write into it
        with pytest.raises(Unreadable, match="another process has locked it"), open_file(path):
            pass
    with open_file(path):
        pass


def test_what_is_damaged_is_called_so(dataset_dir: Path) -> None:
    path = dataset_dir / "imgs_00.h5"
    path.write_bytes(path.read_bytes()[:100])
    refused = pytest.raises(UserError, match="no HDF5 file, or damaged; write it again")
    with refused as caught, open_file(path):
        pass
    assert not isinstance(caught.value, Hindrance)
    assert read_archived(dataset_dir) == frozenset()
    folder = DatasetFolder(dataset_dir, is_exr=False)
    folder.record_path(0).write_bytes(b"")
    folder.image_path(1).unlink()
    assert folder.find_missing(range(2)) == [0, 1]


def test_a_file_that_cannot_be_written_names_the_reason_and_asks_for_room_only_on_a_full_disk(
    tmp_path: Path,
) -> None:
    (tmp_path / "imgs_00.h5").mkdir()
    refused = pytest.raises(CannotWrite, match="Is a directory")
    with refused as caught, new_file(tmp_path / "imgs_00.h5"):
        pass
    assert "make room" not in str(caught.value)
    with pytest.raises(DiskFull, match="make room"), new_file(tmp_path / "imgs_01.h5"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "number",
    [
        errno.ENOLCK,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (errno.ENOSYS, errno.ENOTSUP)),
    ],
)
def test_without_locks_everything_goes_on_with_one_warning(
    rendered_single: Path, tmp_path: Path, number: int
) -> None:
    dataset_dir = shutil.copytree(rendered_single, tmp_path / "data" / "unlocked")
    (dataset_dir / "img" / "00003.npy").unlink()
    environment = {**os.environ, "SYNRENDER_DATA_DIR": str(dataset_dir.parent)}
    environment |= disable_locks(dataset_dir.parent, number)
    (dataset_dir.parent / "demo_assets").symlink_to(rendered_single.parent / "demo_assets")
    commands = [
        ["render.py", "-d", "unlocked", "-g", str(dataset_dir / "config.gin")],
        ["preprocess_data.py", "-d", "unlocked", "-f", "-p", "-r", "8", "-j", "2"],
    ]
    if number == errno.ENOLCK:  # of the most common kind also the rest
        commands += [
            ["preprocess_data.py", "-d", "unlocked", "-f", "-p", "-r", "8", "--overwrite"],
            ["export_dataset.py", "-d", "unlocked", "--to", "imagefolder", "-j", "1"],
            ["report_dataset.py", "-d", "unlocked", "--no_audit"],
        ]
    for command in commands:
        result = subprocess.run(
            [sys.executable, *command],
            cwd=PROJECT_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, (command, result.stderr)
        (line,) = result.stderr.splitlines()
        assert f"cannot be locked ({os.strerror(number)}); going on without locks" in line
    assert not list(dataset_dir.rglob(".*.tmp-*"))
