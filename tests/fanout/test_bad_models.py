"""Models that crash or hang Blender, or cannot be read."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.fanout.drive import (
    BATCH,
    NUM_SAMPLES,
    VARIANTS,
    Driver,
    write_assets,
)
from tests.helpers import as_plain_user, has_blender_executable, read_records

pytestmark = pytest.mark.slow  # each starts Ray, and most kill or hang what it started


@pytest.mark.parametrize(
    ("trouble", "reason", "blender"),
    [
        ("TROUBLE_CRASH", "crashed Blender 2 times", ""),
        ("TROUBLE_HANG", "exceeded the time limit", ""),
        pytest.param(
            *("TROUBLE_CRASH", "crashed Blender 2 times", "blender"),
            marks=pytest.mark.debian_blender,
        ),
        pytest.param(
            *("TROUBLE_HANG", "exceeded the time limit", "blender"),
            marks=[pytest.mark.debian_blender, pytest.mark.weekly],
        ),
    ],
)
def test_a_model_that_ends_or_hangs_the_process_is_rejected_and_replaced(
    driver: Driver, reference: dict[str, Path], trouble: str, reason: str, blender: str
) -> None:
    if blender and not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender python3-numpy")
    plain = read_records(reference["0-0-0-0"])[:, 0]
    culprit = f"{plain['synset_id'][8]}/{plain['model_id'][8]}"  # in mid-batch
    name = f"{trouble}{blender}"
    arguments, variants = ["-d", name, *BATCH, "--time_limit", 6], VARIANTS
    if blender:
        arguments, variants = [*arguments, "--blender", blender, "-b", 12], VARIANTS[:1]
    output = driver.run(*arguments, variants=variants, **{trouble: f"/{culprit}/"})
    assert f"all {len(variants) * NUM_SAMPLES} samples are complete" in output
    assert output.count(f"  {culprit}: {reason}") == 1
    for variant in variants:
        dataset_dir = driver.data_dir / f"{name}_{variant}"
        rejected = json.loads((dataset_dir / "dataset.json").read_text())["rejected"]
        assert list(rejected) == [culprit]
        assert rejected[culprit].startswith(reason)
        records, expected = read_records(dataset_dir)[:, 0], read_records(reference[variant])[:, 0]
        is_hit = (expected["synset_id"] == culprit[:8]) & (expected["model_id"] == culprit[9:])
        assert is_hit[8]
        assert (records["model_id"][is_hit] != culprit[9:]).all()
        for idx in (~is_hit).nonzero()[0] if not blender else ():
            ours, theirs = (d / "img" / f"{idx:05d}.png" for d in (dataset_dir, reference[variant]))
            assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    ("kind", "trouble"), [(("--is_multi",), "TROUBLE_RENDER"), ((), "TROUBLE_CRASH")]
)
def test_a_batch_of_eight_models_that_crash_is_finished(
    driver: Driver, kind: tuple[str, ...], trouble: str
) -> None:
    """Two of the three models that each class has in the first two buckets.

    Were one more of them rejected, of several in a sample, samples could not be rendered.
    """
    crash, name = "/m00[0134]/", f"eight{trouble}"
    output = driver.run(
        *("-d", name, *kind, "-n", 72, "-b", 12),
        variants=("0-0-0-0",),
        bindings=("batch.cache_obj_frames = 1",),
        **{trouble: crash},
    )
    assert "all 72 samples are complete" in output
    dataset_dir = driver.data_dir / f"{name}_0-0-0-0"
    shown = read_records(dataset_dir)["model_id"].ravel()
    assert not [model for model in shown if re.search(crash, f"/{model}/")]
    rejected = json.loads((dataset_dir / "dataset.json").read_text())["rejected"]
    assert 5 <= len(rejected) <= 8  # as many as are drawn
    assert not [model for model in rejected if not re.search(crash, f"/{model}/")]
    assert set(rejected.values()) == {"crashed Blender 2 times"}


def test_models_that_may_not_be_read_are_rejected_and_replaced(
    driver: Driver, tmp_path: Path
) -> None:
    """A folder, a file and a texture of mode 000, in every bucket; and a file of odd bytes."""
    shapenet, dtd = write_assets(tmp_path)
    models = sorted((shapenet / "02691156").iterdir())
    locked = [folder for k, folder in enumerate(models) if k % 3 == 0]
    locked += [m / "models/model_normalized.obj" for k, m in enumerate(models) if k % 3 == 1]
    locked.append(next((dtd / "images/noise").iterdir()))
    odd = locked.pop(0) / "models/model_normalized.obj"
    odd.write_bytes(b"\1\2\n\x1f")
    for path in locked:
        path.chmod(0)
    try:
        output = dataclasses.replace(driver, prefix=as_plain_user()).run(
            *("-d", "unreadable", "-n", 60, "-b", 6),
            variants=("1-0-0-0",),
            bindings=("batch.cache_obj_frames = 1",),
            SYNRENDER_SHAPENET_DIR=str(shapenet),
            SYNRENDER_DTD_DIR=str(dtd),
        )
    finally:
        for path in locked:
            path.chmod(0o700)
    assert "all 60 samples are complete" in output
    info = json.loads((driver.data_dir / "unreadable_1-0-0-0/dataset.json").read_text())
    assert info["rejected"].pop(f"02691156/{models[0].name}") == "empty file"
    reasons = set(info["rejected"].values())
    assert len(info["rejected"]) > 12
    assert all(reason.endswith("Permission denied") for reason in reasons), reasons
    assert f"noise/{locked[-1].name}" in info["rejected"]


def test_a_failure_shows_the_batch_how_to_repeat_it_and_the_end_of_blenders_output(
    driver: Driver,
) -> None:
    # All models of class 0 in bucket 0 crash, so nothing is left for its samples.
    output = driver.run(
        *("-d", "hopeless", "-n", 24, "-b", 6),
        variants=("0-0-0-0",),
        status=1,
        TROUBLE_CRASH="/02691156/m00",
    )
    assert "failed: hopeless_0-0-0-0, samples 0 to 5" in output
    assert "too few of its 3 models can be used" in output
    config = driver.data_dir / "hopeless_0-0-0-0" / "config.gin"
    command = (
        f"python render.py -d hopeless_0-0-0-0 -g {config} "
        '-p "batch.idx_offset = 0" "batch.num_samples = 6"'
    )
    assert command in output
    num_missing = int(re.search(r"error: (\d+) of 24 samples are missing", output)[1])
    assert num_missing == 24 - driver.num_records("hopeless") > 0
    # What is printed does reproduce it.
    result = subprocess.run(
        command.replace("python ", "exec python ", 1),
        shell=True,
        env={
            **driver.environment,
            "PATH": f"{Path(os.sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "too few of its 3 models can be used" in result.stderr
