"""Draws a sheet of samples that shows the design of a data set: its ``contact_sheet.png``.

Without a design these are the first samples. A sample from EXR shows its image, instances, classes,
depth, and the labels in `rendering.labels`.
"""

# No slow imports at the top: a sheet that is up to date is found at once.
from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.dataset.names import (
    INFO_FILE,
    Listing,
    list_samples,
    read_files_per_folder,
    sample_path,
)
from synrender.errors import UserError
from synrender.system.disk import refuse_unwritable
from synrender.system.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

_NUM_HEAD_BYTES = 1 << 16
_DESCRIPTION = re.compile(rb"Sheet for (\d+) of (\d+) samples: ([\d ]+)\.")


def draw_contact_sheet(dataset_dir: Path, sheet: Path, num_samples: int) -> None:
    """Draws the sheet, unless it is newer than every sample that it shows.

    Args:
        dataset_dir: of the data set.
        sheet: file to write.
        num_samples: how many samples to show, about.

    Raises:
        UserError: there is no complete sample, one is damaged, or the file cannot be written.
    """
    files_per_folder = read_files_per_folder(dataset_dir / INFO_FILE)
    listing = list_samples(dataset_dir, files_per_folder)
    if not listing.pairs:
        raise UserError(
            f"--dataset {dataset_dir.name!r}: no complete samples in {dataset_dir / 'img'}; "
            f"render some first: python render.py -d {dataset_dir.name}"
        )

    def find_image(idx: int) -> Path:
        ending = "png" if idx in listing.pngs else "exr"
        return sample_path(dataset_dir, idx, ending, files_per_folder)

    if not is_up_to_date(sheet, (num_samples, len(listing.pairs)), find_image):
        refuse_unwritable(sheet.parent)
        draw(dataset_dir, sheet, listing, num_samples)


def is_up_to_date(sheet: Path, asked: tuple[int, int], find_image: Callable[[int], Path]) -> bool:
    """Whether a sheet is what is asked for, and newer than each sample that it shows.

    Args:
        sheet: its file.
        asked: how many samples to show, and how many there are.
        find_image: path of a sample's image.
    """
    try:
        with open_regular(sheet) as file:
            found = _DESCRIPTION.search(file.read(_NUM_HEAD_BYTES))
        if found is None or (int(found[1]), int(found[2])) != asked:
            return False
        newest = max(find_image(int(idx)).stat().st_mtime_ns for idx in found[3].split())
        return sheet.stat().st_mtime_ns > newest
    except (OSError, ValueError):
        return False


def draw(dataset_dir: Path, sheet: Path, listing: Listing, num_samples: int) -> None:
    """Draws the sheet of a data set's small files."""
    import numpy as np

    from synrender.loading.dataset import open_dataset
    from synrender.report.sheet import choose_sheet, draw_sheet, read_sheet
    from synrender.system.files import write_atomically

    data, idxs = open_dataset(dataset_dir / "img"), np.array(listing.pairs)
    arrangement = choose_sheet(data, idxs, num_samples)
    picture = draw_sheet(read_sheet(data, arrangement))
    shown = " ".join(str(idxs[place]) for place in arrangement.places)
    description = f"Sheet for {num_samples} of {len(idxs)} samples: {shown}."
    write_atomically(sheet, lambda path: save_sheet(picture, path, description))


def save_sheet(picture: Image.Image, path: Path, description: str) -> None:
    """Writes a Pillow image as PNG with its description near the start of the file."""
    import imageio.v3 as iio
    import numpy as np
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Description", description)
    iio.imwrite(path, np.asarray(picture), extension=".png", pnginfo=info, optimize=True)
