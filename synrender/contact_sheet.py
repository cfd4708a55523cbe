"""Draws a sheet of a data set's first samples: DATA_DIR/<name>/contact_sheet.png.

From EXR, each sample shows its colour image, instances, classes and depth.
"""

# The standard library alone, up here: a sheet that is up to date is recognised in no time.
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import paths

EPILOG = """\
examples:
  python -m synrender.contact_sheet -d test_dataset
  python -m synrender.contact_sheet -d many -n 60

A sheet that is newer than every sample it shows is left as it is.
"""

_NUM_HEAD_BYTES = 4096


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the arguments that follow the module's name."""
    parser = argparse.ArgumentParser(
        prog="python -m synrender.contact_sheet",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-d", "--dataset", required=True, help="folder below the data folder")
    parser.add_argument(
        "-n", "--num_samples", type=int, default=20, help="how many to show (default: 20)"
    )
    return parser.parse_args(argv)


def find_first_samples(dataset_dir: Path, num_samples: int) -> list[Path]:
    """Image files of the first samples whose record is there too, in order."""
    with os.scandir(dataset_dir / "img") as entries:
        names = {e.name for e in entries if not e.name.startswith(".")}
    stems = sorted((n[:-4] for n in names if n.endswith(".npy")), key=lambda s: (len(s), s))
    images = (
        dataset_dir / "img" / f"{stem}{suffix}"
        for stem in stems
        for suffix in (".png", ".exr")
        if f"{stem}{suffix}" in names
    )
    return [image for image, _ in zip(images, range(num_samples), strict=False)]


def is_up_to_date(sheet: Path, images: list[Path]) -> bool:
    """Whether a sheet shows exactly these samples and is newer than each."""
    try:
        sheet_time = sheet.stat().st_mtime_ns
        newest = max(image.stat().st_mtime_ns for image in images)
        with sheet.open("rb") as file:
            head = file.read(_NUM_HEAD_BYTES)
    except OSError:
        return False
    return sheet_time > newest and describe(images).encode("latin-1") in head


def describe(images: list[Path]) -> str:
    """What a sheet's own text says of its content."""
    return f"{len(images)} samples from {images[0].name} to {images[-1].name}."


def run(arguments: argparse.Namespace) -> None:
    """Draws the sheet if it is not up to date, and prints its path."""
    from synrender.errors import UserError

    if arguments.num_samples < 1:
        raise UserError(f"--num_samples {arguments.num_samples}: must be at least 1")
    dataset_dir = paths.DATA_DIR / arguments.dataset
    try:
        images = find_first_samples(dataset_dir, arguments.num_samples)
    except OSError:
        images = []
    if not images:
        raise UserError(
            f"--dataset {arguments.dataset!r}: no complete samples in {dataset_dir / 'img'}; "
            f"render some first: python render.py -d {arguments.dataset}"
        )
    sheet = dataset_dir / "contact_sheet.png"
    if not is_up_to_date(sheet, images):
        from synrender.archive.sheet import draw_sheet, read_class_names
        from synrender.records import write_atomically

        try:
            picture = draw_sheet(images, arguments.dataset, read_class_names(dataset_dir))
        except OSError as error:
            raise UserError(f"{dataset_dir / 'img'}: {error}") from None
        write_atomically(sheet, lambda path: save_sheet(picture, path, describe(images)))
    print(sheet)


def save_sheet(picture, path: Path, description: str) -> None:
    """Writes a Pillow image as PNG with its description near the start of the file."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Description", description)
    picture.save(path, format="png", pnginfo=info, optimize=True)


def main() -> int:
    """Runs the script; returns the exit status: 2 for a user's mistake."""
    from synrender.errors import UserError

    try:
        run(parse_arguments(sys.argv[1:]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
