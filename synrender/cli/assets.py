"""Says what a folder or a zip archive of models is, and what to write to render it.

Prints its layout, the number of models of each class, formats and licenses, and lines of gin to
paste. If the folder is none of these, or only a part of a download, one line says what it is.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.cli.arguments import add_jobs_argument, create_parser
from synrender.cli.script import (
    BLENDER_PACKAGES,
    HOST_PACKAGES,
    Command,
    require_packages,
    run_script,
)

if TYPE_CHECKING:
    import argparse

    from synrender.assets.description import FoundModels
    from synrender.system.folders import Folders

EPILOG = """\
examples:
  python -m synrender.assets /data/ShapeNetCore
  python -m synrender.assets /data/meshes --check        read every model
  python -m synrender.assets /data/meshes --sheet        draw model_sheet.png, a model of each class

Layouts: ShapeNetCore v1, v2 and GLB; Objaverse 1.0; ABO; Google Scanned Objects; OmniObject3D; a
table, models.csv; any folder of OBJ, GLB, glTF, PLY and STL files, in a folder for each class.
"""

SHEET_FILE = "model_sheet.png"
TO_RENDER = """
To render them, put the lines below into a file, models.gin, and type one of
  python render.py -d NAME -g render_single models.gin
  python distributed_render.py -d NAME -n 1200 -g models.gin{classes}
with any NAME for the data set; or give each line to -p, in double quotes. One more line,
material.source = 'own', shows the materials of the files.
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
    parser.add_argument(
        "--sheet",
        nargs="?",
        const="",
        metavar="FILE.png",
        help=f"draw a model of each class, of 60 at most (default: {SHEET_FILE})",
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

    sheet = find_sheet(arguments.sheet)
    found = find_all_models(to_absolute(arguments.folder), arguments.source)
    say(*describe(found))
    usable = found
    if arguments.check:
        with Workers(arguments.jobs, PRELOADED) as workers:
            checked = check_models(found, workers, Progress(sys.stderr, unit="models").show)
        say(*checked.describe())
        usable = checked.usable
    if sheet:
        draw_sheet(usable, sheet)
        say(f"{sheet}: a picture of one model of each class")
    bindings = find_bindings(usable)
    chosen = [line.rpartition(" ")[2] for line in bindings if line.startswith("sample.class_idxs")]
    classes = f" --num_classes {chosen[0]}" if chosen else ""
    say(*TO_RENDER.format(classes=classes).splitlines(), "", *bindings)
    return int(usable.num_models < found.num_models)


def find_sheet(name: str | None) -> Path | None:
    """The file of the sheet; None if there is to be none.

    Raises:
        UserError: it is no PNG, its folder is missing, or there is a file that is no sheet.
    """
    if name is None:
        return None
    require_packages(HOST_PACKAGES)
    from synrender.errors import UserError
    from synrender.report.model_sheet import refuse_foreign_file
    from synrender.system.disk import refuse_unwritable
    from synrender.system.folders import to_absolute

    path = to_absolute(name or SHEET_FILE)
    if path.suffix.lower() != ".png":
        raise UserError(f"--sheet {name}: must name a file that ends in .png, such as {SHEET_FILE}")
    refuse_unwritable(path.parent, "--sheet")
    refuse_foreign_file(path)
    return path


def draw_sheet(found: FoundModels, path: Path) -> None:
    """Renders a model of each class, and writes the sheet."""
    import tempfile

    from synrender.assets.description import MAX_CLASSES_SHOWN, to_catalog
    from synrender.blender.model_pictures import render_models
    from synrender.report.model_sheet import Tile, count_classes, draw_model_sheet
    from synrender.system.console import Progress, captured_output

    shown = list(found.classes)[:MAX_CLASSES_SHOWN]
    catalog = to_catalog(found, [c for c in shown if found.classes[c]])
    with tempfile.TemporaryDirectory(prefix="synrender-sheet.") as scratch:
        with captured_output() as capture:
            progress = Progress(capture.terminal, unit="classes")
            paths = render_models(catalog, Path(scratch), progress.show)
        tiles = [Tile(c.name.split(",")[0], len(found.classes[c]), paths.get(c.key)) for c in shown]
        title = ": ".join(dict.fromkeys((found.path.name, found.title)))
        draw_model_sheet(tiles, title, count_classes(len(tiles), len(found.classes)), path)


COMMAND = Command(parse_arguments, run, BLENDER_PACKAGES)
main = functools.partial(run_script, COMMAND)  # `synrender-assets`


if __name__ == "__main__":
    main()
