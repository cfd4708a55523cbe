"""Renders variants of a data set on all CPUs of this machine or of a Ray cluster.

Without arguments, it renders small versions of the paper's 12 data sets of single objects. If a run
was stopped, or if a data set lost files, run the same command again to render what is missing.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import signal
from typing import TYPE_CHECKING

from synrender.cli.arguments import (
    add_gin_arguments,
    add_shard_argument,
    create_parser,
    positive_or_zero,
    whole_number,
)
from synrender.cli.script import (
    HOST_PACKAGES,
    Command,
    choose_resume,
    refuse_with_shard,
    run_script,
)
from synrender.settings.checks import MAX_CLASSES, MAX_CPUS, MAX_SECONDS, MAX_SEED
from synrender.system.interrupts import Resume

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from synrender.assets.places import OpenAssets
    from synrender.dataset.folder import PlannedDataset
    from synrender.fanout.run import Options
    from synrender.report.preview import Previewed
    from synrender.system.folders import Folders

NUM_SAMPLES = 4800
NUM_CLASSES = 10
"""Of ShapeNet, if the user names no number."""

EPILOG = """\
examples:
  python distributed_render.py -n 480 --dry_run
  python distributed_render.py -d mine -n 1200 --variants 0-0-0-0 1-1-1-1
  python distributed_render.py -d mine_multi --is_multi
  python distributed_render.py -d views -g recipes/shapenet_views --variants none
  python distributed_render.py -a auto --gather         (on a cluster without shared storage)
  python distributed_render.py -d mine --shard 3/16     (beside 15 others; see examples/slurm)
  python distributed_render.py -d mine --status

A variant such as 1-0-0-1 has a digit for texture, color, viewpoint and lighting: 1 if it varies, 0
if not. Its data set is NAME_<variant>. Sample i shows the same model in all variants of a seed. Set
other parameters with -g and -p, as in render.py.

Batch systems send SIGTERM, which ends a run with exit status 75. The same command goes on.

This needs 0.3 GB of memory for each process and 0.5 GB for Ray. 1,000 samples at 128 x 128 px take
30 MB of disk as PNG or 250 MB as EXR; --dry_run prints the needs of the whole run.
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("distributed_render.py", __doc__, EPILOG)
    add = parser.add_argument
    flag = functools.partial(add, action="store_true")
    what = parser.add_argument_group("what to render")
    what.add_argument(
        "-d",
        "--dataset_name",
        metavar="NAME",
        help="name of the data sets, without _<variant> (default: single, or multi with "
        "--is_multi)",
    )
    what.add_argument(
        "-n",
        "--num_samples",
        type=whole_number(1),
        metavar="N",
        help=f"number of samples of each data set (default: {NUM_SAMPLES})",
    )
    what.add_argument(
        "--num_classes",
        type=whole_number(1, MAX_CLASSES),
        help=f"use classes 0 to N - 1 evenly (default: {NUM_CLASSES}, or all classes of a folder "
        "of your own)",
        metavar="N",
    )
    what.add_argument(
        "--is_multi",
        action="store_true",
        help="render scenes of several objects as EXR, by render_multi.gin",
    )
    what.add_argument(
        "--variants",
        nargs="+",
        metavar="T-C-V-L",
        help="variants to render (default: the paper's 12), or none: one data set NAME, whose "
        "size, classes and factors are those of -g and -p",
    )
    what.add_argument(
        "--seed",
        type=whole_number(0, MAX_SEED),
        metavar="N",
        help="seed of every random choice (default: 0)",
    )
    add_gin_arguments(what.add_argument, "more gin files", "more parameters")
    add(
        "-b",
        "--batch_size",
        type=whole_number(1),
        default=40,
        metavar="N",
        help="largest number of samples of a task; the last tasks are smaller (default: 40)",
    )
    add(
        "-a",
        "--address",
        "--redis_address",
        help="address of a running Ray cluster, or 'auto' on one of its nodes (default: use this "
        "machine alone)",
    )
    flag("-l", "--local_mode", help="render in this process, for debugging")
    flag(
        "-c",
        "--continue_exp",
        help="does nothing: a stopped run is always continued; kept for old scripts",
    )
    flag("--overwrite", help="first remove data sets of these names")
    flag("-q", "--quiet", help="print only warnings and errors")
    add(
        "--blender",
        default="",
        metavar="FILE",
        help="Blender executable to use (default: the bpy wheel)",
    )
    add(
        "--cpus",
        type=whole_number(0, MAX_CPUS),
        default=0,
        metavar="N",
        help="number of CPUs of this machine to use (default: 0, all that this process may use)",
    )
    add(
        "--cpus_per_task",
        type=whole_number(1, MAX_CPUS),
        default=1,
        metavar="N",
        help="number of CPUs for a task (default: 1)",
    )
    add(
        "--gpus_per_task",
        type=positive_or_zero(MAX_CPUS),
        default=0,
        metavar="X",
        help="number or share of GPUs for a task; turns rendering.use_gpu on (default: 0)",
    )
    add(
        "--time_limit",
        type=positive_or_zero(MAX_SECONDS, low=1),
        default=600,
        metavar="SECONDS",
        help="kill a process that takes longer for a sample; at least 1, or 0 for no limit "
        "(default: 600)",
    )
    flag("--gather", help="bring finished files back through Ray, if nodes share no storage")
    add_shard_argument(add, "each data set")
    flag(
        "--status",
        help="print how much of each data set is done, as its shards have counted, and render "
        "nothing",
    )
    flag("--check", help="with --status: also read every sample")
    flag(
        "--preview",
        help="render only about 24 samples at draft quality on this machine, as one picture in a "
        "temporary folder with a line for each data set, and print how long all samples "
        "will take",
    )
    flag(
        "--dry_run", help="render only a few samples, and print the plan and how long it will take"
    )
    arguments = parser.parse_args(argv)
    arguments.array = to_array_arguments(argv, find_name(arguments))
    return arguments


def find_name(arguments: argparse.Namespace) -> str:
    """Name of the data sets, without the variant."""
    return arguments.dataset_name or ("multi" if arguments.is_multi else "single")


def to_array_arguments(argv: list[str], name: str) -> str:
    """The same run for ``examples/slurm/render.sbatch``: the name, then the other arguments."""
    parser = create_parser("", None, "")
    parser.add_argument("-d", "--dataset_name")
    for flag in ("--dry_run", "--status", "--check"):
        parser.add_argument(flag, action="store_true")
    _, others = parser.parse_known_args(argv)
    return shlex.join([name, *others])


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Plans the data sets, and renders them or prints the plan; returns the exit status."""
    from synrender.assets.places import open_assets
    from synrender.fanout.dry_run import print_plan
    from synrender.fanout.processes import end_family
    from synrender.fanout.run import Options, run_datasets
    from synrender.fanout.status import print_status
    from synrender.sampling.work_shard import parse_work_shard
    from synrender.settings.load import load_settings
    from synrender.system.interrupts import exit_on_signals

    refuse_with_shard(arguments.shard, arguments.overwrite, "--overwrite")
    shard = parse_work_shard(arguments.shard) if arguments.shard else None
    exit_on_signals({signal.SIGTERM: 1}, end_family)  # batch systems send it
    gin_config = ["render_multi" if arguments.is_multi else "render_single", *arguments.gin_config]
    settings = load_settings(gin_config, arguments.gin_param)
    assets = open_assets(settings, folders)
    datasets = plan_run(arguments, gin_config, assets)
    if arguments.status:
        return print_status(datasets, arguments.check)
    options = Options(
        address=arguments.address,
        is_local=arguments.local_mode,
        is_quiet=arguments.quiet,
        is_gathered=arguments.gather,
        overwrite=arguments.overwrite,
        blender=find_blender(arguments.blender),
        cpus_per_task=arguments.cpus_per_task,
        gpus_per_task=arguments.gpus_per_task,
        time_limit=arguments.time_limit,
        num_cpus=arguments.cpus,
        shard=shard,
    )
    if arguments.preview:
        return preview(datasets, options, assets)
    if arguments.dry_run:
        plan = datasets, arguments.batch_size, options, assets
        return print_plan(*plan, arguments.array)
    return run_datasets(datasets, arguments.batch_size, options, assets)


def plan_run(
    arguments: argparse.Namespace, gin_config: list[str], assets: OpenAssets
) -> list[PlannedDataset]:
    """The data sets that were asked for, by gin files of which the last one wins.

    Raises:
        UserError: a mistake in the arguments.
    """
    from synrender.dataset.folder import name_to_dataset_dir
    from synrender.fanout.variants import (
        NO_VARIANT,
        VARIANTS,
        Shared,
        check_variants,
        find_own_classes,
        plan_as_configured,
        plan_datasets,
    )
    from synrender.settings.load import load_settings

    path = name_to_dataset_dir(assets.folders.data, find_name(arguments))
    gin_param, seed, num_samples = arguments.gin_param, arguments.seed, arguments.num_samples
    num_classes, variants = arguments.num_classes, check_variants(arguments.variants or VARIANTS)
    if variants == (NO_VARIANT,):
        given = {
            "object.total_num_samples": num_samples,
            "batch.num_samples": num_samples,
            "sample.class_idxs": num_classes,
            "batch.seed": seed,
        }
        bindings = [f"{name} = {value}" for name, value in given.items() if value is not None]
        return [
            plan_as_configured(
                path, [*gin_param, *bindings], gin_config, assets, arguments.overwrite
            )
        ]
    if own := find_own_classes(load_settings(gin_config, gin_param), assets):
        gin_param = [*gin_param, f"sample.classes = {list(own)}"]
        num_classes = num_classes or len(own)
    num_samples, num_classes = num_samples or NUM_SAMPLES, num_classes or NUM_CLASSES
    shared = Shared(num_samples, num_classes, seed, gin_config, gin_param)
    return plan_datasets(path, variants, shared, arguments.overwrite)


def preview(datasets: Sequence[PlannedDataset], options: Options, assets: OpenAssets) -> int:
    """Draws a sheet of a few samples of each data set, and prints how long all will take."""
    from synrender.fanout.dry_run import render_samples
    from synrender.fanout.run import create_template, load_catalogs, run_folder
    from synrender.report.preview import Previewed, draw_preview
    from synrender.system.console import captured_output, say
    from synrender.system.cpus import count_cpus

    catalogs = load_catalogs(datasets, options, assets)
    planned = []
    for dataset in datasets:
        num_missing = len(dataset.folder.find_missing(dataset.settings.batch.idxs))
        catalog = catalogs[dataset.name]
        planned.append(Previewed(dataset.name, dataset.settings, catalog, num_missing))
    num_at_once = max(1, count_cpus() // options.cpus_per_task)
    with run_folder(assets.folders) as run_dir, captured_output():
        template = create_template(run_dir, options, assets.folders)

        def render(dataset: Previewed, idxs: Sequence[int], path: Path) -> None:
            render_samples(template, dataset.settings, dataset.catalog, idxs, path)

        found = draw_preview(planned, render, run_dir / "preview", num_at_once)
    say(f"{found.lines[0]}: {found.save(datasets[0].name)}", *found.lines[1:])
    return 0


def find_blender(name: str) -> str:
    """Path of a Blender executable; "" stays "".

    Raises:
        UserError: it does not exist.
    """
    from synrender.errors import UserError

    path = shutil.which(os.path.expanduser(name)) if name else ""
    if path is None:
        raise UserError(
            f"--blender {name}: no such executable; give its path, or leave --blender out to "
            "render with the bpy wheel"
        )
    return os.path.abspath(path) if path else ""


def find_resume(arguments: argparse.Namespace) -> Resume:
    """How a run can be resumed; a dry run or a preview cannot."""
    is_only_shown = arguments.dry_run or arguments.preview or arguments.status
    return choose_resume(not is_only_shown, arguments.overwrite)


COMMAND = Command(parse_arguments, run, (*HOST_PACKAGES, "ray"), find_resume, is_requeued=True)
main = functools.partial(run_script, COMMAND)  # `synrender-distribute`
