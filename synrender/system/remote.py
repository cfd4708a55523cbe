"""Folders in object storage, such as s3://bucket/prefix, through fsspec.

fsspec finds the credentials: environment variables, configuration files or the machine's own role,
as each storage's own tools do.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.errors import CutShort, UserError, shorten

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_URL = re.compile(r"[a-z][a-z0-9+.-]*://.*")
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}

_WHOLE_WRITES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
"""Storages in which a file appears when all of it is there."""


def is_url(text: object) -> bool:
    """Whether a place is in remote storage, and not a path."""
    return _URL.fullmatch(str(text)) is not None


@dataclass(frozen=True)
class RemoteFolder:
    """A folder in remote storage. Its names are paths below it, with slashes.

    All methods raise UserError where a package or the storage itself is missing, and CutShort where
    it does not answer or refuses.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def find_sizes(self) -> dict[str, int]:
        """Bytes of each file in it and below, by name; none if it does not exist."""
        with self._opened("listed") as (storage, folder):
            storage.invalidate_cache()
            found = storage.find(folder, detail=True)
        prefix = f"{folder.rstrip('/')}/"
        return {
            path.removeprefix(prefix): int(entry["size"] or 0)
            for path, entry in found.items()
            if path.startswith(prefix)
        }

    def find_version(self, name: str) -> str:
        """Says which content a file has, as 32 hexadecimal digits, without reading it."""
        with self._opened("read") as (storage, folder):
            mark = f"{self.url}/{name} {storage.ukey(f'{folder}/{name}')}"
        return hashlib.sha256(mark.encode()).hexdigest()[:32]

    def read(self, name: str) -> bytes:
        """The content of a small file.

        Raises:
            FileNotFoundError: it does not exist.
        """
        with self._opened("read") as (storage, folder):
            return storage.cat_file(f"{folder}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """Writes a small file."""
        with self._finished(name) as (storage, path):
            storage.pipe_file(path, data)

    def upload(self, path: Path, name: str) -> None:
        """Writes a file from a local one. It is there when it is whole."""
        with self._finished(name) as (storage, target):
            storage.put_file(str(path), target)

    def download(self, name: str, path: Path) -> None:
        """Writes a local file."""
        with self._opened("read") as (storage, folder):
            storage.get_file(f"{folder}/{name}", str(path))

    def remove(self, name: str) -> None:
        """Removes a file."""
        with self._opened("removed") as (storage, folder):
            storage.rm_file(f"{folder}/{name}")

    @contextlib.contextmanager
    def _finished(self, name: str) -> Generator[tuple[AbstractFileSystem, str]]:
        """Where to write a file: under another name first, unless the storage needs none."""
        with self._opened("written") as (storage, folder):
            path = f"{folder}/{name}"
            if _find_protocol(self.url) in _WHOLE_WRITES:
                yield storage, path
                return
            storage.makedirs(path.rpartition("/")[0], exist_ok=True)
            temporary = f"{path}.{secrets.token_hex(4)}.part"
            try:
                yield storage, temporary
                storage.mv(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    storage.rm_file(temporary)
                raise

    @contextlib.contextmanager
    def _opened(self, purpose: str) -> Generator[tuple[AbstractFileSystem, str]]:
        """The storage, and the path of the folder in it."""
        storage, folder = _open_storage(self.url)
        try:
            yield storage, folder
        except UserError:
            raise
        except FileNotFoundError:
            if purpose == "read":
                raise
            raise UserError(f"{self.url}: there is no such bucket; create it first") from None
        except Exception as error:  # each storage's library has its own
            reason = shorten(f"{type(error).__name__}: {error}", 200)
            raise CutShort(f"{self.url}: cannot be {purpose} ({reason})") from None


def _find_protocol(url: str) -> str:
    return url.partition("://")[0]


def _open_storage(url: str) -> tuple[AbstractFileSystem, str]:
    """Opens a storage; fsspec keeps it for the process.

    Raises:
        UserError: it is none that fsspec knows, or a package is missing.
    """
    protocol = _find_protocol(url)
    try:
        import fsspec

        return fsspec.url_to_fs(url.rstrip("/"))
    except ImportError:
        package = _PACKAGES.get(protocol, "fsspec")
        raise UserError(
            f"{url}: needs the Python package {package}; pip install {package}"
        ) from None
    except ValueError as error:
        raise UserError(
            f"{url}: {shorten(error, 200)}; s3://, gs://, az:// and file:// work"
        ) from None
