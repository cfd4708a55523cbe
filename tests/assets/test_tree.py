"""Folders and zip archives list the same names, and nothing outside of them is ever read."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.model_file import ModelFile
from synrender.assets.tree import Names, Tree, open_tree
from synrender.errors import UserError
from tests.assets.helpers import write_files, write_zip

FILES = {
    "b/2/x.obj": b"2" * 5000, "b/1/x.obj": b"1", "a.txt": b"a", ".hidden/x": b"", "b/.x": b"",
}  # fmt: skip


@pytest.fixture(params=["folder", "archive"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    if request.param == "folder":
        return open_tree(write_files(tmp_path / "set", FILES))
    return open_tree(write_zip(tmp_path / "set.zip", FILES))


def test_both_list_the_same_names(tree: Tree) -> None:
    assert tree.list() == Names(("b",), ("a.txt",))
    assert tree.list("b") == Names(("1", "2"), ())
    assert tree.list("b/2") == tree.enter("b").list("2") == Names((), ("x.obj",))
    assert tree.list("b/2/x.obj") == tree.list("c") == Names()


def test_a_link_in_a_circle_is_no_folder(tmp_path: Path) -> None:
    write_files(tmp_path / "set", FILES)
    (tmp_path / "set" / "loop").symlink_to("loop")
    (tmp_path / "set" / "linked").symlink_to("b")
    assert open_tree(tmp_path / "set").list() == Names(("b", "linked"), ("a.txt", "loop"))


def test_both_read_the_same_files(tree: Tree) -> None:
    file = tree.enter("b").file("2/x.obj")
    assert file.suffix == ".obj"
    assert str(file).endswith("b/2/x.obj")
    assert file.read(5000) == FILES["b/2/x.obj"]
    with pytest.raises(ValueError, match="5000 bytes, at most 4999 are allowed"):
        file.read(4999)
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        tree.file("b/3/x.obj").read(100)


@pytest.mark.parametrize(
    "name", ["../x.obj", "/x.obj", "a/../../x.obj", "a//x.obj", "a/./x.obj", "a\x1b/x.obj",
             "a/" * 16 + "x.obj", "a/" * 30_000 + "x.obj", "x" * 1021 + ".obj"]
)  # fmt: skip
def test_names_that_lead_out_are_not_listed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        archive.writestr(info, b"x")
        archive.writestr("good/x.obj", b"x")
        archive.writestr("a/" * 15 + "x.obj", b"x")
    assert open_tree(path).list() == Names(("a", "good"), ())
    assert open_tree(path).list("a/" * 14 + "a") == Names((), ("x.obj",))


def find_member(tmp_path: Path, attributes: int = 0, method: int = zipfile.ZIP_STORED) -> ModelFile:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x.obj")
        info.external_attr, info.compress_type = attributes << 16, method
        archive.writestr(info, b"/etc/passwd")
    return open_tree(path).file("x.obj")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_in_an_archive_is_not_read(tmp_path: Path, kind: int) -> None:
    with pytest.raises(ValueError, match="not a regular file"):
        find_member(tmp_path, kind | 0o777).read(100)
    assert find_member(tmp_path, stat.S_IFREG | 0o644).read(100) == b"/etc/passwd"


def test_other_ways_to_pack_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="packed by method 14"):
        find_member(tmp_path, method=zipfile.ZIP_LZMA).read(100)


def change(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Changes bytes behind the last place of a signature."""
    data = bytearray(path.read_bytes())
    place = data.rindex(signature) + offset
    data[place : place + len(value)] = value
    path.write_bytes(data)


DIRECTORY, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"x.obj": b"x" * 100})
    change(path, DIRECTORY, 8, b"\1\0")
    with pytest.raises(ValueError, match="encrypted"):
        open_tree(path).file("x.obj").read(1000)


@pytest.mark.timeout(20)
def test_a_member_that_unpacks_to_more_than_it_says_is_damaged(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", {"x.obj": bytes(1 << 28)})
    assert path.stat().st_size < 1 << 19
    with pytest.raises(ValueError, match=r"268435456 bytes, at most 1000 are allowed"):
        open_tree(path).file("x.obj").read(1000)
    change(path, DIRECTORY, 24, struct.pack("<I", 100))
    with pytest.raises(ValueError, match="damaged in its archive"):
        open_tree(path).file("x.obj").read(1 << 20)


@pytest.mark.parametrize(
    ("signature", "offset", "value"),
    [(DIRECTORY, 42, b"\xff\xff\0\0"), (DIRECTORY, 42, b"\1\0\0\0"), (DIRECTORY, 16, b"crc!"),
     (LOCAL, 26, b"\xff\xff"), (DIRECTORY, 20, b"\5\0\0\0")],
)  # fmt: skip
def test_a_damaged_member_is_named(
    tmp_path: Path, signature: bytes, offset: int, value: bytes
) -> None:
    path = write_zip(tmp_path / "set.zip", {"x.obj": bytes(range(256))})
    change(path, signature, offset, value)
    with pytest.raises(ValueError, match="archive"):
        open_tree(path).file("x.obj").read(1000)


@pytest.mark.parametrize("damage", ["cut", "directory", "empty", "text", "size"])
def test_a_damaged_archive_is_one_line(tmp_path: Path, damage: str) -> None:
    path = write_zip(tmp_path / "set.zip", {f"{k}/x.obj": b"x" for k in range(50)})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-3000])
    elif damage == "directory":
        change(path, DIRECTORY, 0, b"XXXX")
    elif damage == "size":
        change(path, END, 12, b"\xff\xff\xff\x7f")
    else:
        path.write_bytes(b"" if damage == "empty" else b"not a zip file\n" * 10)
    with pytest.raises(UserError, match=r"cut off or damaged .*; download it again") as e:
        open_tree(path)
    assert "\n" not in str(e.value)


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"b\.zip is an archive in an archive; unpack"):
        open_tree(write_zip(tmp_path / "a.zip", {"b.zip": b""})).open_zip("b.zip")


@pytest.mark.timeout(60)
def test_mutants_of_an_archive_are_read_or_refused(tmp_path: Path) -> None:
    names = [f"c{k % 3}/m{k}.obj" for k in range(12)]
    whole = write_zip(tmp_path / "set.zip", {n: n.encode() * 9 for n in names}).read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "mutant.zip"
    num_read = num_damaged = num_refused = 0
    for _ in range(500):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 4)).tolist():
            odd = rng.choice([b"\xff\xff\xff\x7f", b"\0\0\0\0", rng.bytes(1), b""])
            data[at : at + max(len(odd), int(rng.integers(8)))] = odd
        path.write_bytes(data)
        try:
            tree = open_tree(path)
        except UserError:
            num_refused += 1
            continue
        for folder in tree.list().folders:
            for name in tree.list(folder).files:
                try:
                    tree.file(f"{folder}/{name}").read(1000)
                    num_read += 1
                except (ValueError, OSError):
                    num_damaged += 1
    assert min(num_read, num_damaged, num_refused) > 20


def test_links_to_themselves_and_pipes_are_one_line(tmp_path: Path) -> None:
    loop, pipe = tmp_path / "loop.zip", tmp_path / "pipe.zip"
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    tree = open_tree(tmp_path)
    assert tree.list() == Names((), ("loop.zip", "pipe.zip"))
    for name in ("loop.zip", "pipe.zip"):
        with pytest.raises(UserError, match=rf"{name}: "):
            tree.open_zip(name)
    (tmp_path / "locked").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(UserError, match=r"locked: cannot be listed \(Permission denied\)"):
            tree.list("locked")


def refuse(path: Path) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


# --- files beside a model -------------------------------------------------------------------------

PARTS = {
    "m/models/x.obj": b"x",
    "m/models/x.mtl": b"library",
    "m/models/maps/a b.png": b"map",
    "m/images/x.jpg": b"image",
    "m/materials/textures/texture.png": b"texture",
    "secret.txt": b"secret",
    "n/images/x.jpg": b"another model's",
}


@pytest.fixture(params=["folder", "archive"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> ModelFile:
    if request.param == "folder":
        tree = open_tree(write_files(tmp_path / "set", PARTS))
    else:
        tree = open_tree(write_zip(tmp_path / "set.zip", PARTS))
    return replace(
        tree.file("m/models/x.obj"), levels=1, others=("materials/nowhere", "materials/textures")
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.mtl", b"library"),
        ("./x.mtl", b"library"),
        ("maps/a b.png", b"map"),
        ("maps\\a b.png", b"map"),
        ("maps/../x.mtl", b"library"),
        ("../images/x.jpg", b"image"),
        ("..\\images\\x.jpg", b"image"),
        ("texture.png", b"texture"),
    ],
)
def test_files_beside_a_model_are_read(model: ModelFile, name: str, content: bytes) -> None:
    assert model.beside(name).read(10) == content


def test_a_file_beside_a_model_names_others_from_its_own_folder(model: ModelFile) -> None:
    assert model.beside("maps/a b.png").beside("../x.mtl").read(10) == b"library"
    assert model.beside("../images/x.jpg").beside("../models/x.obj").read(10) == b"x"
    with pytest.raises(ValueError, match="not in the model's folder"):
        model.beside("maps/a b.png").beside("../../../secret.txt")


def test_a_file_beside_a_model_may_be_missing(model: ModelFile) -> None:
    for name in ("gone.png", "../gone.png", "../images", "a/b/c.png"):
        assert not model.beside(name).is_there
        with pytest.raises((OSError, ValueError)):
            model.beside(name).read(10)


@pytest.mark.parametrize(
    "name",
    [
        *("../../secret.txt", "../../n/images/x.jpg", "../../../m/models/x.mtl", "/etc/passwd"),
        *("", "a//b", "..", ".hidden", "a\0b", "maps/../../../secret.txt", "\\\\server\\x"),
    ],
)
def test_names_that_lead_out_of_the_model_are_refused(model: ModelFile, name: str) -> None:
    with pytest.raises(ValueError, match="is not in the model's folder"):
        model.beside(name)


def test_without_a_folder_of_its_own_a_model_has_the_files_beside_it(tmp_path: Path) -> None:
    for tree in (
        open_tree(write_files(tmp_path / "set", PARTS)),
        open_tree(write_zip(tmp_path / "set.zip", PARTS)),
    ):
        file = tree.file("m/models/x.obj")
        assert file.beside("x.mtl").read(10) == b"library"
        with pytest.raises(ValueError, match="is not in the model's folder"):
            file.beside("../images/x.jpg")


def test_a_link_out_of_the_models_folder_is_refused(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "set", PARTS)
    (folder / "m" / "models" / "link.png").symlink_to(folder / "secret.txt")
    (folder / "m" / "models" / "own.png").symlink_to(folder / "m" / "images" / "x.jpg")
    file = replace(open_tree(folder).file("m/models/x.obj"), levels=1)
    assert file.beside("own.png").read(10) == b"image"
    with pytest.raises(ValueError, match="is not in the model's folder"):
        file.beside("link.png")
