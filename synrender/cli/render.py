"""Renders a data set: an image of each sample, and a record of all factors behind it.

python render.py ARGS                             with the bpy wheel
blender --background --python render.py -- ARGS   with any Blender from 3.4 to 5.2
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.cli.arguments import add_gin_arguments, add_shard_argument, create_parser
from synrender.cli.script import (
    BLENDER_PACKAGES,
    HOST_PACKAGES,
    Command,
    choose_resume,
    refuse_with_shard,
    require_packages,
    run_script,
)
from synrender.system.interrupts import Resume

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from synrender.assets.catalog import Catalog
    from synrender.dataset.folder import DatasetFolder
    from synrender.settings.groups import Settings
    from synrender.system.folders import Folders

PREVIEW = "synrender-previewed"
"""Prefix of the folder of a preview's samples."""

EPILOG = """\
examples:
  python render.py -d test_dataset
  python render.py -d many -g render_multi -p "batch.num_samples = 100"
  python render.py -d plain -p "material.use_texture = False" "object.random_viewpoint = 0"
  python render.py -d copy -g datasets/many/config.gin
  python render.py -d many -g render_multi -p "batch.num_samples = 100" --shard 0/4
  python render.py -d many -g render_multi --preview
  python render.py --replay many 13

config/render_single.gin and config/render_multi.gin explain all parameters. If a run was stopped or
killed, run the same command again to finish it. Batch systems send SIGTERM, which ends a run with
exit status 75. With --shard, several runs render one data set at the same time, on one machine or
on many that share the data folder. Each shard has whole groups of samples, and as many of each
class and bucket as the others.

This needs 0.3 GB of memory. 1,000 samples at 128 x 128 px take 30 MB of disk as PNG (render_single)
or 250 MB as EXR (render_multi).
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("render.py", __doc__, EPILOG)
    parser.add_argument(
        "-d",
        "--dataset_name",
        default="tmp",
        metavar="NAME",
        help="name of the data set, a folder below the data folder (default: tmp)",
    )
    add_gin_arguments(
        parser.add_argument,
        "gin files: names of files in config/, or paths; later files win (default: render_single)",
        'parameters that win over the files, such as "lighting.r = 2"',
    )
    parser.add_argument(
        "-r",
        "--is_ray_process",
        action="store_true",
        help="print no progress and no summary",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="first remove a data set of this name"
    )
    add_shard_argument(parser.add_argument, "the samples")
    others = parser.add_mutually_exclusive_group()
    others.add_argument(
        "--preview",
        action="store_true",
        help="render only about 24 samples at draft quality, as one picture in a temporary folder, "
        "and print how long all will take",
    )
    others.add_argument(
        "--replay",
        nargs=2,
        metavar=("DATASET", "IDX"),
        help="render a stored sample again, and say whether it is the same",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Renders, previews, or replays a sample; returns the exit status."""
    from synrender.blender.start import restart_if_influenced

    restart_if_influenced()
    refuse_with_shard(arguments.shard, arguments.overwrite, "--overwrite")
    if arguments.preview:
        refuse_with_shard(arguments.shard, True, "--preview")
        return preview(arguments, folders)
    if arguments.replay:
        refuse_with_shard(arguments.shard, True, "--replay")
        return replay(*arguments.replay, folders)
    return render(arguments, folders)


@dataclass(frozen=True)
class Opened:
    """What a configuration says, with all that it takes to render it."""

    settings: Settings
    folder: DatasetFolder
    catalog: Catalog
    notes: list[str]  # lines to print


def open_all(arguments: argparse.Namespace, folders: Folders) -> Opened:
    """Reads the configuration, and lists models and textures."""
    from synrender.assets.catalog import create_catalog, with_own_classes
    from synrender.assets.places import ensure_demo_sources, open_assets
    from synrender.dataset.folder import name_to_dataset_dir, plan_dataset_folder
    from synrender.dataset.info import read_info
    from synrender.sampling.sample_plan import describe_size
    from synrender.settings.load import load_settings

    dataset_dir = name_to_dataset_dir(folders.data, arguments.dataset_name)
    info = None if arguments.overwrite else read_info(dataset_dir)
    begun = info.settings if info else None
    config = arguments.gin_config or ["render_single"]
    settings = load_settings(config, arguments.gin_param, begun)
    assets = open_assets(settings, folders)
    settings = with_own_classes(settings, assets)
    folder = plan_dataset_folder(dataset_dir, settings, arguments.overwrite)
    notes = ensure_demo_sources(settings, assets)
    catalog = create_catalog(settings, assets)
    size = describe_size(settings, begun is not None)
    return Opened(settings, folder, catalog, [*notes, *filter(None, [size])])


def preview(arguments: argparse.Namespace, folders: Folders) -> int:
    """Draws a sheet of a few samples at draft quality, and prints how long all will take."""
    require_packages(HOST_PACKAGES)
    from synrender.blender.batch import render_some
    from synrender.report.preview import Previewed, draw_preview
    from synrender.system.console import captured_output, say
    from synrender.system.locks import temporary_folder

    opened, name = open_all(arguments, folders), arguments.dataset_name
    settings, folder = opened.settings, opened.folder
    say(*opened.notes)
    num_missing = len(folder.find_missing(settings.batch.idxs))

    def render(dataset: Previewed, idxs: Sequence[int], path: Path) -> None:
        render_some(dataset.settings, dataset.catalog, idxs, path, folders.blender)

    with temporary_folder(Path(tempfile.gettempdir()), PREVIEW) as scratch, captured_output():
        dataset = Previewed(name, settings, opened.catalog, num_missing)
        found = draw_preview([dataset], render, scratch)
    say(f"{found.lines[0]}: {found.save(name)}", *found.lines[1:])
    return 0


def render(arguments: argparse.Namespace, folders: Folders) -> int:
    """Reads the configuration, renders missing samples, and prints a summary."""
    from synrender.blender.batch import BatchTask, Watch, render_batch, render_shard
    from synrender.crashes.blame import noted_work
    from synrender.dataset.claim import claimed
    from synrender.dataset.drivers import driving
    from synrender.errors import CutShort, UserError
    from synrender.sampling.work_shard import parse_work_shard
    from synrender.system.console import Progress, captured_output, say

    shard = parse_work_shard(arguments.shard) if arguments.shard else None
    opened = open_all(arguments, folders)
    settings, folder, catalog = opened.settings, opened.folder, opened.catalog
    is_quiet = arguments.is_ray_process
    if not is_quiet:
        say(*opened.notes)
    with (
        claimed(folder, settings, catalog, arguments.overwrite),
        driving(folder, str(shard) if shard else "") as driver,
        noted_work(folder, settings, catalog) as noted,
        captured_output() as capture,
    ):
        folder.remove_abandoned_files(settings.batch.idxs)
        progress = Progress(capture.terminal, is_shown=not is_quiet)

        def on_sample(done: int, total: int) -> None:
            capture.clear()
            progress.show(done, total)

        try:
            task = BatchTask(settings, folder, noted.catalog, folders.blender, noted.probed)
            watch = Watch(on_sample, noted.on_stage)
            report = (
                render_shard(task, shard, watch, driver) if shard else render_batch(task, watch)
            )
        except (UserError, OSError, KeyboardInterrupt):
            raise
        except BaseException:
            capture.terminal.write(f"The end of Blender's output:\n{capture.tail()}\n")
            raise
    if not is_quiet:
        say(*report.to_lines(folder))
    if report.num_lost:
        raise CutShort(f"{folder.path}: {report.num_lost} rendered samples have been removed since")
    return 0


def replay(name: str, idx: str, folders: Folders) -> int:
    """Renders a stored sample again; returns 0 if it is the same, else 1."""
    from synrender.assets.places import ensure_demo_sources, open_assets
    from synrender.blender.replay import load_replay_settings, replay_sample
    from synrender.dataset.folder import name_to_dataset_dir, open_dataset_folder
    from synrender.errors import UserError, shorten
    from synrender.settings.checks import MAX_TOTAL_SAMPLES
    from synrender.system.console import captured_output, say

    if not idx.isdecimal() or len(idx) > len(str(MAX_TOTAL_SAMPLES)):
        raise UserError(
            f"--replay {shorten(name)} {shorten(idx)}: the index must be a whole number from 0 to "
            f"{MAX_TOTAL_SAMPLES}"
        )
    name_to_dataset_dir(folders.data, name)  # refuses a name that is a path
    folder = open_dataset_folder(folders.data, name, "--replay")
    settings = load_replay_settings(folder, int(idx))
    assets = open_assets(settings, folders)
    ensure_demo_sources(settings, assets)
    with captured_output():
        comparison = replay_sample(folder, int(idx), settings, assets)
    say(comparison.line)
    return 0 if comparison.is_equal else 1


def find_resume(arguments: argparse.Namespace) -> Resume:
    """How a run can be resumed; a replay and a preview cannot."""
    return choose_resume(not (arguments.replay or arguments.preview), arguments.overwrite)


COMMAND = Command(parse_arguments, run, BLENDER_PACKAGES, find_resume, is_requeued=True)
main = functools.partial(run_script, COMMAND)  # `synrender-render`


if __name__ == "__main__":
    main()
