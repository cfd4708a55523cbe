"""A certificate binds an audit's figures to the files; any change of a file is found and named."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.certification import list_ranges
from synrender.audit.check import Verdict
from synrender.dataset.folder import open_dataset_folder
from synrender.dataset.hashes import FileHashes, create_samples, hash_dataset
from synrender.dataset.lock import in_use
from synrender.dataset.names import CERTIFICATE_FILE, HASHES_FILE
from synrender.dataset.removal import remove_dataset
from synrender.errors import UserError
from synrender.system.console import create_file_bar
from synrender.system.workers import Workers
from tests.audit.certificates import body_of, flip, run_audit
from tests.helpers import Renderer, RenderServer


def test_a_data_set_is_as_its_certificate_says(certified: Path, verify) -> None:
    assert verify(certified) == (0, [])


def test_every_figure_stands_with_its_bound_and_its_basis(certified: Path) -> None:
    body = body_of(certified)
    assert body["verdict"] == "pass"
    checks = {check["name"]: check for check in body["checks"]}
    assert {"files", "mask", "silhouette", "pose", "images", "splits"} <= checks.keys()
    assert {check["verdict"] for check in body["checks"]} == {
        Verdict.PASS.value, Verdict.NOT_APPLICABLE.value,
    }  # fmt: skip
    for check in body["checks"]:
        assert check["figures"]
        if check["verdict"] == "pass":
            assert any({"at_least", "at_most"} & measure.keys() for measure in check["measures"])
    measures = {measure["name"]: measure for measure in checks["pose"]["measures"]}
    rotation = measures["rotation, entries"]
    assert (rotation["at_most"], rotation["num"], rotation["of"]) == (1e-4, 12, "objects")
    assert 0 <= rotation["value"] <= 1e-4
    assert body["versions"]["audit"].keys() >= {"synrender", "numpy", "trimesh", "embreex"}
    assert body["versions"]["data set"]["blender"]


def test_every_bound_says_how_many_it_was_held_against(audit, multi: Path) -> None:
    checks = audit(multi)
    bounded = [
        measure
        for check in checks.values()
        for measure in check.measures
        if (measure.at_least, measure.at_most) != (None, None)
    ]
    assert len(bounded) > 15
    assert [m for m in bounded if m.num is None or not m.of] == []


def test_the_certificate_says_which_samples_rays_were_cast_for(certified: Path) -> None:
    examined = body_of(certified)["examined"]
    assert (examined["samples"], examined["samples_by_rays"]) == (12, 3)
    assert (examined["objects_by_rays"], examined["pixels_by_rays"]) == (3, 3 * 64 * 64)
    assert examined["samples_hashed"] == "all"
    assert len(np.load(certified / HASHES_FILE)) == 12


def test_ranges() -> None:
    assert list_ranges([]) == ""
    assert list_ranges([5]) == "5"
    assert list_ranges([0, 1, 2, 3, 7, 9, 10]) == "0-3, 7, 9-10"


def test_the_same_data_set_gives_the_same_certificate(
    certified: Path, copy: Path, wheel: Renderer
) -> None:
    assert run_audit(copy, wheel.data_dir, "--certificate", "-n", "3") == 0
    for name in (CERTIFICATE_FILE, HASHES_FILE):
        assert (copy / name).read_bytes() == (certified / name).read_bytes()


# --- changes --------------------------------------------------------------------------------------


def swap(dataset_dir: Path) -> None:
    for kind in ("png", "npy"):
        a, b = (dataset_dir / f"img/{idx:05d}.{kind}" for idx in (2, 9))
        first, second = a.read_bytes(), b.read_bytes()
        a.write_bytes(second)
        b.write_bytes(first)


def rename(dataset_dir: Path) -> None:
    (dataset_dir / "img/00004.png").rename(dataset_dir / "img/00040.png")


def blow_up(dataset_dir: Path) -> None:
    """To 100 GB, of which the disk holds a few blocks."""
    os.truncate(dataset_dir / "img/00003.png", 100_000_000_000)


def remove(dataset_dir: Path) -> None:
    for kind in ("png", "npy"):
        (dataset_dir / f"img/00011.{kind}").unlink()


def add(dataset_dir: Path) -> None:
    (dataset_dir / "img/00012.png").write_bytes(b"new")
    (dataset_dir / "img/notes.txt").write_bytes(b"")
    shutil.copy(dataset_dir / "img/00003.png", dataset_dir / "img/000003.png")
    (dataset_dir / "other.bin").write_bytes(b"")


def retouch(dataset_dir: Path) -> None:
    """A better figure, in the text of the certificate."""
    path = dataset_dir / CERTIFICATE_FILE
    certificate = json.loads(path.read_text())
    certificate["body"]["checks"][0]["figures"] = "0 samples; 0 are missing"
    path.write_text(json.dumps(certificate))


CHANGES = {
    "a byte of an image": (flip("img/00003.png"), ["changed img/00003.png"]),
    "an image of 100 GB": (blow_up, ["changed img/00003.png"]),
    "a byte of a record": (flip("img/00005.npy"), ["changed img/00005.npy"]),
    "a byte of the settings": (flip("config.gin"), ["changed config.gin"]),
    "a byte of the description": (flip("dataset.json"), ["changed dataset.json"]),
    "a byte of the colors": (flip("color_reference.npy"), ["changed color_reference.npy"]),
    "a byte of the hashes": (flip(HASHES_FILE), [f"changed {HASHES_FILE}"]),
    "a figure": (retouch, [f"changed {CERTIFICATE_FILE} (changed since it was written)"]),
    "samples swapped": (
        swap,
        [
            "changed img/00002.npy (is what img/00009.npy was)",
            "changed img/00002.png (is what img/00009.png was)",
            "changed img/00009.npy (is what img/00002.npy was)",
            "changed img/00009.png (is what img/00002.png was)",
        ],
    ),
    "a file renamed": (
        rename, ["missing img/00004.png", "extra img/00040.png (is what img/00004.png was)"],
    ),
    "a sample removed": (remove, ["missing img/00011.npy", "missing img/00011.png"]),
    "files added": (
        add,
        [
            f"extra {name}"
            for name in ("other.bin", "img/000003.png", "img/notes.txt", "img/00012.png")
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_each_changed_file_is_named(copy: Path, verify, change: str) -> None:
    edit, expected = CHANGES[change]
    edit(copy)
    assert verify(copy) == (1, expected)


def test_a_description_that_is_changed_and_still_valid_is_found(copy: Path, verify) -> None:
    path = copy / "dataset.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1', 1))
    assert verify(copy) == (1, ["changed dataset.json"])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"body": 3}', '{"format_version": 1, "body_sha256": "", "body": {}}']
)
def test_a_damaged_certificate_is_one_line(copy: Path, verify, text: str) -> None:
    (copy / CERTIFICATE_FILE).write_text(text)
    status, lines = verify(copy)
    assert status == 1
    assert lines[0].startswith(f"changed {CERTIFICATE_FILE} (")


def test_a_data_set_without_certificate_is_a_mistake(wheel: Renderer, single: Path) -> None:
    with pytest.raises(UserError, match=r"certificate\.json: no such file; .* --certificate"):
        run_audit(single, wheel.data_dir, "--verify")


def test_a_failed_audit_leaves_no_certificate(
    copy: Path, wheel: Renderer, capsys: pytest.CaptureFixture[str]
) -> None:
    flip("img/00003.png")(copy)
    assert run_audit(copy, wheel.data_dir, "--certificate", "-n", "1") == 1
    assert "no certificate: the one that was there is removed" in capsys.readouterr().out
    assert not (copy / CERTIFICATE_FILE).exists()
    assert not (copy / HASHES_FILE).exists()


def test_overwrite_removes_the_certificate_too(copy: Path) -> None:
    remove_dataset(open_dataset_folder(copy.parent, copy.name))
    assert {path.name for path in copy.iterdir()} <= {".lock"}


def test_folders_within_img_are_hashed(wheel: Renderer, server: RenderServer, verify) -> None:
    name = "certified_folders"
    dataset_dir = server.render(name, "batch.files_per_folder = 4", "batch.num_samples = 5")
    with Workers(1) as workers:
        folder = open_dataset_folder(wheel.data_dir, name)
        hashes = hash_dataset(folder, workers, create_file_bar)
    assert (hashes.num_files, hashes.others) == (3 + 10, ())
    assert run_audit(dataset_dir, wheel.data_dir, "--certificate", "-n", "1") == 0
    shutil.copy(dataset_dir / "img/0001/00003.png", dataset_dir / "img/00003.png")
    assert verify(dataset_dir) == (1, ["extra img/00003.png"])
    (dataset_dir / "img/00003.png").unlink()
    flip("img/0001/00003.png")(dataset_dir)
    assert verify(dataset_dir) == (1, ["changed img/0001/00003.png"])


def test_a_sample_takes_72_bytes_of_hashes() -> None:
    samples = create_samples(1000, ("npy", "png"))
    samples["sample"] = np.arange(1000)
    assert len(FileHashes({}, samples).find_root()) == 32
    assert samples.nbytes == 72 * len(samples)


def test_nothing_is_certified_while_it_is_rendered(copy: Path, wheel: Renderer) -> None:
    with (
        in_use(copy, "rendered", is_shared=True),
        pytest.raises(UserError, match="cannot be certified now"),
    ):
        run_audit(copy, wheel.data_dir, "--certificate", "-n", "1")
