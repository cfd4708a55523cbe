from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.fanout.variants import VARIANTS
from tests.assets.helpers import create_obj, write_files
from tests.assets.layouts import GOOGLE_SCANNED
from tests.fanout.drive import NUM_SAMPLES as NUM_PAIRED
from tests.fanout.drive import Driver, assert_same_dataset
from tests.helpers import PROJECT_DIR, check_same_records, read_passes, read_records

NUM_SAMPLES = 24
FACTOR_FIELDS = {1: "color", 2: "euler", 3: "light"}  # what of a record a digit decides


# --- two variants ---------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [pytest.param("0-0-0-0", marks=pytest.mark.slow), "1-1-1-1"])
def test_pixels_are_those_of_render_alone(
    driver: Driver, reference: dict[str, Path], variant: str
) -> None:
    alone_dir = render_alone(driver, reference[variant], f"alone_{variant}")
    assert_same_dataset(reference[variant], alone_dir)


def test_local_mode_renders_the_same(driver: Driver, reference: dict[str, Path]) -> None:
    driver.run("-d", "local", "-n", NUM_PAIRED, "-l", variants=("1-1-1-1",))
    assert_same_dataset(driver.data_dir / "local_1-1-1-1", reference["1-1-1-1"])


def test_equal_seeds_pair_two_variants(reference: dict[str, Path]) -> None:
    check_pairs(reference)


# --- all twelve -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def datasets(driver: Driver) -> dict[str, Path]:
    """All 12 variants, by name."""
    output = driver.run("-d", "full", "-n", NUM_SAMPLES, "-b", 7, variants=VARIANTS)
    assert f"all {12 * NUM_SAMPLES} samples are complete" in output
    return {variant: driver.data_dir / f"full_{variant}" for variant in VARIANTS}


def render_alone(driver: Driver, source_dir: Path, name: str, **environment: str) -> Path:
    """render.py with the configuration that a data set of the fan-out keeps."""
    subprocess.run(
        [sys.executable, "render.py", "-d", name, "-g", str(source_dir / "config.gin")],
        cwd=PROJECT_DIR,
        env={**driver.environment, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return driver.data_dir / name


@pytest.mark.slow
def test_workers_read_models_in_archives_as_one_process_does(
    driver: Driver, tmp_path: Path
) -> None:
    models = GOOGLE_SCANNED["archives"](tmp_path / "models")
    bindings = (f"assets.models = {str(models)!r}", "object.n_buckets = 3")
    size = ("-n", 12, "-b", 3, "--num_classes", 2)
    output = driver.run("-d", "archives", *size, variants=("0-0-0-0",), bindings=bindings)
    assert "Models: Google Scanned Objects" in output
    found = driver.data_dir / "archives_0-0-0-0"
    assert str(tmp_path) not in (found / "config.gin").read_text()
    alone = render_alone(driver, found, "archives_alone", SYNRENDER_MODELS_DIR=str(models))
    assert_same_dataset(found, alone)


@pytest.mark.slow
def test_every_variant_is_complete_and_its_classes_are_even(datasets: dict[str, Path]) -> None:
    for dataset_dir in datasets.values():
        records = read_records(dataset_dir)
        assert len(records) == len(list((dataset_dir / "img").glob("*.png"))) == NUM_SAMPLES
        for bucket in range(12):
            in_bucket = records[records["bucket"][:, 0] == bucket]
            assert np.bincount(in_bucket["class"].ravel(), minlength=2).tolist() == [1, 1]


@pytest.mark.slow
def test_equal_seeds_pair_all_variants(datasets: dict[str, Path]) -> None:
    check_pairs(datasets)


def check_pairs(datasets: dict[str, Path]) -> None:
    """What variants share is equal, and what they do not share differs."""
    plain = read_records(datasets["0-0-0-0"])
    for variant, dataset_dir in datasets.items():
        records = read_records(dataset_dir)
        for field in ("class", "model_id", "sample_idx", "location"):
            np.testing.assert_array_equal(records[field], plain[field], err_msg=variant)
        for digit, field in FACTOR_FIELDS.items():
            partner = next(v for v in datasets if v.split("-")[digit] == variant.split("-")[digit])
            np.testing.assert_array_equal(records[field], read_records(datasets[partner])[field])
            if variant.split("-")[digit] == "1":
                assert (records[field] != plain[field]).any(), (variant, field)
        assert (records["texture"] != "").all() == (variant[0] == "1")


@pytest.mark.slow
def test_neither_batches_nor_workers_nor_gathering_change_a_pixel(
    driver: Driver, datasets: dict[str, Path]
) -> None:
    chosen = ("0-0-0-0", "1-0-1-1")
    arguments = ("-n", NUM_SAMPLES, "-b", 24, "--cpus_per_task", 2, "--gather", "-q")
    output = driver.run("-d", "coarse", *arguments, variants=chosen)
    assert output == ""
    for variant in chosen:
        assert_same_dataset(driver.data_dir / f"coarse_{variant}", datasets[variant])


@pytest.mark.slow
def test_multi_object_data_sets_are_complete_even_and_those_of_render_alone(
    driver: Driver,
) -> None:
    driver.run("-d", "multi", "--is_multi", "-n", NUM_SAMPLES, "-b", 5, variants=("1-1-1-1",))
    dataset_dir = driver.data_dir / "multi_1-1-1-1"
    records = read_records(dataset_dir)
    assert records.shape == (NUM_SAMPLES, 4)
    for bucket in range(12):
        in_bucket = records[records["bucket"][:, 0] == bucket]
        assert np.bincount(in_bucket["class"].ravel(), minlength=2).tolist() == [4, 4]
    alone_dir = render_alone(driver, dataset_dir, "alone_multi")
    check_same_records(records, read_records(alone_dir))
    for idx in range(NUM_SAMPLES):
        ours, theirs = read_passes(dataset_dir, idx), read_passes(alone_dir, idx)
        for name, values in theirs.items():
            np.testing.assert_array_equal(ours[name], values, err_msg=f"{idx} {name}")


@pytest.mark.parametrize("options", [(), ("--gather",)])
def test_what_a_model_lacks_is_told(driver: Driver, tmp_path: Path, options: tuple) -> None:
    """Whether workers write to the data set themselves, or send what they rendered."""
    mtl = b"newmtl a\nmap_Kd gone.png\n"
    models = {"c/bare.obj": b"mtllib bare.mtl\nusemtl a\n" + create_obj(), "c/bare.mtl": mtl}
    path, name = write_files(tmp_path / "set", models), f"lacks{len(options)}"
    bindings = (f"assets.models = {str(path)!r}", "material.source = 'own'", "object.n_buckets = 1")
    arguments = ("-d", name, "-n", 2, "--num_classes", 1, "--local_mode", *options)
    output = driver.run(*arguments, variants=("0-0-0-0",), bindings=bindings)
    assert "1 models are shown without all of their own look:\n  c/bare: " in output
    info = json.loads((driver.data_dir / f"{name}_0-0-0-0" / "dataset.json").read_text())
    assert list(info["incomplete"]) == ["c/bare"]
    assert "gone.png" in info["incomplete"]["c/bare"]
