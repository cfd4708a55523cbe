"""Draws a sheet of a data set's first samples: ``contact_sheet.png`` in its folder.

A sample from EXR shows its image, instances, classes, depth, and the labels in `rendering.labels`.
"""

# No slow imports at the top: a sheet that is up to date is found at once.
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synrender.dataset.names import INFO_FILE, list_samples, read_files_per_folder, sample_path
from synrender.errors import UserError
from synrender.system.disk import refuse_unwritable
from synrender.system.files import open_regular

if TYPE_CHECKING:
    from PIL import Image

_NUM_HEAD_BYTES = 4096


def draw_contact_sheet(dataset_dir: Path, sheet: Path, num_samples: int) -> None:
    """Draws the sheet, unless it is newer than every sample that it shows.

    Args:
        dataset_dir: of the data set.
        sheet: file to write.
        num_samples: number of samples to show, from the first one.

    Raises:
        UserError: there is no complete sample, or the file cannot be written.
    """
    images = find_first_samples(dataset_dir, num_samples)
    if not images:
        raise UserError(
            f"--dataset {dataset_dir.name!r}: no complete samples in {dataset_dir / 'img'}; "
            f"render some first: python render.py -d {dataset_dir.name}"
        )
    if not is_up_to_date(sheet, images):
        refuse_unwritable(sheet.parent)
        draw(dataset_dir, sheet, images)


def find_first_samples(dataset_dir: Path, num_samples: int) -> list[Path]:
    """Image files of the first complete samples, in order."""
    files_per_folder = read_files_per_folder(dataset_dir / INFO_FILE)
    listing = list_samples(dataset_dir, files_per_folder)
    return [
        sample_path(dataset_dir, idx, "png" if idx in listing.pngs else "exr", files_per_folder)
        for idx in listing.pairs[:num_samples]
    ]


def is_up_to_date(sheet: Path, images: list[Path]) -> bool:
    """Whether a sheet shows exactly these samples and is newer than each."""
    try:
        sheet_time = sheet.stat().st_mtime_ns
        newest = max(image.stat().st_mtime_ns for image in images)
        with open_regular(sheet) as file:
            head = file.read(_NUM_HEAD_BYTES)
    except (OSError, ValueError):
        return False
    return sheet_time > newest and describe(images).encode("latin-1") in head


def describe(images: list[Path]) -> str:
    """Text in a sheet's file that says which samples it shows."""
    return f"{len(images)} samples from {images[0].name} to {images[-1].name}."


def draw(dataset_dir: Path, sheet: Path, images: list[Path]) -> None:
    """Draws the sheet of some image files."""
    from synrender.dataset.info import read_required_info
    from synrender.report.pictures import draw_sheet, read_samples
    from synrender.system.files import write_atomically

    info = read_required_info(dataset_dir)
    names = {c: entry.name.split(",")[0] for c, entry in info.classes.items()}
    strip = info.design.block_size if info.design and info.design.paths else 1
    picture = draw_sheet(read_samples(dataset_dir, images, info), dataset_dir.name, names, strip)
    write_atomically(sheet, lambda path: save_sheet(picture, path, describe(images)))


def save_sheet(picture: Image.Image, path: Path, description: str) -> None:
    """Writes a Pillow image as PNG with its description near the start of the file."""
    import imageio.v3 as iio
    import numpy as np
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Description", description)
    iio.imwrite(path, np.asarray(picture), extension=".png", pnginfo=info, optimize=True)
