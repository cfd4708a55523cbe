"""Writes a data set in the format of other tools, with a card and metadata that describe it.

Reads the small files of DATA_DIR/<dataset>/img/, or imgs_XX.h5 if they are there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synrender.cli.arguments import create_parser, whole_number
from synrender.cli.script import HOST_PACKAGES, Command, run_script
from synrender.export import FORMATS
from synrender.settings.checks import MAX_CPUS
from synrender.system.interrupts import Resume

if TYPE_CHECKING:
    import argparse

    from synrender.system.folders import Folders

EPILOG = """\
formats:
  webdataset   train-000000.tar, ...: 000012.png and 000012.json; from EXR also instance.png,
               class.png and depth.png of 16 bits
  parquet      data/train-00000-of-00002.parquet, ...: for datasets.load_dataset, labels and
               factors as typed columns
  coco         train/000012.png, annotations/instances_train.json: masks, boxes, categories; needs
               EXR
  imagefolder  train/chair/000012.png, train.jsonl: for classification of single objects
The image of an EXR is its 8-bit sRGB picture. A file's name is the number of its sample.

each export holds
  README.md       a data set card: how it was made and how to make it again, licenses, audit
  croissant.json  Croissant metadata, with the fields of responsible AI
  export.json     comes last: the export is complete; lists all files with their SHA-256

examples:
  python export_dataset.py -d test_dataset --to parquet
  python export_dataset.py -d multi --to coco --out /data/multi_coco
  python export_dataset.py -d multi --to coco --out /data/multi_coco --verify

Repeat the same command to finish an export that was stopped or killed. One that is complete is left
alone; it is refused if a file has another size than it had, and lost files are written again.
"""

MAX_SHARD_MB = 100_000


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the arguments that follow the script's name."""
    parser = create_parser("export_dataset.py", __doc__, EPILOG)
    add = parser.add_argument
    add("-d", "--dataset", default="tmp", help="folder below the data folder (default: tmp)")
    add("--to", required=True, choices=FORMATS, metavar="FORMAT", help=f"{', '.join(FORMATS)}")
    add("--out", type=Path, help="folder to write (default: DATA_DIR/<dataset>_<format>)")
    add(
        "--shard_mb",
        type=whole_number(1, MAX_SHARD_MB),
        default=256,
        metavar="MB",
        help="size of a tar or Parquet file, at most (default: 256)",
    )
    add(
        "--license",
        default="",
        metavar="ID",
        help="license of the images as the Hugging Face Hub names it, such as cc-by-4.0 (default: "
        "what follows from the models and textures)",
    )
    for what, known in (("models", "shapenet"), ("textures", "dtd")):
        add(
            f"--{what}_license",
            default="",
            metavar="ID",
            help=f"license of your {what}, or {known} for its terms (default: not stated)",
        )
    add("--creator", default="", metavar="NAME", help="who publishes it, for Croissant")
    add("--url", default="", help="address where it will be published, for Croissant")
    add(
        "-j",
        "--jobs",
        type=whole_number(1, MAX_CPUS),
        help="processes to work in (default: one for each CPU)",
    )
    add("--overwrite", action="store_true", help="remove the export that is there first")
    add(
        "--verify",
        action="store_true",
        help="only compare all files of the export with the SHA-256 in its export.json; exit "
        "status 1 if any differs",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Writes the export, or verifies it, on all cores; returns the exit status."""
    from synrender.dataset.folder import open_dataset_folder
    from synrender.export.facts import Publisher
    from synrender.export.run import PRELOADED, ExportOptions, export_dataset
    from synrender.system.console import create_bar
    from synrender.system.disk import full_disk_named
    from synrender.system.folders import to_absolute
    from synrender.system.workers import Workers

    if arguments.verify and arguments.out:  # the data set may be gone
        return verify(to_absolute(arguments.out), arguments.jobs or 0)
    folder = open_dataset_folder(folders.data, arguments.dataset)
    out = to_absolute(arguments.out or folders.data / f"{folder.name}_{arguments.to}")
    if arguments.verify:
        return verify(out, arguments.jobs or 0)
    options = ExportOptions(
        arguments.to,
        out,
        arguments.shard_mb * 1_000_000,
        Publisher(
            arguments.license,
            arguments.creator,
            arguments.url,
            arguments.models_license,
            arguments.textures_license,
        ),
        arguments.overwrite,
    )
    with full_disk_named(out), Workers(arguments.jobs or 0, PRELOADED) as workers:
        workers.prepare()
        export_dataset(folder, options, workers, create_bar)
    return 0


def verify(out: Path, num_jobs: int) -> int:
    """Compares an export with its list of files and prints what differs; returns the status."""
    from synrender.export.marker import verify_export
    from synrender.export.run import PRELOADED
    from synrender.system.console import create_file_bar, say
    from synrender.system.workers import Workers

    with Workers(num_jobs, PRELOADED) as workers:
        found = verify_export(out, workers, create_file_bar)
    say(str(out), *found.to_lines())
    return 1 if found.num_differences else 0


def find_resume(arguments: argparse.Namespace) -> Resume:
    """How an export goes on; a comparison does not."""
    if arguments.verify:
        return Resume.NOT
    return Resume.WITHOUT_OVERWRITE if arguments.overwrite else Resume.SAME


COMMAND = Command(parse_arguments, run, HOST_PACKAGES, find_resume)


def main() -> None:
    """Entry point of ``synrender-export``."""
    run_script(COMMAND)
