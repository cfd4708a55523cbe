"""Makes mutants of files one after the other, and runs a command on each in a child of its own.

python -m tests.hostile.run_file_mutants FOLDER SEED START END [quick]

FOLDER holds the data sets of `TARGETS`, see `test_file_mutants`. Prints a JSON object for each
mutant: how it ended.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pkgutil
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

import synrender
from synrender.errors import UserError, shorten
from tests.hostile.argument_mutants import draw_arguments, run_arguments
from tests.hostile.file_mutants import mutate, mutate_bytes

MAX_SECONDS = 60
MAX_BYTES = 700 << 20
"""What a child may take more than its parent has."""

MAX_REASON = 300
"""Letters of the reason why a model is rejected."""


# --- what reads files -----------------------------------------------------------------------------


def run_command(name: str, *arguments: object) -> Callable[[Path], int]:
    """A command of ours; ``{}`` in an argument stands for the working folder."""

    def run(folder: Path) -> int:
        from synrender.cli.script import run_command

        command = import_module(f"synrender.cli.{name}").COMMAND
        os.environ["SYNRENDER_DATA_DIR"] = str(folder)
        return run_command(command, [str(a).format(folder) for a in arguments])

    return run


def load(folder: Path) -> int:
    """All fields of two samples, as a training program reads them."""
    data = synrender.open_dataset(folder / "set")
    everything = synrender.open_dataset(folder / "set", fields=data.all_fields)
    everything.read_samples([0, -1])
    str(data), data.factors, data.latents, data.split_ends, data.keypoint_names
    return 0


def load_all(folder: Path) -> int:
    """Everything that a training program may ask for."""
    for path in (folder / "set", folder / "set" / "img", *sorted((folder / "set").glob("*.h5"))):
        if not path.exists():
            continue
        with contextlib.suppress(UserError) if path.name == "img" else contextlib.nullcontext():
            data = synrender.open_dataset(path)
            everything = synrender.open_dataset(path, fields=data.all_fields)
            for k in range(len(everything)):
                everything[k]
            for name in ("class", "model_id", "factor_values"):
                data.read_column(name)
            str(data), data.factors, data.latents, data.split_ends, data.keypoint_names
            data.twins()
            for split in ("train", "test"):
                len(synrender.open_dataset(path, split=split))
    return 0


def load_file(name: str) -> Callable[[Path], int]:
    """The same of one file of a data set."""

    def load_one(folder: Path) -> int:
        data = synrender.open_dataset(folder / "set" / name)
        everything = synrender.open_dataset(folder / "set" / name, fields=data.all_fields)
        everything.read_samples([0, -1])
        for column in ("class", "model_id", "factor_values"):
            data.read_column(column)
        return 0

    return load_one


def read_verdicts(folder: Path) -> int:
    from synrender.dataset.certificate import read_audit

    read_audit(folder / "set")
    return 0


def resume(folder: Path) -> int:
    """What render.py does before it starts Blender."""
    from synrender.assets.catalog import load_catalog
    from synrender.dataset.claim import claim_dataset
    from synrender.dataset.folder import name_to_dataset_dir, plan_dataset_folder
    from synrender.settings.load import load_settings
    from synrender.system.folders import Folders

    folders = Folders(folder)
    path = name_to_dataset_dir(folder, "set")
    settings = load_settings([str(path / "config.gin")], [])
    files = plan_dataset_folder(path, settings)
    catalog = load_catalog(settings, folders)
    claim_dataset(files, settings, catalog)
    files.find_missing(settings.batch.idxs)
    return 0


def plan(folder: Path) -> int:
    """What a configuration leads to: the design, and the first samples."""
    from synrender.assets.catalog import load_catalog
    from synrender.dataset.claim import describe_design
    from synrender.sampling.sample_plan import draw_sample
    from synrender.settings.load import load_settings
    from synrender.system.folders import Folders

    settings = load_settings([str(folder / "set" / "config.gin")], [])
    catalog = load_catalog(settings, Folders(folder))
    describe_design(settings, catalog)
    for idx in settings.batch.idxs[:2]:
        draw_sample(settings, catalog, idx)
    return 0


def list_assets(folder: Path) -> int:
    """The lists of models and textures."""
    from synrender.assets.catalog import load_catalog
    from synrender.settings.load import load_settings
    from synrender.system.folders import Folders

    folders = Folders(folder, folder / "shapenet", folder / "dtd")
    bindings = ["sample.class_idxs = 1", "object.n_buckets = 1"]
    return len(load_catalog(load_settings([], bindings), folders).sources.models.source) * 0


def describe_models(name: str) -> Callable[[Path], int]:
    """What a folder of models is; all are read."""
    return run_command("assets", f"{{}}/{name}", "--check")


def read_models(name: str) -> Callable[[Path], int]:
    """All models of a folder or archive, as they are read before Blender gets them; 1: not all."""

    def read(folder: Path) -> int:
        from synrender.assets.description import describe, find_all_models
        from synrender.assets.lost_shape import refuse_lost_shape
        from synrender.assets.mesh_formats import read_mesh
        from synrender.errors import RejectedAsset

        found = find_all_models(folder / name)
        describe(found)
        num_rejected = 0
        for entry in itertools.chain(*found.classes.values()):
            try:
                mesh = read_mesh(entry.file, has_look=True)
                refuse_lost_shape(mesh)
                lines = mesh.look.problems if mesh.look else ()
            except RejectedAsset as reason:
                num_rejected += 1
                lines = (str(reason),)
            print_reasons(lines)
        return int(num_rejected > 0)

    return read


def print_reasons(lines: Iterable[str]) -> None:
    """Why something is rejected, a line each."""
    for line in lines:
        if not line.isprintable() or len(line) > MAX_REASON:
            raise ValueError(f"a reason that is no line: {line[:1000]!r}")
        print(line)


def read_environments(name: str) -> Callable[[Path], int]:
    """All environments of a folder, as they are read before Blender gets them; 1: not all."""

    def read(folder: Path) -> int:
        from synrender.assets.environments import list_environments
        from synrender.errors import RejectedAsset
        from synrender.images.environment import check_environment, read_environment

        num_rejected = 0
        for file in list_environments(folder / name).values():
            try:
                check_environment(folder / name / file)
            except RejectedAsset as reason:
                num_rejected += 1
                print_reasons([str(reason)])
                continue
            with contextlib.suppress(ValueError):  # of a compression that is left to Blender
                image = read_environment(folder / name / file)
                if not (np.isfinite(image).all() and image.min() >= 0):
                    raise AssertionError(f"{file}: pixels that are no light")
        return int(num_rejected > 0)

    return read


def export(form: str) -> Callable[[Path], int]:
    return run_command("export", "-d", "set", "--to", form, "--out", f"{{}}/out_{form}", "-j", 1)


REPORT = run_command("report", "-d", "set", "-n", 3, "--no_audit", "--out", "{}/report.html")
AUDIT = run_command("audit", "-d", "set", "-n", 1, "-j", 1)
VERIFY = run_command("audit", "-d", "set", "--verify", "-j", 1)
CERTIFY = run_command("audit", "-d", "set", "-n", 1, "-j", 1, "--certificate")
PACK = run_command("preprocess", "-d", "set", "-f", "-j", 1)
PACK_AGAIN = run_command("preprocess", "-d", "set", "-f", "--overwrite", "-j", 1)
PREPROCESS = run_command("preprocess", "-d", "set", "-p", "-r", 8, "-j", 1)
ARRAYS = run_command("preprocess", "-d", "set", "-p", "-r", 16, "-j", 1)
MEAN = run_command("preprocess", "-d", "set", "-c", "-j", 1)
REMOVE = run_command("preprocess", "-d", "set", "-f", "--remove_raw", "-j", 1)
BOP = run_command("audit", "--bop", "{}/set", "-n", 1, "-j", 1)

EXPORTS = {form: export(form) for form in ("webdataset", "parquet", "coco", "imagefolder")}

CHEAP = (load, load_all, REPORT, EXPORTS["webdataset"])
ON_SHARDS = (load_all, REPORT, *EXPORTS.values(), PACK, PREPROCESS, MEAN, REMOVE, VERIFY, AUDIT)
ON_FILES = (
    load_file("img"),
    load_all,
    *EXPORTS.values(),
    PACK_AGAIN,
    REPORT,
    AUDIT,
    resume,
    VERIFY,
)

MODEL_FILES = (
    ("glb", "c/box.glb"), ("glb", "c/scene.glb"), ("gltf", "c/within.gltf"),
    ("gltf", "c/beside.gltf"), ("ply", "c/text.ply"), ("ply", "c/little.ply"),
    ("ply", "c/big.ply"), ("stl", "c/text.stl"), ("stl", "c/binary.stl"), ("zip", "set.zip"),
    ("google", "Bag_0.zip"), ("obj", "c/skin.obj"), ("obj", "c/skin.mtl"), ("obj", "c/skin.png"),
)  # fmt: skip
"""Folder and file of the models of `model_files`."""

ENVIRONMENT_FILES = (
    ("hdr", "today.hdr"), ("hdr", "old.hdr"), ("exr", "plain.exr"), ("exr", "zip.exr"),
    ("exr", "piz.exr"), ("exr", "dwaa.exr"),
)  # fmt: skip
"""Folder and file of those of `environment_mutants`."""

TARGETS: dict[str, dict[str, tuple[Callable[[Path], int], ...]]] = {
    "labels": {
        "dataset.json": (*CHEAP, AUDIT, resume, PACK_AGAIN),
        "keypoints.json": (load_file("img"), PACK_AGAIN, AUDIT),
        "archived.json": (resume, VERIFY, REMOVE),
        "audit.json": (read_verdicts, REPORT, EXPORTS["webdataset"]),
        "certificate.json": (VERIFY, PACK_AGAIN, CERTIFY),
        "certificate.npy": (VERIFY,),
        "idx_ref.npy": (PACK, PACK_AGAIN),
        "config.gin": (resume, plan),
        "img/00000.npy": ON_FILES,
        "img/00000.exr": ON_FILES,
        "imgs_00.h5": (load_file("imgs_00.h5"), *ON_SHARDS),
        "imgs_01.h5": (load_file("imgs_01.h5"), *ON_SHARDS),
        "data_16.h5": (load_file("data_16.h5"), load_all, ARRAYS, REPORT),
    },
    "grid": {
        "dataset.json": (*CHEAP, *EXPORTS.values()),
        "img/00000.npy": ON_FILES,
        "img/00000.png": ON_FILES,
        "imgs_00.h5": (load_file("imgs_00.h5"), *ON_SHARDS),
        "imgs_01.h5": (load_file("imgs_01.h5"), *ON_SHARDS),
        "data_16.h5": (load_file("data_16.h5"), ARRAYS),
    },
    "plans": {"config.gin": (plan,)},
    "arrays": {"data_16.h5": (load, REPORT)},
    "bop": {
        "train_pbr/000000/scene_gt.json": (BOP,),
        "train_pbr/000000/scene_camera.json": (BOP,),
        "train_pbr/000000/scene_gt_info.json": (BOP,),
        "models/models_info.json": (BOP,),
        "train_pbr/000000/mask/000000_000000.png": (BOP,),
        "train_pbr/000000/depth/000000.png": (BOP,),
        "train_pbr/000000/rgb/000000.png": (BOP,),
    },
    "exports": {
        "../out_webdataset/export.json": (EXPORTS["webdataset"],),
        "../out_parquet/.export.json": (EXPORTS["parquet"],),
        "../out_imagefolder/.export.json": (EXPORTS["imagefolder"],),
        "../out_imagefolder/.pieces/train-00000.jsonl": (EXPORTS["imagefolder"],),
    },
    "coco": {
        "../out_coco/.export.json": (EXPORTS["coco"],),
        "../out_coco/.pieces/train-00000.jsonl": (EXPORTS["coco"],),
    },
    "assets": {
        "../shapenet/taxonomy.json": (list_assets,),
        "../dtd/labels/labels_joint_anno.txt": (list_assets,),
        "../google/Bag_0.zip": (describe_models("google"),),
        "../google/Toy car_0.zip": (describe_models("google"),),
        "../table/models.csv": (describe_models("table"),),
        "../objaverse/lvis-annotations.json.gz": (describe_models("objaverse"),),
        "../abo/listings/metadata/listings_0.json.gz": (describe_models("abo"),),
    },
    "models": {
        f"../{kind}/{name}": (read_models(kind), read_models(kind), describe_models(kind))
        for kind, name in MODEL_FILES
    }
    | {f"../{kind}/{name}": (read_environments(kind),) for kind, name in ENVIRONMENT_FILES},
}
"""By base and file: what reads it, first what takes little time."""

QUICK_SHARE = 0.85
"""Of the mutants that are read in the first way, in a quick run."""

ARGUMENTS = "arguments"
BASES = {ARGUMENTS: "grid"}
"""Folder of the data sets, where it has another name."""

WEIGHTS = {**dict.fromkeys(TARGETS, 1), "labels": 6, "grid": 4, ARGUMENTS: 3}


# --- one mutant -----------------------------------------------------------------------------------


def try_mutant(root: Path, seed: int, idx: int, is_quick: bool) -> dict:
    """How a mutant ends."""
    rng = np.random.Generator(np.random.PCG64([seed, idx]))
    names = [name for name in WEIGHTS if (root / BASES.get(name, name)).exists()]
    weights = np.array([WEIGHTS[name] for name in names], float)
    base = names[rng.choice(len(names), p=weights / weights.sum())]
    work = root / f"work{os.getpid()}"
    shutil.copytree(root / BASES.get(base, base), work, copy_function=os.link, symlinks=True)
    try:
        if base == ARGUMENTS:
            name, arguments = draw_arguments(rng)
            found = {"target": f"{base} of {name}", "way": shorten(arguments, 300), "command": name}
            return {"idx": idx, **found, **run_child(partial(run_arguments, name, arguments), work)}
        target = list(TARGETS[base])[rng.integers(len(TARGETS[base]))]
        commands = TARGETS[base][target]
        is_first = is_quick and rng.random() < QUICK_SHARE
        command = commands[0 if is_first else rng.integers(len(commands))]
        found = {"target": f"{base} {target}", "way": mutate_somehow(work / "set" / target, rng)}
        found["command"] = describe(command)
        return {"idx": idx, **found, **run_child(command, work)}
    finally:
        shutil.rmtree(work)


def mutate_somehow(path: Path, rng: np.random.Generator) -> str:
    """A mutant; other bytes where HDF5 has no room for what was drawn."""
    try:
        return mutate(path, rng)
    except (TypeError, ValueError, OSError, RuntimeError):
        return mutate_bytes(path, rng)


def describe(command: Callable) -> str:
    cells = [cell.cell_contents for cell in command.__closure__ or ()]
    return " ".join(map(str, sorted(cells, key=lambda c: isinstance(c, tuple)))) or command.__name__


def run_child(command: Callable[[Path], int], work: Path) -> dict:
    """Runs a command in a child; returns how it ended."""
    outputs = [work / "stdout", work / "stderr"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        run_and_exit(command, work, outputs)
    _, status, usage = os.wait4(pid, 0)
    printed, errors = (path.read_text(errors="replace") for path in outputs)
    found = {"seconds": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime}
    found["more_bytes"] = (usage.ru_maxrss << 10) - before
    found["line"] = errors[-3000:]
    found["rejected"] = printed.splitlines()[-1:]
    return {**found, "end": judge(status, errors, found["more_bytes"])}


def judge(status: int, errors: str, more_bytes: int) -> str:
    if os.WIFSIGNALED(status):
        return "hang" if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU) else "died"
    if "Traceback" in errors or os.WEXITSTATUS(status) not in (0, 1, 2):
        return "traceback"
    if more_bytes > MAX_BYTES:
        return "memory"
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    if os.WEXITSTATUS(status) == 2:
        return "line" if len(lines) == 1 else "noise"
    return "ok" if not lines else "noise"


def run_and_exit(command: Callable[[Path], int], work: Path, outputs: list[Path]) -> None:
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(10 * MAX_SECONDS)  # one that waits takes no CPU time
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS + 5))
    warnings.simplefilter("error", RuntimeWarning)
    warnings.simplefilter("error", UserWarning)
    status = 3
    try:
        status = command(work)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def import_all() -> None:
    """Imports all that the children would import each for itself."""
    for module in pkgutil.walk_packages(synrender.__path__, "synrender."):
        if not module.name.startswith("synrender.blender."):
            import_module(module.name)
    for name in ("yaml", "pycocotools.mask", "pyarrow.parquet", "jinja2", "skimage.color"):
        import_module(name)


def main(root: Path, seed: int, start: int, end: int, is_quick: bool) -> None:
    import_all()

    for idx in range(start, end):
        print(json.dumps(try_mutant(root, seed, idx, is_quick)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), is_quick=sys.argv[5:] == ["quick"])
