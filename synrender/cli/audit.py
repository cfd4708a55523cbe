"""Checks a finished data set against rays that another library casts at the original models.

The audit reads only the files of the data set and the models. It shares no code for geometry with
the renderer. It prints a verdict for each check, and writes all of them to audit.json for
report_dataset.py. Exit status: 0 if all checks that apply pass, 1 if a check fails, 2 for a mistake
in the command or its input.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.cli.arguments import (
    add_dataset_argument,
    add_jobs_argument,
    create_parser,
    whole_number,
)
from synrender.cli.script import HOST_PACKAGES, Command, run_script
from synrender.settings.checks import MAX_SEED

if TYPE_CHECKING:
    import argparse

    from synrender.audit.check import Check
    from synrender.audit.run import Audit
    from synrender.dataset.folder import DatasetFolder
    from synrender.system.folders import Folders
    from synrender.system.workers import Workers

EPILOG = """\
what is checked:
  files        no sample from the first to the last is missing, damaged or misnamed
  mask         instance pass against the rays: IoU of each object, mean >= 0.995, none < 0.97
               (objects of fewer than 100 px: number of pixels)
  class        class pass at each pixel; the record's class against its model
  depth        interior pixels, more than one px from an edge: 99th percentile <= 1 mm, and the
               median of each object; an edge within 0.002 px of a pixel's center is a tie
  boxes        tight boxes and visible pixels of the instance pass against the rays
  hdf5         the same fields of imgs_XX.h5, if they are there
  silhouette   PNG: the picture changes most where the rays see the objects' outline
  pose         rot_mat, quaternion, euler, scale, location, bbox, obj_to_world and the OBJ agree
  lights       recorded locations of lights are where the recorded angles say
  images       blank, clipped, not finite, magenta of a missing texture, duplicates
  exposure     samples that differ in it alone: an EXR is equal, a PNG as many stops brighter
  alpha        images with nothing behind the objects: the share of each pixel that rays hit, and
               the area of the objects within 0.5 %, besides chance
  splits       no model in two buckets; what training, validation and test share
  balance      objects of each class; judged with sample.balanced = True
labels that rendering.labels names, in the small files and in imgs_XX.h5 (hdf5 labels):
  normal       angles on interior pixels: 99th percentile and each object's median <= 0.5 degrees
  albedo       the texture where the ray hits: 99th percentile <= 1 level where it is flat
  shading      shading times albedo is the image, within 1 level
  roughness    and metallic: the recorded values, within 0.002
  amodal       IoU as for masks, but each object is cast alone; visible shares within 0.5 %
  coordinates  and positions: 99th percentile <= 1 mm
  box_2d       and amodal box: within 1 px
  box_3d       and keypoints: within 0.1 px and 0.1 mm; visibility away from edges
  flow         end-point error: 99th percentile <= 0.1 px; flow_to is the sample that it should be
  occlusion    right on all interior pixels that are away from edges of the other sample
with a design of factors, what dataset.json promises against the records:
  levels       each factor with levels has one of them, with its value
  cells        samples of each combination of a grid
  even         levels that the design does not decide are equally frequent
  independent  factors without a common cause, in training: the largest association, with the
               bound that chance gives (rank correlation; Cramer's V, corrected for bias, of two
               factors with levels; correlation ratio of mixed pairs)
  shortcut     its strength in each split, with the 95 % interval
  holdout      held-out combinations and ranges: none in training, all of the test
  causal       frequencies are those of the graph's tables
  do           interventions took place
  fit          factors of design.distributions: Kolmogorov-Smirnov, exact counts and chi-square;
               of rotations and directions, in space; fewer than 50 values are not judged
  twins        (or sweeps) equal to the bit in all but their factor, and different in that
  sequences    step by step on their paths, a turn closes, and all else is equal to the bit
  same labels  EXR: a factor of appearance changes no mask, class or depth
A statistical check, such as silhouette, fails at most one of 10,000 correct data sets.
with --bop, for each label that is there, with the same bounds:
  files        no image lacks a file; those that are examined can be read and have one size
  models       boxes of models/obj_XXXXXX.ply against models_info.json within 0.1 mm
  pose         cam_R_m2c is a rotation; masks and depth show whether it is the right one
  mask         whole objects against the rays: IoU as above
  visible      mask_visib in the same way; up to 15 mm behind the front both answers count, as in
               the BOP toolkit; what the depth image shows nearer than all models hides them
  depth        interior pixels of visible objects: 99th percentile and each object's median <= 1 mm,
               or one step of depth_scale where that is more; 0 (unknown) counts as wrong
  info         visib_fract within 0.01 (or 3 px), px_count_* within 2 % (or 3 px), boxes within 1 px

examples:
  python audit_dataset.py -d test_dataset
  python audit_dataset.py -d multi -n 1000 -j 8
  python audit_dataset.py -d multi -n 0 --certificate   also write certificate.json
  python audit_dataset.py -d multi --verify             check that no file has changed
  python audit_dataset.py --bop output/bop_data/lm -n 500
  SYNRENDER_SHAPENET_DIR=/data/ShapeNetCore.v2 python audit_dataset.py -d multi
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = create_parser("audit_dataset.py", __doc__, EPILOG)
    add = parser.add_argument
    add_dataset_argument(add)
    add(
        "-n",
        "--num_samples",
        type=whole_number(0),
        default=200,
        metavar="N",
        help="number of samples to cast rays for, drawn at random; 0: all samples (default: 200). "
        "Checks without rays are done on all samples",
    )
    add_jobs_argument(add)
    add(
        "--seed",
        type=whole_number(0, MAX_SEED),
        default=0,
        metavar="N",
        help="seed of the draw of samples (default: 0)",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--certificate",
        action="store_true",
        help="if no check fails, write certificate.json into the data set's folder, with the "
        "results, their bounds, and the hash of every file",
    )
    mode.add_argument(
        "--verify",
        action="store_true",
        help="cast no rays, but compare all files with certificate.json, and name those that are "
        "changed, missing or extra",
    )
    mode.add_argument(
        "--bop",
        type=Path,
        metavar="FOLDER",
        help="audit a data set in BOP format, such as BlenderProc writes: its folder with models/, "
        "one of its splits, or one scene",
    )
    add(
        "--pixel_center",
        type=float,
        choices=(0.0, 0.5),
        default=0.0,
        help="with --bop: coordinate of the center of the top left pixel in cam_K (default: 0)",
    )
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Does what the arguments say; returns the exit status."""
    from synrender.dataset.certificate import open_certified_folder
    from synrender.dataset.folder import open_dataset_folder
    from synrender.system.workers import Workers

    with Workers(arguments.jobs) as workers:
        if arguments.bop:
            return audit_foreign(arguments, workers)
        if arguments.verify:
            return verify(open_certified_folder(folders.data, arguments.dataset), workers)
        folder = open_dataset_folder(folders.data, arguments.dataset)
        if arguments.certificate:
            return audit_and_certify(arguments, folder, folders, workers)
        return 1 if audit(arguments, folder, folders, workers).num_failed else 0


def audit(
    arguments: argparse.Namespace, folder: DatasetFolder, folders: Folders, workers: Workers
) -> Audit:
    """Audits the data set and prints the table."""
    from synrender.audit.latest import keep_checks
    from synrender.audit.run import RayDraw, run_audit

    draw = RayDraw(arguments.num_samples, arguments.seed)
    found = run_audit(folder, folders, draw, workers)
    print_table(folder.path, found.checks)
    keep_checks(folder, found.checks, arguments.num_samples)
    return found


def audit_and_certify(
    arguments: argparse.Namespace, folder: DatasetFolder, folders: Folders, workers: Workers
) -> int:
    """Audits the data set and writes its certificate, or removes it if a check fails."""
    from synrender.audit.certification import certify
    from synrender.audit.rays.view import require_ray_caster
    from synrender.dataset.certificate import remove_certificate
    from synrender.dataset.hashes import hash_dataset
    from synrender.dataset.lock import in_use
    from synrender.system.console import create_file_bar, say

    require_ray_caster()
    with in_use(folder.path, "certified", is_shared=False):  # nobody may render meanwhile
        # First the hashes: if a file changes after that, they do not fit it.
        hashes = hash_dataset(folder, workers, create_file_bar)
        found = audit(arguments, folder, folders, workers)
        if found.num_failed:
            was_there = remove_certificate(folder)
            say(f"no certificate{': the one that was there is removed' if was_there else ''}")
            return 1
        root = certify(folder, found, arguments.seed, hashes)
    say(f"certificate.json: {hashes.num_files} files", f"root {root}")
    return 0


def audit_foreign(arguments: argparse.Namespace, workers: Workers) -> int:
    """Audits a data set in BOP format and prints the table; returns the exit status."""
    from synrender.audit.bop.run import audit_bop
    from synrender.audit.run import RayDraw
    from synrender.system.folders import to_absolute

    bop_dir = to_absolute(arguments.bop)
    draw = RayDraw(arguments.num_samples, arguments.seed)
    checks = audit_bop(bop_dir, draw, arguments.pixel_center, workers)
    return 1 if print_table(bop_dir, checks) else 0


def print_table(path: Path, checks: list[Check]) -> int:
    """Prints all checks and the verdict; returns how many fail."""
    from synrender.audit.check import Verdict, format_table
    from synrender.system.console import say

    num_failed = sum(check.verdict is Verdict.FAIL for check in checks)
    verdict = f"FAIL: {num_failed} of {len(checks)} checks" if num_failed else ""
    say(str(path), *format_table(checks), verdict or "pass: all checks that apply")
    return num_failed


def verify(folder: DatasetFolder, workers: Workers) -> int:
    """Compares the data set with its certificate and prints what differs."""
    from synrender.audit.certification import verify_dataset
    from synrender.system.console import create_file_bar, say

    found = verify_dataset(folder, workers, create_file_bar)
    say(str(folder.path), *found.to_lines())
    return 0 if found.is_right else 1


COMMAND = Command(parse_arguments, run, HOST_PACKAGES)
main = functools.partial(run_script, COMMAND)  # `synrender-audit`
