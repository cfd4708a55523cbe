"""Sets of models as they are downloaded, small and made by us."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import trimesh

from tests.assets.helpers import create_obj, write_files, write_zip

Files = dict[str, bytes]
Write = Callable[[Path], Path]
"""Writes a set into a folder that does not exist; returns what a user would name."""


def wrap(files: Files, folder: str) -> Files:
    """The files in a folder."""
    return {f"{folder}/{name}": data for name, data in files.items()}


# --- ShapeNet -------------------------------------------------------------------------------------

SYNSETS = {"03001627": "chair", "03636649": "lamp"}
TAXONOMY = json.dumps([{"synsetId": i, "name": name} for i, name in SYNSETS.items()]).encode()
MODELS = {
    f"{synset}/m{k}/models/model_normalized.{kind}": create_obj(1 + k) if kind == "obj" else b"#\n"
    for synset in SYNSETS
    for k in range(3)
    for kind in ("obj", "mtl")
}
MODELS |= {f"{synset}/m{k}/images/texture0.jpg": b"image" for synset in SYNSETS for k in range(3)}


def of_synset(synset: str, prefix: str) -> Files:
    """The files of one synset, in another folder than its own."""
    return {f"{prefix}{n[9:]}": data for n, data in MODELS.items() if n.startswith(synset)}


def write_zips(folder: Path, prefix: str) -> Path:
    """An archive for each synset, as on the Hugging Face Hub."""
    for synset in SYNSETS:
        write_zip(folder / f"{synset}.zip", of_synset(synset, prefix.format(synset)))
    (folder / "README.md").write_text("# ShapeNetCore\n")
    return folder


def write_archives_and_folders(folder: Path) -> Path:
    """One synset is unpacked, the other is not."""
    write_files(folder, of_synset("03001627", "03001627/"))
    write_zip(folder / "03636649.zip", of_synset("03636649", "03636649/"))
    return folder


def write_one_archive(folder: Path, *files: Files) -> Path:
    """All in one archive, as it came from shapenet.org."""
    everything = {name: data for part in (MODELS, *files) for name, data in part.items()}
    return write_zip(folder / "ShapeNetCore.v2.zip", wrap(everything, "ShapeNetCore.v2"))


SHAPENET_V2: dict[str, Write] = {
    "unpacked": lambda p: write_files(p, {**MODELS, "taxonomy.json": TAXONOMY}),
    "without its taxonomy": lambda p: write_files(p, MODELS),
    "in a folder of its name": lambda p: write_files(p, wrap(MODELS, "ShapeNetCore.v2")),
    "an archive for each synset": lambda p: write_zips(p, "{}/"),
    "archives of models": lambda p: write_zips(p, ""),
    "archives and folders": write_archives_and_folders,
    "one archive": write_one_archive,
    "a folder of one archive": lambda p: write_one_archive(p, {"taxonomy.json": TAXONOMY}).parent,
}


# --- sets of GLB files ----------------------------------------------------------------------------


def create_glb(height: float) -> bytes:
    """A closed shape, as trimesh writes it."""
    shape = trimesh.creation.box((1, height, 1))
    return trimesh.Scene(shape).export(file_type="glb")


def pack(values: object) -> bytes:
    return gzip.compress(json.dumps(values).encode())


UIDS = [f"{k:032x}" for k in range(7)]
LVIS = {"Band_Aid": UIDS[6:], "chair": UIDS[:3], "lamp": [*UIDS[3:6], "0" * 31 + "f"]}
SKETCHFAB = {
    uid: {
        "uri": f"https://api.sketchfab.com/v3/models/{uid}",
        "uid": uid,
        "name": f"Chair {k}\n\u0007" if k < 3 else f'A "lamp" {{{k}}}',
        "user": {"username": f"user{k % 2}", "displayName": "Somebody"},
        "license": ("by", "cc0", "by-nc-sa")[k % 3],
        "tags": [{"name": uid}],
    }
    for k, uid in enumerate(UIDS)
}
OBJAVERSE_FILES = {
    **{f"glbs/000-{k % 2:03d}/{uid}.glb": create_glb(1 + k / 2) for k, uid in enumerate(UIDS[:6])},
    "object-paths.json.gz": pack({uid: f"glbs/000-000/{uid}.glb" for uid in UIDS}),
    "lvis-annotations.json.gz": pack(LVIS),
    **{
        f"metadata/000-{part:03d}.json.gz": pack({uid: SKETCHFAB[uid] for uid in UIDS[part::2]})
        for part in range(2)
    },
}
OBJAVERSE: dict[str, Write] = {
    "as it is downloaded": lambda p: write_files(p, OBJAVERSE_FILES),
    "in its own folder": lambda p: write_files(p, wrap(OBJAVERSE_FILES, "hf-objaverse-v1")),
}

ABO_MODELS = {f"B00000000{k}": "CHAIR" if k < 3 else "LAMP" for k in range(6)}
ABO_LISTINGS = [
    {"item_id": i, "product_type": [{"value": kind}], "3dmodel_id": i, "country": "US"}
    for i, kind in ABO_MODELS.items()
]
ABO_FILES = {
    **{
        f"3dmodels/original/{name[-1]}/{name}.glb": create_glb(1 + k / 2)
        for k, name in enumerate(ABO_MODELS)
    },
    "3dmodels/metadata/3dmodels.csv.gz": gzip.compress(b"3dmodel_id,path\n"),
    **{
        f"listings/metadata/listings_{part}.json.gz": gzip.compress(
            b"".join(json.dumps(listing).encode() + b"\n" for listing in listings)
        )
        for part, listings in (
            ("0", [{"item_id": "X", "product_type": [{"value": "SHOES"}]}, *ABO_LISTINGS[:2]]),
            ("f", ABO_LISTINGS[2:]),
        )
    },
}
ABO: dict[str, Write] = {"as it is downloaded": lambda p: write_files(p, ABO_FILES)}


def write_v1(folder: Path) -> Path:
    """``<synset>/<model>/model.obj``."""
    files = {n.replace("models/model_normalized", "model"): data for n, data in MODELS.items()}
    return write_files(folder, {**files, "taxonomy.json": TAXONOMY})


def write_glb(folder: Path) -> Path:
    """``<synset>/<hash>.glb``."""
    names = {f"{synset}/m{k}.glb": create_glb(1 + k) for synset in SYNSETS for k in range(3)}
    return write_files(folder, names)


# --- other sets -----------------------------------------------------------------------------------

CLASSES = ("bowl", "cup")


def write_omniobject3d(folder: Path) -> Path:
    """``raw_scans/<category>/<object>/Scan/Scan.obj``."""
    return write_files(
        folder,
        {
            f"raw_scans/{c}/{c}_{k:03d}/Scan/Scan.{kind}": create_obj(1 + k)
            for c in CLASSES
            for k in range(3)
            for kind in ("obj", "mtl", "jpg")
        },
    )


def of_classes(pattern: str) -> Files:
    """OBJ files of three models of each class, by a pattern of their names."""
    return {pattern.format(c, f"m{k}"): create_obj(1 + k) for c in CLASSES for k in range(3)}


ANY_FOLDER: dict[str, Write] = {
    "a file for each model": lambda p: write_files(p, of_classes("{0}/{1}.obj")),
    "a folder for each model": lambda p: write_files(p, of_classes("{0}/{1}/anything.obj")),
    "with other files": lambda p: write_files(
        p,
        {**of_classes("{0}/{1}.obj"), "notes.txt": b"", "bowl/m0.mtl": b"", "pictures/a.png": b""},
    ),
    "an archive": lambda p: write_zip(p / "meshes.zip", of_classes("{0}/{1}.obj")),
    "in a folder": lambda p: write_files(p, of_classes("all/{0}/{1}.obj")),
}


METADATA = """\
name: "{name}"
authors {{
  name: "Google"
  email: "scanned-objects@google.com"
}}
legal {{
  copyright: "Copyright 2020 Google LLC."
  license: "Creative Commons Attribution 4.0 International"
}}
annotations {{
  key: "brand"
  value: "first: {name}"
}}
categories {{
  first: "{category}"
}}
"""


def of_google(name: str, category: str, height: float) -> Files:
    """What one model of Google Scanned Objects holds."""
    return {
        "model.sdf": b"<sdf/>",
        "metadata.pbtxt": METADATA.format(name=name, category=category).encode(),
        "meshes/model.obj": create_obj(height),
        "meshes/model.mtl": b"newmtl material_0\n",
        "materials/textures/texture.png": b"texture",
    }


GOOGLE_MODELS = {f"{c}_{k}": (c, 1 + k) for c in ("Bag", "Toy car") for k in range(3)}


def write_google_folders(folder: Path) -> Path:
    """A folder for each model."""
    for name, (category, height) in GOOGLE_MODELS.items():
        write_files(folder / name, of_google(name, category, height))
    return folder


def write_google_archives(folder: Path) -> Path:
    """An archive for each model."""
    for name, (category, height) in GOOGLE_MODELS.items():
        write_zip(folder / f"{name}.zip", of_google(name, category, height))
    return folder


GOOGLE_SCANNED: dict[str, Write] = {
    "folders": write_google_folders,
    "archives": write_google_archives,
}


def write_table(folder: Path) -> Path:
    """Models in any folders, and a table that says what they are."""
    lines = ["path,class,license,creator,split"]
    for k, (name, split) in enumerate(
        [("a", "train"), ("b", ""), ("c", ""), ("d", "test"), ("e", "validation"), ("f", "")]
    ):
        for thing in CLASSES:
            write_files(folder, {f"parts/{thing}/{name}.obj": create_obj(1 + k)})
            lines.append(f'parts/{thing}/{name}.obj,{thing},CC0-1.0,"Ann, Bob",{split}')
    write_files(folder, {"parts/bowl/not_in_the_table.obj": create_obj()})
    (folder / "models.csv").write_text("\n".join(lines) + "\n")
    return folder
