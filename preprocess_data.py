"""Archives a rendered data set in HDF5, and prepares it for training.

The small files of DATA_DIR/<dataset>/img/ become imgs_00.h5, imgs_01.h5 ... (--to_hdf5), and
these become one file of normalised arrays, data_<res>.h5 (--preprocess).
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from synrender.archive.workers import Workers

EPILOG = """\
examples:
  python preprocess_data.py -d test_dataset -f -p            both steps
  python preprocess_data.py -d test_dataset -p -r 64 -l      a second file: 64 x 64 px, in LAB
  python preprocess_data.py -d test_dataset -c 2000 -l       mean and std of 2000 samples, in LAB
  python preprocess_data.py -d test_dataset -f --remove_raw  and delete what was archived

Samples are shuffled within training, validation and test (10/12, 1/12 and 1/12 of the rows), and
no model is in two of them when the data set was rendered in full. What is there already is kept;
a killed run is finished by typing the same command again.
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the arguments that follow the script's name."""
    parser = argparse.ArgumentParser(
        prog="preprocess_data.py",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("-d", "--dataset", default="tmp", help="folder below the data folder (default: tmp)")
    add("-f", "--to_hdf5", action="store_true", help="write imgs_00.h5 ... from the small files")
    add("-p", "--preprocess", action="store_true", help="write data_<res>.h5 from imgs_*.h5")
    add(
        "-c",
        "--calc_mean",
        nargs="?",
        type=_positive,
        const=0,
        metavar="N",
        help="print mean and standard deviation of each channel, of all samples or of N random "
        "ones, as --res and --to_lab say",
    )
    add(
        "-i",
        "--bucket_idxs",
        nargs="+",
        type=int,
        default=[],
        metavar="IDX",
        help="only these buckets, counted from 0 (default: all)",
    )
    add(
        "-b",
        "--num_buckets",
        type=_positive,
        help="number of imgs_XX.h5 files (default: as they are, or 12)",
    )
    add("-r", "--res", type=_positive, default=128, help="side of the images in px (default: 128)")
    add("-l", "--to_lab", action="store_true", help="convert to LAB; writes data_<res>_lab.h5")
    add(
        "-e",
        "--is_exr",
        action="store_true",
        default=None,
        help="insist on EXR images (default: find out)",
    )
    add("-j", "--jobs", type=_positive, help="processes to work in (default: one for each CPU)")
    add(
        "--use_mean",
        action="store_true",
        help="normalise by this data set's mean and standard deviation (see -c), not by those of "
        "the 2020 release",
    )
    add("--overwrite", action="store_true", help="write anew what is there already")
    add(
        "--remove_raw",
        action="store_true",
        help="after -f, compare each bucket with its small files and delete these; of EXR only "
        "what is in HDF5 remains",
    )
    add("--seed", type=_not_negative, help="of the shuffle and of -c N (default: 0)")
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace) -> None:
    """Does what was asked for, on all cores."""
    refuse_contradictions(arguments)
    from synrender.archive.workers import Workers

    with Workers(arguments.jobs or len(os.sched_getaffinity(0))) as workers:
        if arguments.preprocess or arguments.calc_mean is not None:
            workers.prepare()
        run_steps(arguments, workers)


def run_steps(arguments: argparse.Namespace, workers: Workers) -> None:
    """Does the steps that were asked for, in order."""
    import paths
    from synrender.archive.arrays import PreprocessOptions
    from synrender.archive.pack import PackOptions, pack_dataset, select_buckets
    from synrender.archive.preprocess import find_archive, preprocess_dataset
    from synrender.archive.source import find_dataset
    from synrender.archive.verify import remove_raw

    dataset_dir = find_dataset(paths.DATA_DIR, arguments.dataset)
    if arguments.to_hdf5:
        options = PackOptions(
            arguments.num_buckets,
            arguments.bucket_idxs,
            arguments.is_exr,
            arguments.seed,
            arguments.overwrite,
        )
        pack_dataset(dataset_dir, options, workers, create_bar)
    layout = find_archive(dataset_dir, arguments.num_buckets)
    buckets = select_buckets(arguments.bucket_idxs, layout.num_buckets)
    if arguments.remove_raw:
        remove_raw(dataset_dir, buckets, workers, create_bar)
    mean_std = None
    if arguments.calc_mean is not None or arguments.use_mean:
        mean_std = calc_mean(arguments, dataset_dir, buckets, workers)
    if arguments.preprocess:
        options = PreprocessOptions(
            arguments.res,
            arguments.to_lab,
            mean_std if arguments.use_mean else None,
            arguments.bucket_idxs,
            arguments.overwrite,
        )
        preprocess_dataset(dataset_dir, layout, options, workers, create_bar)


def calc_mean(
    arguments: argparse.Namespace, dataset_dir: Path, buckets: Sequence[int], workers: Workers
) -> tuple[np.ndarray, np.ndarray]:
    """Prints mean and standard deviation of each channel, and returns them, (3,) float64 each."""
    from synrender.archive.order import DEFAULT_SEED
    from synrender.archive.statistics import measure_moments
    from synrender.console import say

    num_samples, seed = arguments.calc_mean or None, arguments.seed or DEFAULT_SEED
    res, to_lab = arguments.res, arguments.to_lab
    moments = measure_moments(
        dataset_dir, buckets, res, to_lab, num_samples, seed, workers, create_bar
    )
    is_subset = num_samples == moments.num_px // res**2  # there may be fewer than asked for
    what = f"a random subset, --seed {seed}" if is_subset else "all"
    say(*moments.to_lines(res, to_lab, what))
    return moments.mean, moments.std


def refuse_contradictions(arguments: argparse.Namespace) -> None:
    """Raises UserError for arguments that do not go together."""
    from synrender.errors import UserError

    if not (arguments.to_hdf5 or arguments.preprocess or arguments.calc_mean is not None):
        raise UserError("nothing to do: give --to_hdf5 (-f), --preprocess (-p) or --calc_mean (-c)")
    if arguments.remove_raw and not arguments.to_hdf5:
        raise UserError("--remove_raw: goes with --to_hdf5 (-f)")
    if arguments.use_mean and not arguments.preprocess:
        raise UserError("--use_mean: goes with --preprocess (-p); -c prints the mean")
    if arguments.use_mean and arguments.bucket_idxs:
        raise UserError("--use_mean: needs all buckets; leave --bucket_idxs (-i) out")


def create_bar(total: int, what: str):
    """Progress bar with rate and ETA, where a person watches."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit=" samples", disable=None, dynamic_ncols=True)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 0")
    return value


def main() -> int:
    """Runs the script; returns the exit status: 2 for a user's mistake, 1 for other trouble."""
    arguments = parse_arguments(sys.argv[1:])
    from concurrent.futures import BrokenExecutor

    from synrender.errors import UserError

    try:
        run(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenExecutor:
        print(
            "error: a process was killed, perhaps for want of memory; try fewer --jobs. What is "
            "complete is kept, and the same command goes on from there",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(
            f"error: {error}; what is complete is kept, and the same command goes on from there",
            file=sys.stderr,
        )
        return 2 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
