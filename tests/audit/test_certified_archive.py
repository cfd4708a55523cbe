"""Archives carry the root of the certificate, and what they replace can still be verified."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from synrender.cli.preprocess import parse_arguments, run
from synrender.dataset.certificate import ROOT_ATTRIBUTE
from synrender.dataset.record import read_record, record_to_bytes
from synrender.system.folders import Folders
from tests.audit.certificates import body_of, flip, run_audit
from tests.helpers import Renderer, RenderServer


def preprocess(dataset_dir: Path, *arguments: str) -> None:
    parsed = parse_arguments(["-d", dataset_dir.name, "-j", "1", *arguments])
    assert run(parsed, Folders(dataset_dir.parent)) == 0


def root_in(path: Path) -> str | None:
    with h5py.File(path) as file:
        return file.attrs.get(ROOT_ATTRIBUTE)


def test_archives_carry_the_root(copy: Path, verify) -> None:
    preprocess(copy, "-f", "-p", "-r", "32", "-b", "3")
    root = body_of(copy)["tree"]["root"]
    assert {root_in(path) for path in copy.glob("*.h5")} == {root}
    assert len(list(copy.glob("*.h5"))) == 4
    assert verify(copy) == (0, [])


def test_archives_of_changed_files_carry_none(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip("color_reference.npy")(copy)
    preprocess(copy, "-f", "-p", "-r", "32", "-b", "3")
    assert {root_in(path) for path in copy.glob("*.h5")} == {None}
    assert "certificate.json: files differ from it; --verify names them" in capsys.readouterr().err


def test_arrays_of_mixed_shards_carry_none(copy: Path) -> None:
    preprocess(copy, "-f", "-b", "3")
    with h5py.File(copy / "imgs_01.h5", "r+") as file:
        del file.attrs[ROOT_ATTRIBUTE]
    preprocess(copy, "-p", "-r", "32")
    assert root_in(copy / "data_32.h5") is None


def test_removed_png_files_are_verified_from_the_archive(
    copy: Path, wheel: Renderer, capsys: pytest.CaptureFixture[str]
) -> None:
    preprocess(copy, "-f", "-b", "3", "--remove_raw", "-i", "0")
    preprocess(copy, "-f", "-b", "3", "--remove_raw")
    assert not (copy / "img").exists()
    assert root_in(copy / "imgs_02.h5") == body_of(copy)["tree"]["root"]
    assert run_audit(copy, wheel.data_dir, "--verify") == 0
    assert "pass: 27 files are as the certificate says, 24 of them from imgs_XX.h5" in (
        capsys.readouterr().out
    )


def test_a_change_in_the_archive_is_found_when_the_files_are_gone(copy: Path, verify) -> None:
    preprocess(copy, "-f", "-b", "1", "--remove_raw")
    with h5py.File(copy / "imgs_00.h5", "r+") as file:
        row = int(np.flatnonzero(file["sample_idx"][...] == 7)[0])
        png = file["png_images"][row]
        png[len(png) // 2] ^= 1
        file["png_images"][row] = png
        file["light"][row, 0] += 1
    assert verify(copy) == (
        1,
        [
            f"missing img/00007.{kind} (and its copy in imgs_XX.h5 differs)"
            for kind in ("npy", "png")
        ],
    )


def test_removed_records_of_any_number_of_objects_are_verified(
    wheel: Renderer, server: RenderServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """In HDF5 they have as many rows as the largest."""
    size = ("batch.num_samples = 8", "rendering.render_exr = False")
    numbers = ("sample.num_objs = 3", "design.levels = {'num_objs': (1, 3)}")
    dataset_dir = server.render("certified_numbers", *size, *numbers, config="render_multi")
    assert len({path.stat().st_size for path in dataset_dir.glob("img/*.npy")}) == 2
    run_audit(dataset_dir, wheel.data_dir, "--certificate", "-n", "1")
    preprocess(dataset_dir, "-f", "-b", "1", "--remove_raw")
    assert run_audit(dataset_dir, wheel.data_dir, "--verify") == 0
    assert "16 of them from imgs_XX.h5" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["before_single", "before_multi"])
def test_records_of_earlier_versions_are_made_again_byte_by_byte(name: str) -> None:
    paths = sorted(Path(f"tests/fixtures/{name}/img").glob("*.npy"))
    assert paths
    for path in paths:
        assert record_to_bytes(read_record(path)) == path.read_bytes()


def test_removed_exr_files_cannot_be_verified_which_is_said(
    wheel: Renderer, multi: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(multi, tmp_path / "multi")
    assert run_audit(copy, wheel.data_dir, "--certificate", "-n", "1") == 0
    assert run_audit(copy, wheel.data_dir, "--verify") == 0
    preprocess(copy, "-f", "-b", "1", "--remove_raw")
    capsys.readouterr()
    assert run_audit(copy, wheel.data_dir, "--verify") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "missing  12 images whose samples are in imgs_XX.h5, re-encoded: these cannot be compared "
        "with the certificate",
        "FAIL: 12 differences; 15 files were compared, 12 of them from imgs_XX.h5",
    ]


def test_an_archive_of_other_files_is_named(copy: Path, verify) -> None:
    preprocess(copy, "-f", "-b", "1")
    with h5py.File(copy / "imgs_00.h5", "r+") as file:
        file.attrs[ROOT_ATTRIBUTE] = "0" * 64
    status, lines = verify(copy)
    assert status == 1
    assert lines == [
        f"changed imgs_00.h5 (made from files of another certificate, with the root {'0' * 64})"
    ]
