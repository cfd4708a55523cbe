"""Reads large files in object storage: each is fetched, when it is first needed, into a cache.

The cache is a local folder of bounded size that all processes of a machine share. The file that was
not used for the longest time goes first; a process that has it open keeps it until it closes it.
Files that several processes fetch at the same time can exceed the bound, until the next one is
fetched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synrender.dataset.export_marker import MARKER
from synrender.dataset.info import DatasetInfo
from synrender.dataset.lock import locked
from synrender.dataset.names import file_to_shard, is_hdf5_name, shard_file
from synrender.dataset.shard import open_file, read_layout
from synrender.errors import CutShort, UserError
from synrender.loading.dataset_files import find_hdf5_rows
from synrender.loading.export_files import FETCHED_AGAIN, find_export
from synrender.loading.hdf5 import open_hdf5
from synrender.loading.row_source import DatasetFiles, OpenPart, Part
from synrender.system.files import write_atomically
from synrender.system.remote import RemoteFolder

CACHE_VARIABLE, CACHE_GB_VARIABLE = "SYNRENDER_CACHE_DIR", "SYNRENDER_CACHE_GB"
DEFAULT_CACHE_GB = 50.0

_VERSION = re.compile(r"[0-9a-f]{32}")
_ENDINGS = (".h5", ".tar", ".parquet")
_NUM_TRIES = 5


@dataclass(frozen=True)
class FileCache:
    """Local copies of remote files, ``<version>/<name>`` below a folder."""

    folder: Path
    max_bytes: int

    def fetch(self, remote: RemoteFolder, name: str, num_bytes: int) -> Path:
        """Path of the local copy of a file, which is fetched unless it is there.

        Args:
            remote: its folder.
            name: of the file.
            num_bytes: its size.

        Raises:
            UserError: the file is larger than the cache.
            CutShort: the storage or the disk does not let it be read or written.
        """
        if num_bytes > self.max_bytes:
            raise UserError(
                f"{remote}/{name}: has {num_bytes / 1e9:.2g} GB, the cache "
                f"{self.max_bytes / 1e9:.2g}; set {CACHE_GB_VARIABLE} to more"
            )
        try:
            place = self.folder / remote.find_version(name)
        except FileNotFoundError:
            raise UserError(f"{remote}/{name}: is gone; put it there again") from None
        path = place / name.rpartition("/")[2]
        place.mkdir(parents=True, exist_ok=True)
        with locked(place):
            if not path.exists():
                self._make_room(num_bytes)
                write_atomically(path, functools.partial(remote.download, name))
            os.utime(path)
        return path

    def _make_room(self, num_bytes: int) -> None:
        """Removes the files that were not used for the longest time."""
        found = []
        for place in self.folder.iterdir():
            if _VERSION.fullmatch(place.name):
                for path in place.iterdir():
                    if path.suffix in _ENDINGS and not path.is_symlink():
                        with contextlib.suppress(FileNotFoundError):  # others make room, too
                            found.append((path.stat(), path))
        found.sort(key=lambda entry: entry[0].st_mtime)
        total = sum(status.st_size for status, _ in found) + num_bytes
        for status, path in found:
            if total <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= status.st_size


def find_cache(environment: Mapping[str, str]) -> FileCache:
    """The cache that environment variables describe, else one in the folder of temporary files.

    Raises:
        UserError: the size is no number above 0, or the folder is another user's.
    """
    given = environment.get(CACHE_GB_VARIABLE)
    try:
        size_gb = float(given) if given else DEFAULT_CACHE_GB
        if not 0 < size_gb < 1e9:
            raise ValueError
    except ValueError:
        raise UserError(
            f"{CACHE_GB_VARIABLE}={given}: must be a number of gigabytes above 0"
        ) from None
    folder = environment.get(CACHE_VARIABLE)
    return FileCache(Path(folder) if folder else _create_default(), int(size_gb * 1e9))


def _create_default() -> Path:
    """The cache of this user in the folder of temporary files, where others may write too."""
    folder = Path(tempfile.gettempdir()) / f"synrender-cache-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UserError(
            f"{folder}: is no folder that this user alone can write to; remove it, or name another "
            f"with {CACHE_VARIABLE}"
        )
    return folder


@dataclass(frozen=True)
class RemoteFiles:
    """Large files in object storage; a plain value that goes to other processes."""

    remote: RemoteFolder
    cache: FileCache
    sizes: dict[str, int]  # by name
    open_local: OpenPart

    def open_part(self, path: Path, nothing_hit: float, info: DatasetInfo) -> Part:
        """Fetches and opens a file."""
        for _ in range(_NUM_TRIES):
            with contextlib.suppress(FileNotFoundError):  # others have removed it, to make room
                local = self.fetch(path.as_posix())
                try:
                    return self.open_local(local, nothing_hit, info)
                except UserError:
                    if local.exists():
                        raise
        raise CutShort(
            f"{self.remote}/{path}: others remove it from {self.cache.folder} as soon as it "
            f"is there; set {CACHE_GB_VARIABLE} to more"
        )

    def fetch(self, name: str) -> Path:
        """Path of the local copy of a file."""
        return self.cache.fetch(self.remote, name, self.sizes[name])


def find_remote_files(url: str, cache: FileCache) -> DatasetFiles:
    """Finds the files to read in object storage. Only the first one is fetched.

    Args:
        url: of a file ``imgs_XX.h5`` or ``data_<res>.h5``; or of a folder, which is that of an
            export, or of which the shards are taken, else the one file of arrays.
        cache: for the files.

    Raises:
        UserError: there is nothing to read, or more than one thing.
        CutShort: the storage does not answer.
    """
    folder, _, name = url.rstrip("/").rpartition("/")
    if not is_hdf5_name(name):
        folder, name = url.rstrip("/"), ""
    remote = RemoteFolder(folder)
    found = remote.find_sizes()
    if MARKER in found and not name:
        export = find_export(url, remote.read(MARKER), found.get, FETCHED_AGAIN)
        opener = RemoteFiles(remote, cache, found, export.open_part)
        return dataclasses.replace(export, url=url, open_part=opener.open_part)
    sizes = {n: size for n, size in found.items() if is_hdf5_name(n) and name in ("", n)}
    shards = sorted((n for n in sizes if file_to_shard(n) is not None), key=_find_number)
    names = shards or sorted(sizes)
    if not names or (not shards and len(names) > 1):
        nothing = "no complete export, and no HDF5 file of ours"
        what = f"holds {', '.join(names)}; open one of them" if names else nothing
        raise UserError(f"{url}: {what}, such as {folder}/data_128.h5")
    files = RemoteFiles(remote, cache, sizes, open_hdf5)
    local = files.fetch(names[0])
    first = find_hdf5_rows(local, [local])
    ends = first.part_ends
    if shards and not name:
        with open_file(local) as file:
            layout = read_layout(file)
        if shards != [shard_file(k) for k in range(layout.num_shards)]:
            raise UserError(f"{url}: must hold imgs_00.h5 to {shard_file(layout.num_shards - 1)}")
        ends = tuple(layout.shard_rows(k).stop for k in range(layout.num_shards))
    return dataclasses.replace(
        first,
        path=Path(url),
        url=url,
        parts=tuple(map(Path, names)),
        part_ends=ends,
        open_part=files.open_part,
    )


def _find_number(name: str) -> int:
    return file_to_shard(name) or 0
