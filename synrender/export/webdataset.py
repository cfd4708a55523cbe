"""WebDataset: tars of bounded size, in which the files of a sample follow each other."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from synrender.export.columns import PICTURE, Schema, to_name, to_values
from synrender.export.croissant import (
    file_object,
    file_set,
    pictures_of_files,
    records_of_files,
)
from synrender.export.format import (
    CroissantParts,
    ExportedFile,
    ExportPlan,
    Format,
    Loader,
    Piece,
    to_json,
)
from synrender.loading.pixel_files import PIXEL_FILES
from synrender.loading.row_source import Sample

_END = bytes(2 * tarfile.BLOCKSIZE)


def piece_path(out: Path, piece: Piece) -> Path:
    """``train-000000.tar``."""
    return out / f"{piece.split}-{piece.number:06d}.tar"


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> bytes:
    """The part of a tar that holds some samples."""
    return b"".join(
        _to_entry(f"{to_name(sample)}.{ending}", data)
        for sample in samples
        for ending, data in _to_files(sample, split, plan.schema)
    )


def write(schema: Schema, chunks: Iterable[bytes], path: Path) -> None:
    """Writes a tar from its parts."""
    with path.open("wb") as file:
        file.writelines(chunks)
        file.write(_END)


def _to_files(sample: Sample, split: str, schema: Schema) -> Iterator[tuple[str, bytes]]:
    for column in schema.pixel_columns:
        yield PIXEL_FILES[column.name].ending, sample[column.name]
    yield "json", to_json(to_values(sample, schema, split)).encode()


def _to_entry(name: str, data: bytes) -> bytes:
    """A file in a tar, without an owner and dated 1970, so that all exports are equal."""
    header = tarfile.TarInfo(name)
    header.size = len(data)
    return header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads all tars of the training split."""
    tars = _name_tars(plan)
    return f'webdataset.WebDataset("{folder}/{tars}", shardshuffle=False).decode("pil")'


def _name_tars(plan: ExportPlan) -> str:
    """All tars of the training split in one pattern."""
    count = sum(piece.split == "train" for piece in plan.pieces)
    return f"train-{'000000' if count < 2 else f'{{000000..{count - 1:06d}}}'}.tar"


def list_loaders(folder: str, plan: ExportPlan) -> tuple[Loader, ...]:
    """For images of one class each."""
    if not plan.schema.is_single:
        return ()
    timm = (
        f'timm.data.create_dataset("wds/", root="{folder}", split="{_name_tars(plan)}", '
        f'num_samples={plan.split_sizes["train"]}, target_key="label")'
    )
    return (Loader("timm 1.0", timm),)


def describe(schema: Schema, files: Sequence[ExportedFile]) -> CroissantParts:
    """Records are the JSON files in the tars; the pixels of each kind are a set of files."""
    tars = [file_object(file.path, "application/x-tar", file.sha256) for file in files]
    ids = [file.path for file in files]
    names = ", ".join(column.name for column in schema.columns if not column.pixels)
    meaning = f"JSON, with the keys {names}; README.md says what they mean"
    sets = [file_set("records", "*.json", "application/json", ids)]
    record_sets = [records_of_files("records", meaning)]
    for column in schema.pixel_columns:
        pattern = f"[0-9]*[0-9].{PIXEL_FILES[column.name].ending}"
        encoding = "image/png" if column.type == PICTURE else "application/x-npy"
        sets.append(file_set(column.name, pattern, encoding, ids))
        record_sets.append(pictures_of_files(column))
    return CroissantParts((*tars, *sets), tuple(record_sets))


FORMAT = Format(
    piece_path=piece_path,
    encode=encode,
    write=write,
    describe=describe,
    reading_line=create_reading_line,
    data_files="{split}-*.tar",
    list_loaders=list_loaders,
)
