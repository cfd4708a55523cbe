"""Archives a rendered data set in HDF5, and prepares it for training.

The small files of DATA_DIR/<dataset>/img/ become imgs_00.h5, imgs_01.h5 ... (--to_hdf5), and
these become one file of normalized arrays, data_<res>.h5 (--preprocess).
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
from synrender.cli.script import HOST_PACKAGES, Command, run_script
from synrender.settings.checks import MAX_RESOLUTION, MAX_SEED, MAX_SHARDS
from synrender.system.interrupts import Resume

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from synrender.system.folders import Folders
    from synrender.system.workers import Workers

EPILOG = """\
examples:
  python preprocess_data.py -d test_dataset -f -p            both steps
  python preprocess_data.py -d test_dataset -p -r 64 -l      a second file: 64 x 64 px, in LAB
  python preprocess_data.py -d test_dataset -c 2000 -l       mean and std of 2000 samples, in LAB
  python preprocess_data.py -d test_dataset -f --remove_raw  also delete the small files

Samples are shuffled within training, validation and test (10/12, 1/12 and 1/12 of the rows). If the
data set was rendered in full, these share no models. Existing files are kept: if a run was stopped
or killed, run the same command again to finish it.

1,000 samples of render_single take 25 MB as imgs_XX.h5 and 100 MB as data_128.h5, those of
render_multi 50 MB and 190 MB. Two processes take less than 150 MB of memory.
"""

PRELOADED = ("synrender.archive.pack", "synrender.archive.pixels")
"""What the worker processes need, imported once for all of them."""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the arguments that follow the script's name."""
    parser = create_parser("preprocess_data.py", __doc__, EPILOG)
    add = parser.add_argument
    flag = functools.partial(add, action="store_true")
    add_dataset_argument(add)
    flag("-f", "--to_hdf5", help="write imgs_00.h5 ... from the small files")
    flag("-p", "--preprocess", help="write data_<res>.h5 from imgs_*.h5")
    add(
        "-c",
        "--calc_mean",
        nargs="?",
        type=whole_number(1),
        const=0,
        metavar="N",
        help="print mean and standard deviation of each channel, for --res and --to_lab, over all "
        "samples or over N random ones",
    )
    add(
        "-i",
        "--bucket_idxs",
        nargs="+",
        type=int,
        default=[],
        metavar="IDX",
        help="only these imgs_XX.h5 files, counted from 0 (default: all)",
    )
    add(
        "-b",
        "--num_buckets",
        type=whole_number(1, MAX_SHARDS),
        metavar="N",
        help="number of imgs_XX.h5 files (default: as many as there are, or 12)",
    )
    add(
        "-r",
        "--res",
        type=whole_number(1, MAX_RESOLUTION),
        default=128,
        metavar="PX",
        help="width and height of the images in data_<res>.h5 (default: 128)",
    )
    flag("-l", "--to_lab", help="convert to LAB; writes data_<res>_lab.h5")
    flag("-e", "--is_exr", help="end with an error if the images are not EXR")
    add_jobs_argument(add)
    flag(
        "--use_mean",
        help="normalize by the mean and standard deviation of this data set (see -c), not by those "
        "of the release of 2020",
    )
    flag("--overwrite", help="write existing files again")
    add(
        "--out",
        metavar="URL",
        help="at the end, copy all complete HDF5 files that are not there yet to object storage, "
        "such as s3://bucket/name; open_dataset(URL) reads them",
    )
    flag(
        "--remove_raw",
        help="after -f, compare each imgs_XX.h5 with its small files, then delete these; what only "
        "EXR files hold is lost",
    )
    add(
        "--seed",
        type=whole_number(0, MAX_SEED),
        metavar="N",
        help="seed of the shuffle and of -c N (default: 0)",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Runs the requested steps, on all cores; returns the exit status 0."""
    refuse_contradictions(arguments)
    from synrender.system.workers import Workers

    with Workers(arguments.jobs, PRELOADED) as workers:
        if arguments.preprocess or arguments.calc_mean is not None:
            workers.prepare()
        run_steps(arguments, folders, workers)
    return 0


def run_steps(arguments: argparse.Namespace, folders: Folders, workers: Workers) -> None:
    """Runs the requested steps in order."""
    from synrender.archive.pack import PackOptions, pack_dataset, select_shards
    from synrender.archive.pixels import PreprocessOptions
    from synrender.archive.preprocess import find_archive, preprocess_dataset
    from synrender.archive.remove_raw import remove_raw
    from synrender.dataset.folder import open_dataset_folder
    from synrender.dataset.lock import in_use
    from synrender.system.console import create_bar

    folder = open_dataset_folder(folders.data, arguments.dataset)
    dataset_dir = folder.path
    if arguments.to_hdf5:
        options = PackOptions(
            arguments.num_buckets,
            arguments.bucket_idxs,
            arguments.is_exr,
            arguments.seed,
            arguments.overwrite,
        )
        with in_use(dataset_dir, "archived", is_shared=False):  # nobody may render meanwhile
            pack_dataset(folder, options, workers, create_bar)
            if arguments.remove_raw:
                num_shards = find_archive(dataset_dir, arguments.num_buckets).num_shards
                shards = select_shards(arguments.bucket_idxs, num_shards)
                remove_raw(folder, shards, workers, create_bar)
    with in_use(dataset_dir, "read", is_shared=True):  # nor archive it again
        layout = find_archive(dataset_dir, arguments.num_buckets)
        shards = select_shards(arguments.bucket_idxs, layout.num_shards)
        mean_std = None
        if arguments.calc_mean is not None or arguments.use_mean:
            mean_std = calc_mean(arguments, dataset_dir, shards, workers)
        if arguments.preprocess:
            options = PreprocessOptions(
                arguments.res,
                arguments.to_lab,
                mean_std if arguments.use_mean else None,
                arguments.bucket_idxs,
                arguments.overwrite,
            )
            preprocess_dataset(dataset_dir, layout, options, workers, create_bar)
        if arguments.out:
            upload(dataset_dir, arguments.out, arguments.overwrite, workers)


def upload(dataset_dir: Path, url: str, overwrite: bool, workers: Workers) -> None:
    """Copies the complete HDF5 files of a data set to object storage."""
    from synrender.dataset.names import list_arrays, list_shards
    from synrender.export.listing import describe_files
    from synrender.export.upload import upload_files
    from synrender.system.console import create_file_bar
    from synrender.system.remote import RemoteFolder

    names = [path.name for path in (*list_shards(dataset_dir), *list_arrays(dataset_dir))]
    files = describe_files(dataset_dir, names, workers, create_file_bar)
    upload_files(dataset_dir, files, RemoteFolder(url), create_file_bar, overwrite)


def calc_mean(
    arguments: argparse.Namespace, dataset_dir: Path, shards: Sequence[int], workers: Workers
) -> tuple[np.ndarray, np.ndarray]:
    """Prints mean and standard deviation of each channel, and returns them, (3,) float64 each."""
    from synrender.archive.pixels import MeanOptions, measure_moments
    from synrender.archive.raw_samples import DEFAULT_SEED
    from synrender.system.console import create_bar, say

    num_samples, seed = arguments.calc_mean or None, arguments.seed or DEFAULT_SEED
    res, to_lab = arguments.res, arguments.to_lab
    options = MeanOptions(shards, res, to_lab, num_samples, seed)
    moments = measure_moments(dataset_dir, options, workers, create_bar)
    is_subset = num_samples == moments.num_px // res**2  # there may be fewer than asked for
    what = f"a random subset, --seed {seed}" if is_subset else "all"
    say(*moments.to_lines(res, to_lab, what))
    return moments.mean, moments.std


def refuse_contradictions(arguments: argparse.Namespace) -> None:
    """Raises UserError for arguments that contradict each other."""
    from synrender.errors import UserError, shorten
    from synrender.system.remote import is_url

    if not (arguments.to_hdf5 or arguments.preprocess or arguments.calc_mean is not None):
        raise UserError("nothing to do: give --to_hdf5 (-f), --preprocess (-p) or --calc_mean (-c)")
    if arguments.out and not is_url(arguments.out):
        raise UserError(
            f"--out {shorten(arguments.out)}: must be an address such as s3://bucket/name; HDF5 "
            "files are written into the folder of the data set"
        )
    if arguments.remove_raw and not arguments.to_hdf5:
        raise UserError("--remove_raw: goes with --to_hdf5 (-f)")
    if arguments.use_mean and not arguments.preprocess:
        raise UserError("--use_mean: goes with --preprocess (-p); -c prints the mean")
    if arguments.use_mean and arguments.bucket_idxs:
        raise UserError("--use_mean: needs all buckets; leave --bucket_idxs (-i) out")


def find_resume(arguments: argparse.Namespace) -> Resume:
    """How steps that write files can be resumed; with --overwrite they cannot."""
    is_writing = arguments.to_hdf5 or arguments.preprocess
    return Resume.SAME if is_writing and not arguments.overwrite else Resume.NOT


COMMAND = Command(parse_arguments, run, HOST_PACKAGES, find_resume)
main = functools.partial(run_script, COMMAND)  # `synrender-preprocess`
