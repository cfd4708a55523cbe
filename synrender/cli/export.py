"""Writes a data set in the format of other tools, with a card and metadata that describe it.

Reads imgs_XX.h5 if these files are there, else the small files of DATA_DIR/<dataset>/img/.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from synrender.cli.arguments import (
    add_dataset_argument,
    add_jobs_argument,
    create_parser,
    whole_number,
)
from synrender.cli.script import HOST_PACKAGES, Command, choose_resume, run_script
from synrender.export import FORMATS
from synrender.system.interrupts import Resume

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from synrender.settings.groups import Captions
    from synrender.system.folders import Folders

EPILOG = """\
formats:
  webdataset   train-000000.tar, ...: 000012.png and 000012.json; from EXR also instance.png,
               class.png and depth.png of 16 bits, normal.npy, ...
  parquet      data/train-00000-of-00002.parquet, ...: for datasets.load_dataset; images, labels of
               pixels and factors as typed columns
  mds          train/shard.00000.mds, ..., train/index.json: for streaming.StreamingDataset
  coco         train/000012.png, annotations/instances_train.json: masks, boxes, categories; needs
               EXR
  yolo         images/train/000012.png, labels/train/000012.txt (polygons), boxes/..., data.yaml;
               needs EXR
  bop          train/000000/: rgb, depth, mask, mask_visib, scene_gt.json, ...; models/ as PLY, an
               object for each size of a model; needs EXR and the models
  nerf         train/000000/: a sequence, images/000012.png and transforms.json, as nerfstudio reads
               it; RGBA where nothing is behind the objects; only the camera may move
  imagefolder  train/chair/000012.png, train/metadata.jsonl: for classification of single objects
An EXR image becomes an 8-bit sRGB picture. The name of a file is the number of its sample. What is
the same in all samples stands in README.md and export.json alone.

each export holds
  README.md       a data set card: how the data set was made and can be made again, its
                  licenses, and the results of its audit
  captions.json   captions, negatives and the facts behind them, of each sample
  croissant.json  Croissant metadata, with the fields of responsible AI
  export.json     list of all files with their SHA-256; it is written last, so an export that has
                  it is complete

examples:
  python export_dataset.py -d test_dataset --to parquet
  python export_dataset.py -d multi --to webdataset --fields depth_m normal flow
  python export_dataset.py -d multi --to coco --out /data/multi_coco
  python export_dataset.py -d multi --to coco --out /data/multi_coco --verify
  python export_dataset.py -d multi --to webdataset --out s3://bucket/multi
  python export_dataset.py -d multi --to parquet --push hf://user/multi

If an export was stopped or killed, run the same command again to finish it. A complete export is
left as it is. Lost files are written again; a file whose size has changed is an error.
"""

MAX_SHARD_MB = 100_000


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the arguments that follow the script's name."""
    parser = create_parser("export_dataset.py", __doc__, EPILOG)
    add = parser.add_argument
    flag = functools.partial(add, action="store_true")
    add_dataset_argument(add)
    add(
        "--to",
        required=True,
        choices=FORMATS,
        metavar="FORMAT",
        help=", ".join(FORMATS),
    )
    add(
        "--out",
        metavar="FOLDER",
        help="folder to write (default: DATA_DIR/<dataset>_<format>); s3://bucket/name, gs:// or "
        "az://... writes the default folder and copies it there",
    )
    add(
        "--fields",
        nargs="+",
        metavar="NAME",
        help="labels to write besides image and record, as synrender.open_dataset names them, such "
        "as depth_m normal flow box_2d (default: all that the data set was rendered for)",
    )
    add(
        "--captions",
        metavar="STYLE",
        help="short, full or facts, or a gin file with captions.style and captions.patterns "
        "(default: as the data set was rendered)",
    )
    add(
        "--shard_mb",
        type=whole_number(1, MAX_SHARD_MB),
        default=256,
        metavar="MB",
        help="largest size of a tar, Parquet or MDS file (default: 256)",
    )
    add(
        "--license",
        default="",
        metavar="ID",
        help="license of the images, as the Hugging Face Hub names it, such as cc-by-4.0 (default: "
        "what follows from the models and textures)",
    )
    for what, known in (
        ("models", "shapenet for its terms"),
        ("textures", "dtd for its terms"),
        ("environments", "cc0-1.0 for Poly Haven's"),
    ):
        add(
            f"--{what}_license",
            default="",
            metavar="ID",
            help=f"license of your {what}, or {known} (default: not stated)",
        )
    add("--creator", default="", metavar="NAME", help="who publishes the data set, for Croissant")
    add("--url", default="", help="address where the data set will be published, for Croissant")
    add(
        "--push",
        metavar="URL",
        help="then upload the export to a data set of the Hugging Face Hub, such as "
        "hf://user/name; needs huggingface_hub",
    )
    add_jobs_argument(add)
    flag("--overwrite", help="first remove an export that is there")
    flag(
        "--verify",
        help="write nothing, but compare all files of the export with the SHA-256 in its "
        "export.json; the exit status is 1 if a file differs",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Writes the export, or verifies it, on all cores; returns the exit status."""
    from synrender.dataset.folder import open_dataset_folder
    from synrender.export.facts import Publisher
    from synrender.export.push import parse_repository, push_export
    from synrender.export.run import PRELOADED, ExportOptions, export_dataset
    from synrender.system.console import create_bar
    from synrender.system.disk import full_disk_named
    from synrender.system.folders import to_absolute
    from synrender.system.remote import is_url
    from synrender.system.workers import Workers

    repository = parse_repository(arguments.push) if arguments.push else ""
    url = arguments.out if is_url(arguments.out) else ""
    given = None if url else arguments.out
    if arguments.verify and given:  # the data set may be gone
        return verify(to_absolute(given), arguments.jobs)
    folder = open_dataset_folder(folders.data, arguments.dataset)
    out = to_absolute(given or folders.data / f"{folder.name}_{arguments.to}")
    if arguments.verify:
        return verify(out, arguments.jobs)
    options = ExportOptions(
        arguments.to,
        out,
        folders,
        arguments.shard_mb * 1_000_000,
        Publisher(
            arguments.license,
            arguments.creator,
            arguments.url,
            arguments.models_license,
            arguments.textures_license,
            arguments.environments_license,
        ),
        arguments.overwrite,
        None if arguments.fields is None else tuple(arguments.fields),
        find_captions(arguments.captions) if arguments.captions else None,
    )
    with full_disk_named(out), Workers(arguments.jobs, PRELOADED) as workers:
        workers.prepare()
        export_dataset(folder, options, workers, create_bar)
    if url:
        upload(out, url, arguments.overwrite)
    if repository:
        push_export(out, repository, arguments.overwrite)
    return 0


def find_captions(given: str) -> Captions:
    """What captions are like: a style, or what a gin file says."""
    from synrender.settings.caption_styles import STYLES
    from synrender.settings.groups import Captions
    from synrender.settings.load import load_settings

    return Captions(given) if given in STYLES else load_settings([given]).captions


def upload(out: Path, url: str, overwrite: bool) -> None:
    """Copies a complete export to object storage."""
    from synrender.export.marker import list_all_files
    from synrender.export.upload import upload_files
    from synrender.system.console import create_file_bar
    from synrender.system.remote import RemoteFolder

    upload_files(out, list_all_files(out), RemoteFolder(url), create_file_bar, overwrite)


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
    """How an export can be resumed; a comparison cannot."""
    return choose_resume(not arguments.verify, arguments.overwrite)


COMMAND = Command(parse_arguments, run, HOST_PACKAGES, find_resume)
main = functools.partial(run_script, COMMAND)  # `synrender-export`
