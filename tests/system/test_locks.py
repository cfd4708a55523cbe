"""Temporary files and folders stay as long as their process runs, and go when it was killed."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from synrender.system.files import write_bytes
from synrender.system.locks import (
    ABANDONED_AFTER_S,
    is_abandoned,
    remove_abandoned_files,
    temporary_file,
    temporary_folder,
    used_folder,
)
from tests.helpers import PROJECT_DIR, disable_locks

IMPORTS = """
import sys
from pathlib import Path
from synrender.system.locks import *
folder = Path(sys.argv[1])
"""
HOLD = """
with temporary_file(folder / "00001.png") as path, temporary_folder(folder, "run") as run:
    print(path.name, run.name, flush=True)
    sys.stdin.read()
"""
CLEAN = """
remove_abandoned_files(folder)
with temporary_folder(folder, "run"):
    pass
"""
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""A container of its own: the host's name is the same there, and the process ids start again."""


@pytest.fixture(params=["here", "in another container", "without locks"])
def prefix(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ...]:
    """What stands before the commands of the processes."""
    if request.param == "here":
        return ()
    if request.param == "without locks":
        values = disable_locks(tmp_path, errno.ENOLCK).items()
        return ("env", *(f"{name}={value}" for name, value in values))
    works = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    return NAMESPACE if works else pytest.skip("only root can start a container here")


def start(prefix: tuple[str, ...], script: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", IMPORTS + script, str(folder)],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def clean_up(prefix: tuple[str, ...], folder: Path) -> str:
    """Removes what is abandoned, in a process of its own; returns what it says."""
    return start(prefix, CLEAN, folder).communicate(timeout=240)[1]


def test_what_is_in_use_stays_and_what_was_killed_goes(
    prefix: tuple[str, ...], tmp_path: Path
) -> None:
    has_locks = prefix[:1] != ("env",)
    holder = start(prefix, HOLD, tmp_path)
    assert holder.stdout is not None
    try:
        used = [tmp_path / name for name in holder.stdout.readline().split()]
        for path in used if has_locks else ():  # a held lock proves that it is in use
            make_old(path)
        warnings = clean_up(prefix, tmp_path)
        assert [path.exists() for path in used] == [True, True]
        assert warnings.count("\n") == (0 if has_locks else 1)
        assert has_locks or "cannot be locked (No locks available)" in warnings
    finally:
        holder.kill()
        holder.communicate()
    clean_up(prefix, tmp_path)
    assert [path.exists() for path in used] == [not has_locks] * 2
    for path in filter(Path.exists, used):
        make_old(path)
    clean_up(prefix, tmp_path)
    assert not any(path.exists() for path in used)


def test_a_folder_stays_as_long_as_anybody_of_a_run_uses_it(tmp_path: Path) -> None:
    """A driver may be killed before its workers, and machines have disks of their own."""
    script = "with temporary_folder(folder, 'run') as path:\n"
    script += "    print(path.name, flush=True)\n    sys.stdin.read()"
    driver = start((), script, tmp_path)
    assert driver.stdout is not None
    shared = tmp_path / driver.stdout.readline().strip()
    with used_folder(shared):
        driver.kill()
        driver.communicate()
        clean_up((), tmp_path)
        assert shared.exists()
    clean_up((), tmp_path)
    assert not shared.exists()
    with used_folder(shared):  # creates it, as on another machine
        assert shared.stat().st_mode & 0o777 == 0o700
        clean_up((), tmp_path)
        assert shared.exists()
    clean_up((), tmp_path)
    assert not shared.exists()


def make_old(path: Path) -> None:
    then = path.stat().st_mtime - 2 * ABANDONED_AFTER_S
    os.utime(path, (then, then))


def test_a_free_lock_proves_nothing_on_another_machine(tmp_path: Path) -> None:
    """Its locks may not be seen here: only a day without a change tells that it is gone."""
    file, folder = tmp_path / ".00001.tmp-0123abcd.7.png", tmp_path / "run-0123abcd-7"
    file.touch()
    folder.mkdir()
    (folder / "journal.json").touch()
    for path in (file, folder):
        make_old(path)
        assert is_abandoned(path) == (path == file)  # something in the folder is new
    file.touch()
    make_old(folder / "journal.json")
    remove_abandoned_files(tmp_path)
    with temporary_folder(tmp_path, "run"):
        pass
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "name",
    [
        ".00001.png",
        ".lock",
        ".notes.tmp-1.2.txt",
        ".work.run-0123abcd.7.json",
        "00001.tmp-0123abcd.7.png",
        ".00001.tmp-0123abcd.7.png.orig.txt",
    ],
)
def test_files_of_others_stay_however_old_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    make_old(tmp_path / name)
    remove_abandoned_files(tmp_path)
    assert (tmp_path / name).exists()


def test_nothing_is_lost_where_others_clean_up_all_the_time(tmp_path: Path) -> None:
    """They may come between the creation of a file and its lock."""
    script = "print(flush=True)\nwhile folder.is_dir(): remove_abandoned_files(folder)"
    cleaner = start((), script, tmp_path)
    assert cleaner.stdout is not None
    cleaner.stdout.readline()
    for k in range(2000):
        write_bytes(tmp_path / f"{k:05d}.png", b"x")
    assert cleaner.poll() is None
    cleaner.kill()
    cleaner.communicate()
    assert len(list(tmp_path.glob("[0-9]*.png"))) == 2000


def test_what_writes_into_the_file_keeps_its_lock(tmp_path: Path) -> None:
    for name, write in {
        "a.npy": lambda path: np.save(path, np.zeros(3)),
        "a.h5": lambda path: h5py.File(path, "w", locking=False).close(),
        "a.txt": lambda path: path.write_text("x"),
    }.items():
        with temporary_file(tmp_path / name) as path:
            write(path)
            assert path.stat().st_size
            assert not is_abandoned(path)


def test_modes_are_as_the_umask_says_but_a_folder_is_this_users_alone(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        write_bytes(tmp_path / "a", b"x")
        with temporary_folder(tmp_path / "parent", "run") as folder:
            assert folder.stat().st_mode & 0o777 == 0o700
            assert folder.parent.stat().st_mode & 0o777 == 0o775
        assert not folder.exists()
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o664


def test_a_planted_link_or_pipe_harms_nobody(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    parent = tmp_path / "parent"
    parent.mkdir()
    (parent / "run-0123abcd-7").symlink_to(precious)
    os.mkfifo(parent / ".a.tmp-0123abcd.7.png")
    make_old(precious)
    remove_abandoned_files(parent)
    with temporary_folder(parent, "run"):
        pass
    shutil.rmtree(parent)
    assert (precious / "file").exists()
