"""Says what a folder or a zip archive of models is, and what to write to render it.

Prints its layout, the number of models of each class, formats and licenses, and lines of gin to
paste. What is no such folder, or only a part of a download, gets one line that says what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synrender.cli.arguments import add_jobs_argument, create_parser
from synrender.cli.script import BLENDER_PACKAGES, Command, run_script

if TYPE_CHECKING:
    import argparse

    from synrender.system.folders import Folders

EPILOG = """\
examples:
  python -m synrender.assets /data/ShapeNetCore
  python -m synrender.assets /data/meshes --check        read every model

Layouts: ShapeNetCore v1, v2 and GLB; Objaverse 1.0; ABO; Google Scanned Objects; OmniObject3D; a
table, models.csv; any folder of OBJ, GLB, glTF, PLY and STL files, in a folder for each class.
"""

PRELOADED = ("synrender.assets.check_models",)


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("synrender-assets", __doc__, EPILOG)
    parser.add_argument("folder", metavar="FOLDER", help="folder or zip archive of models")
    parser.add_argument("--source", default="", metavar="NAME", help="layout (default: recognized)")
    parser.add_argument(
        "--check", action="store_true", help="read every model, and say why one cannot be used"
    )
    add_jobs_argument(parser.add_argument)
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Prints the description; returns the exit status: 1 if a checked model cannot be read."""
    import sys

    from synrender.assets.check_models import check_models
    from synrender.assets.description import describe, find_all_models, find_bindings
    from synrender.system.console import Progress, say
    from synrender.system.folders import to_absolute
    from synrender.system.workers import Workers

    found = find_all_models(to_absolute(arguments.folder), arguments.source)
    say(*describe(found))
    usable = found
    if arguments.check:
        with Workers(arguments.jobs, PRELOADED) as workers:
            checked = check_models(found, workers, Progress(sys.stderr, unit="models").show)
        say(*checked.describe())
        usable = checked.usable
    say("", "To render them, put these lines into a gin file, or each after -p:")
    say(*find_bindings(usable))
    return int(usable.num_models < found.num_models)


COMMAND = Command(parse_arguments, run, BLENDER_PACKAGES)


def main() -> None:
    """Entry point of ``synrender-assets``."""
    run_script(COMMAND)


if __name__ == "__main__":
    main()
