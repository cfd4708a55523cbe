"""Joins parts of a data set that were rendered into several folders, such as local disks of nodes.

The parts must be of one data set: the same settings, models, textures and Blender. Every file is
checked, and copied; the parts stay as they are. Samples that are missing in the end can be rendered
into the merged data set as into any other.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.cli.arguments import create_parser
from synrender.cli.script import BLENDER_PACKAGES, Command, run_script
from synrender.system.interrupts import Resume

if TYPE_CHECKING:
    import argparse

    from synrender.dataset.merge import Merged
    from synrender.system.folders import Folders

EPILOG = """\
example, of a shard in each of two nodes' own data folder:
  SYNRENDER_DATA_DIR=/scratch python render.py -d mine -g mine.gin --shard 0/2     (on node a)
  SYNRENDER_DATA_DIR=/scratch python render.py -d mine -g mine.gin --shard 1/2     (on node b)
  python -m synrender.dataset merge /fetched/a/mine /fetched/b/mine -d mine
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("synrender-dataset", __doc__, EPILOG)
    parser.add_argument("action", choices=["merge"], help="the only action")
    parser.add_argument("parts", nargs="+", metavar="PART", help="folder of a part")
    parser.add_argument(
        "-d",
        "--dataset",
        required=True,
        metavar="NAME",
        help="name of the merged data set, a folder below the data folder; it may be there already",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Merges the parts; returns the exit status: 0, whether or not samples are missing."""
    from synrender.dataset.folder import name_to_dataset_dir
    from synrender.dataset.merge import merge_datasets
    from synrender.system.console import Progress, say
    from synrender.system.folders import to_absolute

    path = name_to_dataset_dir(folders.data, arguments.dataset)
    parts = [to_absolute(part) for part in arguments.parts]
    merged = merge_datasets(path, parts, Progress(sys.stderr).show)
    say(*describe(merged, path))
    return 0


def describe(merged: Merged, path: Path) -> list[str]:
    """Lines for the user."""
    lines = [
        f"{path}: {merged.num_copied} samples copied, {merged.num_present} there already, "
        f"{merged.num_samples - merged.num_missing} of {merged.num_samples} complete"
    ]
    if merged.num_damaged:
        lines.append(f"{merged.num_damaged} samples were left out because a file is damaged")
    if merged.num_rejected:
        lines.append(
            f"{merged.num_rejected} samples were left out because they show a model or texture "
            "that another part has rejected"
        )
    if merged.num_missing:
        config = path / "config.gin"
        lines.append(f"to render what is missing: python render.py -d {path.name} -g {config}")
    return lines


COMMAND = Command(parse_arguments, run, BLENDER_PACKAGES, lambda arguments: Resume.SAME)
main = functools.partial(run_script, COMMAND)  # `synrender-dataset`


if __name__ == "__main__":
    main()
