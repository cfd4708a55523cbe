"""Seeded mutants of the arguments of all commands, and what reads them without rendering."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from synrender.assets.catalog import load_catalog
from synrender.cli import audit, distribute, export, preprocess, render, report
from synrender.cli.script import Command, run_command
from synrender.dataset.claim import claim_dataset
from synrender.dataset.folder import name_to_dataset_dir, plan_dataset_folder
from synrender.fanout.variants import VARIANTS, Shared, check_variants, plan_datasets
from synrender.settings.load import load_settings
from synrender.system.folders import Folders

VALUES = (
    *("--", "-", "", " ", ".", "..", "../set", "a b", "a\nb", "\x1b[2J", "\u202e", "é", "٣"),
    *(os.fsdecode(b"a\xff"), "x" * 300, "x" * 100_000, "9" * 100_000, "set", "/proc/self/x"),
    *("nan", "inf", "-inf", "1e9", "1e-9", "0x1", "-1", "0", "1", "2", "2.5", "1_000", "+1", "١"),
    *("--nope", "-d", "--overwrite", "-h", "--version", "1-1-1-1", "2-0-0-0", "render_multi"),
    *("batch.seed = 5", "batch.seed", "= 5", "design.kind = 'grid'", "batch.num_samples = 1e9"),
    *("coco", "train", "lab", "[]", "{}", "None", "@x()", "'", '"', "\\", "$HOME", "~", "%s", "{}"),
)  # fmt: skip

RENDER = ["-d", "new", "-g", "render_single", "-p", "batch.num_samples = 2", "batch.seed = 1"]
DISTRIBUTE = ["-d", "new", "-n", "12", "--num_classes", "2", "--variants", "0-0-0-0", "--seed", "1"]
DISTRIBUTE += ["-p", "rendering.resolution = 16", "--cpus_per_task", "1", "--time_limit", "60"]
AUDIT = ["-d", "set", "-n", "1", "-j", "1", "--seed", "1"]
EXPORT = ["-d", "set", "--to", "webdataset", "--out", "out", "-j", "1", "--shard_mb", "100"]
PREPROCESS = ["-d", "set", "-p", "-r", "8", "-j", "1", "-b", "2"]
REPORT = ["-d", "set", "-n", "2", "--no_audit", "--out", "report.html"]


def draw_arguments(rng: np.random.Generator) -> tuple[str, list[str]]:
    """Name of a command, and arguments of which some are wrong, or at another place."""
    name = list(BASES)[rng.integers(len(BASES))]
    _, arguments = BASES[name]
    arguments = list(arguments)
    for _ in range(rng.integers(1, 3)):
        places = [k for k, a in enumerate(arguments) if rng.random() < 0.2 or a[:1] != "-"]
        at = places[rng.integers(len(places))]
        value = VALUES[rng.integers(len(VALUES))]
        way = rng.integers(10)
        if way <= 5:
            arguments[at] = value
        elif way == 6:
            arguments.insert(at, value)
        elif way == 7 and arguments[at].startswith("--"):
            arguments[at] = f"{arguments[at]}={value}"
        elif way == 8 and len(arguments) > 1:
            del arguments[at]
        else:
            other = int(rng.integers(len(arguments)))
            arguments[at], arguments[other] = arguments[other], arguments[at]
    return name, arguments


def run_arguments(name: str, arguments: list[str], folder: Path) -> int:
    """Exit status of a command in a folder of data sets; nothing is rendered."""
    os.chdir(folder)
    os.environ["SYNRENDER_DATA_DIR"] = str(folder)
    try:
        return run_command(BASES[name][0], arguments)
    except SystemExit as error:  # of argparse
        return int(error.code or 0)


def _plan_render(arguments: argparse.Namespace, folders: Folders) -> int:
    path = name_to_dataset_dir(folders.data, arguments.dataset_name)
    settings = load_settings(arguments.gin_config or ["render_single"], arguments.gin_param)
    folder = plan_dataset_folder(path, settings, arguments.overwrite)
    claim_dataset(folder, settings, load_catalog(settings, folders))
    return 0


def _plan_variants(arguments: argparse.Namespace, folders: Folders) -> int:
    plan_datasets(
        name_to_dataset_dir(folders.data, arguments.dataset_name or "single"),
        check_variants(arguments.variants or VARIANTS),
        Shared(
            arguments.num_samples,
            arguments.num_classes,
            arguments.seed,
            ["render_multi" if arguments.is_multi else "render_single", *arguments.gin_config],
            arguments.gin_param,
        ),
        arguments.overwrite,
    )
    distribute.find_blender(arguments.blender)
    return 0


BASES: dict[str, tuple[Command, list[str]]] = {
    "render": (Command(render.parse_arguments, _plan_render, ()), RENDER),
    "distribute": (Command(distribute.parse_arguments, _plan_variants, ()), DISTRIBUTE),
    "audit": (audit.COMMAND, AUDIT),
    "export": (export.COMMAND, EXPORT),
    "preprocess": (preprocess.COMMAND, PREPROCESS),
    "report": (report.COMMAND, REPORT),
}
