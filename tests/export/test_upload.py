"""Exports and HDF5 files in object storage."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from synrender.errors import CutShort, UserError
from synrender.export.upload import UPLOADS
from synrender.system.remote import RemoteFolder, is_url
from tests.export.helpers import Exporter


def read_all(url: str) -> dict[str, bytes]:
    remote = RemoteFolder(url)
    return {name: remote.read(name) for name in remote.find_sizes() if name != UPLOADS}


def read_folder(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def single(exporter: Exporter, tmp_path: Path) -> Exporter:
    """Exports ``single`` into a data folder of the test."""
    shutil.copytree(exporter.data_dir / "single", tmp_path / "single")
    return dataclasses.replace(exporter, data_dir=tmp_path)


def find_out(single: Exporter) -> Path:
    return single.data_dir / "single_imagefolder"


EXPORT = ("-d", "single", "--to", "imagefolder")


def test_all_files_of_an_export_are_copied_once(single: Exporter, storage: str) -> None:
    url = f"{storage}/new/folder"
    text = single.run(*EXPORT, "--out", url)
    assert read_all(url) == read_folder(find_out(single))
    assert f"{url}: {len(read_folder(find_out(single)))} files copied\n" in text
    assert "0 files copied" in single.run(*EXPORT, "--out", url)


def test_another_file_of_the_same_name_is_never_replaced(single: Exporter, storage: str) -> None:
    remote = RemoteFolder(storage)
    remote.write("README.md", b"mine")
    text = single.run(*EXPORT, "--out", storage, status=2)
    assert "did not copy there; choose another place" in text.splitlines()[-1]
    assert read_all(storage) == {"README.md": b"mine"}


def test_an_export_that_changed_replaces_the_copy_only_if_asked(
    single: Exporter, storage: str
) -> None:
    single.run(*EXPORT, "--out", storage)
    before = read_all(storage)
    text = single.run(*EXPORT, "--out", storage, "--license", "mit", status=2)
    line = text.splitlines()[-1]
    assert "holds another 'README.md'" in line
    assert line.endswith("or --overwrite")
    assert read_all(storage) == before
    single.run(*EXPORT, "--out", storage, "--license", "mit", "--overwrite")
    assert read_all(storage) == read_folder(find_out(single)) != before


def test_a_listed_file_of_another_size_is_copied_again(single: Exporter, storage: str) -> None:
    single.run(*EXPORT, "--out", storage)
    RemoteFolder(storage).write("train/metadata.jsonl", b"cut")
    assert "1 files copied" in single.run(*EXPORT, "--out", storage)
    assert read_all(storage) == read_folder(find_out(single))


def test_a_killed_copy_is_continued(single: Exporter, bucket: str) -> None:
    """Killed at random moments; a file is either whole or not there."""
    single.run(*EXPORT)
    made, num_kills, moments = read_folder(find_out(single)), 0, random.Random(0)
    while True:
        process = single.start(*EXPORT, "-j", 1, "--out", bucket)
        remote, target = RemoteFolder(bucket), moments.randrange(1, 8)
        first = len(remote.find_sizes())
        while process.poll() is None and num_kills < 2:
            if len(remote.find_sizes()) >= first + target:
                process.send_signal(signal.SIGKILL)
                num_kills += 1
                break
            time.sleep(0.01)
        process.communicate()
        status = process.returncode
        found = read_all(bucket)
        assert found.items() <= made.items()
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert "export.json" not in found or found == made
    assert num_kills == 2
    assert found == made


def test_a_storage_that_does_not_answer_is_one_line(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    with pytest.raises(UserError, match="s3://nothing-here/x: there is no such bucket"):
        RemoteFolder("s3://nothing-here/x").write("a", b"")
    with pytest.raises(UserError, match=r"s3://, gs://, az:// and file:// work"):
        RemoteFolder("nosuch://x").find_sizes()
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(CutShort, match=rf"{bucket}: cannot be listed \(EndpointConnectionError"):
        RemoteFolder(bucket).find_sizes()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_missing_package_is_named() -> None:
    with pytest.raises(UserError, match="needs the Python package gcsfs; pip install gcsfs"):
        RemoteFolder("gs://bucket/x").find_sizes()


def test_what_is_an_address() -> None:
    assert [is_url(t) for t in ("s3://a/b", "file:///a", "/a/b", "a", None, "C:\\x", "")] == [
        *(True, True),
        *5 * (False,),
    ]


def test_a_local_copy_that_is_cut_short_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder has no whole writes, so a file gets its name when it is whole."""
    from fsspec.implementations.local import LocalFileSystem

    def put_half(self, path: str, target: str) -> None:
        Path(target).write_bytes(Path(path).read_bytes()[:3])
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(LocalFileSystem, "put_file", put_half)
    source = tmp_path / "source"
    source.write_bytes(b"whole")
    remote = RemoteFolder(f"file://{tmp_path}/there")
    with pytest.raises(CutShort, match="cannot be written"):
        remote.upload(source, "file")
    assert remote.find_sizes() == {}
