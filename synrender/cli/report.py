"""Writes a report of a data set, DATA_DIR/<dataset>/report.html, to be opened in a browser.

The report is a single file. It has a gallery with filters and label maps, twins side by side, the
distribution of every factor by split, tables of splits and balance, the results of the audit, and
how the data set was made.
With --sheet, writes DATA_DIR/<dataset>/contact_sheet.png instead: a picture of samples that show
the design, or of the first ones without a design.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.cli.arguments import add_dataset_argument, create_parser, whole_number
from synrender.cli.script import HOST_PACKAGES, Command, run_script

if TYPE_CHECKING:
    import argparse

    from synrender.system.folders import Folders

MAX_SHOWN = 2000
NUM_IN_GALLERY, NUM_ON_SHEET = 200, 24
"""Samples that are shown by default."""

EPILOG = """\
examples:
  python report_dataset.py -d test_dataset
  python report_dataset.py -d many -n 60             60 samples in the gallery: a smaller file
  python report_dataset.py -d many --no_audit        start no audit
  python report_dataset.py -d many --sheet           contact_sheet.png, of 24 samples
  python report_dataset.py -d many --out many.html   if the data set's folder cannot be written to

The gallery shows a limited number of samples, chosen evenly over classes, splits and levels of the
design, so the size of the report does not grow with the data set. The distributions are of all
records. It reads the small files, or the HDF5 files of preprocess_data.py.

The report shows the results of the last `python audit_dataset.py`. If there was no audit yet, a
data set of up to 1000 samples is audited now, with rays for 20 of them.

A sheet from EXR shows the image, instances, classes, depth and labels of each sample. A sheet that
is newer than all samples that it shows is left as it is.

In the report, the arrow keys move between the samples, Enter opens a sample, and 1, 2, 3 ... choose
the picture that is shown.
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("report_dataset.py", __doc__, EPILOG)
    add = parser.add_argument
    add_dataset_argument(add)
    add(
        "-n",
        "--num_samples",
        type=whole_number(1, MAX_SHOWN),
        metavar="N",
        help=f"number of samples to show (default: {NUM_IN_GALLERY} in the gallery, "
        f"{NUM_ON_SHEET} on a sheet)",
    )
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="file to write (default: report.html or contact_sheet.png in the data set's folder)",
    )
    add("--sheet", action="store_true", help="draw contact_sheet.png instead of the report")
    add("--no_audit", action="store_true", help="do not start an audit if there was none before")
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Writes the report or the sheet and prints its path; returns the exit status 0."""
    from synrender.dataset.names import REPORT_FILE, SHEET_FILE

    name = SHEET_FILE if arguments.sheet else REPORT_FILE
    path = find_out(arguments.out, folders.data / arguments.dataset / name)
    write = draw_sheet if arguments.sheet else write_page
    write(arguments, folders, path)
    print(path)
    return 0


def find_out(out: Path | None, default: Path) -> Path:
    """The file to write.

    Raises:
        UserError: it is a folder, or has another ending than the default.
    """
    from synrender.errors import UserError
    from synrender.system.folders import to_absolute

    if out is None:
        return default
    path = to_absolute(out)
    if path.is_dir() or path.suffix != default.suffix:
        raise UserError(
            f"--out {out}: must name a file that ends in {default.suffix}, such as {default.name}"
        )
    return path


def draw_sheet(arguments: argparse.Namespace, folders: Folders, path: Path) -> None:
    """Draws the contact sheet; without slow imports, if it is up to date."""
    from synrender.report.contact_sheet import draw_contact_sheet

    dataset_dir = folders.data / arguments.dataset
    draw_contact_sheet(dataset_dir, path, arguments.num_samples or NUM_ON_SHEET)


def write_page(arguments: argparse.Namespace, folders: Folders, path: Path) -> None:
    """Writes the report."""
    from synrender.audit.latest import find_audit
    from synrender.dataset.folder import open_dataset_folder
    from synrender.loading.dataset import open_dataset
    from synrender.report.page import ShownAudit, write_report
    from synrender.system.console import create_bar
    from synrender.system.disk import refuse_unwritable

    folder = open_dataset_folder(folders.data, arguments.dataset)
    refuse_unwritable(path.parent)
    data = open_dataset(folder.path)
    audit = ShownAudit(*find_audit(folder, folders, not arguments.no_audit))
    num_shown = arguments.num_samples or NUM_IN_GALLERY
    with create_bar(len(data) + min(num_shown, len(data)), "report") as bar:
        write_report(data, path, num_shown, audit, bar.update)


COMMAND = Command(parse_arguments, run, (*HOST_PACKAGES, "jinja2"))
main = functools.partial(run_script, COMMAND)  # `synrender-report`
