"""Writes a report to look at a data set: DATA_DIR/<dataset>/report.html, one file by itself.

It has a gallery with filters and label maps, twins side by side, the distribution of every factor
by split, tables of splits and balance, the audit's verdicts, and how the data set was made.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from synrender.entry import create_parser, run_and_exit, run_to_status, whole_number

if TYPE_CHECKING:
    import argparse

    from synrender.system.folders import Folders

MAX_SHOWN = 2000

EPILOG = """\
examples:
  python report_dataset.py -d test_dataset
  python report_dataset.py -d many -n 60         60 samples in the gallery, a smaller file
  python report_dataset.py -d many --no_audit    without an audit where there was none

The samples in the gallery are chosen evenly over classes, splits and levels of the design, so the
file has the same size for a data set of any size; all records are read for the distributions.
Works on small files and on the HDF5 files of preprocess_data.py.

The verdicts are those of the last `python audit_dataset.py`. Where there was none, a data set of
up to 1000 samples is audited here, with rays for 20 of them.

In the page: arrow keys move between the samples, Enter opens one, 1, 2, 3 ... choose its pictures.
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("report_dataset.py", __doc__, EPILOG)
    add = parser.add_argument
    add("-d", "--dataset", default="tmp", help="folder below the data folder (default: tmp)")
    add(
        "-n",
        "--num_samples",
        type=whole_number(1, MAX_SHOWN),
        default=200,
        metavar="N",
        help="samples in the gallery (default: 200)",
    )
    add("--no_audit", action="store_true", help="do not audit if there was no audit before")
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Writes the report and prints its path; returns the exit status 0."""
    from synrender.audit.latest import find_audit
    from synrender.dataset.folder import open_dataset_folder
    from synrender.loading.dataset import open_dataset
    from synrender.report.packages import require_packages
    from synrender.system.console import create_bar, say

    require_packages()
    from synrender.report.write import write_report

    folder = open_dataset_folder(folders.data, arguments.dataset)
    data = open_dataset(folder.path)
    audit, note = find_audit(folder, folders, not arguments.no_audit)
    num_shown = min(arguments.num_samples, len(data))
    with create_bar(len(data) + num_shown, "report") as bar:
        path = write_report(data, folder.path, arguments.num_samples, audit, note, bar.update)
    say(str(path))
    return 0


def main() -> int:
    """Runs the script; returns the exit status: 2 for a user's mistake, 1 for other trouble."""
    arguments = parse_arguments(sys.argv[1:])
    from synrender.system.folders import find_folders

    folders = find_folders(os.environ)
    return run_to_status(lambda: run(arguments, folders), folders.data)


def run_script() -> None:
    """Entry point of ``synrender-report``, and of this file."""
    run_and_exit(main)


if __name__ == "__main__":
    run_script()
