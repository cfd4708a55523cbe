"""WebDataset: tars of bounded size, in which the files of a sample follow each other."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from synrender.export.columns import PICTURE, Content, to_name, to_values
from synrender.export.croissant import (
    file_object,
    file_set,
    pictures_of_files,
    records_of_files,
)
from synrender.export.format import (
    CroissantParts,
    ExportedFile,
    Format,
    Job,
    Piece,
    accept_all,
    finish_nothing,
    to_json,
)
from synrender.export.png_samples import PICTURES
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import Sample

_END = bytes(2 * tarfile.BLOCKSIZE)


def piece_path(out: Path, piece: Piece) -> Path:
    """``train-000000.tar``."""
    return out / f"{piece.split}-{piece.number:06d}.tar"


def list_paths(job: Job, content: Content, data: Dataset) -> list[str]:
    """The pieces."""
    return [piece_path(Path(), piece).as_posix() for piece in job.pieces]


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


def read_line(folder: str, job: Job) -> str:
    """All tars of the training split, as the package names them."""
    count = sum(piece.split == "train" for piece in job.pieces)
    number = "000000" if count < 2 else f"{{000000..{count - 1:06d}}}"
    return f'webdataset.WebDataset("{folder}/train-{number}.tar", shardshuffle=False).decode("pil")'


def describe(content: Content, files: Sequence[ExportedFile]) -> CroissantParts:
    """Records of the JSON files in the tars; the pictures of one kind are a set of their own."""
    tars = [file_object(file.path, "application/x-tar", file.sha256) for file in files]
    ids = [tar["@id"] for tar in tars]
    names = ", ".join(column.name for column in content.columns if column.type != PICTURE)
    meaning = f"JSON, with the keys {names}; README.md says what they mean"
    sets = [file_set("records", "*.json", "application/json", ids)]
    record_sets = [records_of_files("records", meaning)]
    for column in content.pictures:
        pattern = f"[0-9]*[0-9].{PICTURES[column.name]}"
        sets.append(file_set(column.name, pattern, "image/png", ids))
        record_sets.append(pictures_of_files(column))
    return CroissantParts((*tars, *sets), tuple(record_sets))


FORMAT = Format(
    "webdataset",
    (),
    accept_all,
    piece_path,
    list_paths,
    encode,
    write,
    finish_nothing,
    read_line,
    "{split}-*.tar",
    describe,
)
