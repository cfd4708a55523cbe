"""WebDataset: tars of bounded size, in which the files of a sample follow each other."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from synrender.export.columns import Content
from synrender.export.format import Format, accept_all, finish_nothing, to_json
from synrender.export.job import Piece
from synrender.export.samples import PICTURES
from synrender.export.values import to_name, to_values
from synrender.loading.source import Sample

_END = bytes(2 * tarfile.BLOCKSIZE)


def piece_path(out: Path, piece: Piece) -> Path:
    """``train-000000.tar``."""
    return out / f"{piece.split}-{piece.number:06d}.tar"


def encode(samples: Sequence[Sample], split: str, content: Content, out: Path) -> bytes:
    """The samples' part of a tar."""
    return b"".join(
        _to_entry(f"{to_name(sample)}.{ending}", data)
        for sample in samples
        for ending, data in _to_files(sample, split, content)
    )


def write(path: Path, content: Content, chunks: Iterable[bytes]) -> None:
    """Writes a tar from its parts."""
    with path.open("wb") as file:
        file.writelines(chunks)
        file.write(_END)


def _to_files(sample: Sample, split: str, content: Content) -> Iterator[tuple[str, bytes]]:
    for column in content.pictures:
        yield PICTURES[column.name], sample[column.name]
    yield "json", to_json(to_values(sample, content, split)).encode()


def _to_entry(name: str, data: bytes) -> bytes:
    """A file in a tar, equal in every export: of no owner and of 1970."""
    header = tarfile.TarInfo(name)
    header.size = len(data)
    return header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


WEBDATASET = Format("webdataset", (), accept_all, piece_path, encode, write, finish_nothing)
