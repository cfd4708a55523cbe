"""Maps of one surface, as two sites name them, are one texture."""

from __future__ import annotations

from pathlib import Path

import pytest

from synrender.assets.catalog import load_catalog
from synrender.assets.pbr_sets import SurfaceMaps, find_maps, group_sets, list_maps
from synrender.assets.places import open_assets
from synrender.assets.textures import list_textures
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from tests.assets.helpers import create_obj, write_files

AMBIENT_CG = (
    "Bricks076_2K-JPG.blend",
    "Bricks076_2K-JPG.mtlx",
    "Bricks076.png",
    *(
        f"Bricks076_2K-JPG_{kind}.jpg"
        for kind in (
            *("AmbientOcclusion", "Color", "Displacement", "NormalDX", "NormalGL", "Roughness"),
        )
    ),
)
METAL = tuple(f"Metal014_4K-PNG_{k}.png" for k in ("Color", "Metalness", "Roughness", "NormalGL"))
POLY_HAVEN = tuple(
    f"textures/brick_wall_02_{kind}_2k.{suffix}"
    for kind, suffix in (
        *(("diff", "jpg"), ("rough", "exr"), ("nor_gl", "exr"), ("nor_dx", "exr")),
        *(("disp", "png"), ("ao", "jpg"), ("arm", "jpg")),
    )
)


def write_names(folder: Path, *names: str) -> Path:
    return write_files(folder, dict.fromkeys(names, b""))


def wrap(folder: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


def test_each_set_in_a_folder_of_its_own_is_one_texture(tmp_path: Path) -> None:
    write_names(
        tmp_path,
        *wrap("Bricks076_2K-JPG", AMBIENT_CG),
        *wrap("Metal014_4K-PNG", METAL),
        *wrap("brick_wall_02_2k.blend", POLY_HAVEN),
        "plain/a.jpg",
    )
    names = list_textures(tmp_path)
    assert names == (
        "Bricks076_2K-JPG/Bricks076_2K-JPG_Color.jpg",
        "Metal014_4K-PNG/Metal014_4K-PNG_Color.png",
        "brick_wall_02_2k.blend/textures/brick_wall_02_diff_2k.jpg",
        "plain/a.jpg",
    )
    bricks, metal, wall, plain = (find_maps(tmp_path / name) for name in names)
    folder = tmp_path / "Bricks076_2K-JPG"
    assert bricks == SurfaceMaps(
        folder / "Bricks076_2K-JPG_Color.jpg",
        roughness=folder / "Bricks076_2K-JPG_Roughness.jpg",
        normal=folder / "Bricks076_2K-JPG_NormalGL.jpg",
    )
    assert metal.metalness == tmp_path / "Metal014_4K-PNG" / "Metal014_4K-PNG_Metalness.png"
    folder = tmp_path / "brick_wall_02_2k.blend" / "textures"
    assert wall == SurfaceMaps(
        folder / "brick_wall_02_diff_2k.jpg",
        roughness=folder / "brick_wall_02_rough_2k.exr",
        normal=folder / "brick_wall_02_nor_gl_2k.exr",
        packed=folder / "brick_wall_02_arm_2k.jpg",
    )
    assert plain == SurfaceMaps(tmp_path / "plain" / "a.jpg")


def test_all_sets_in_one_folder(tmp_path: Path) -> None:
    write_names(tmp_path, *AMBIENT_CG, *METAL, *(n.partition("/")[2] for n in POLY_HAVEN), "a.png")
    names = list_textures(tmp_path)
    assert names == (
        *("Bricks076_2K-JPG_Color.jpg", "Metal014_4K-PNG_Color.png", "a.png"),
        "brick_wall_02_diff_2k.jpg",
    )
    assert {name: sorted(maps) for name, maps in list_maps(tmp_path, names).items()} == {
        "Bricks076_2K-JPG_Color.jpg": ["color", "normal", "roughness"],
        "Metal014_4K-PNG_Color.png": ["color", "metalness", "normal", "roughness"],
        "brick_wall_02_diff_2k.jpg": ["color", "normal", "packed", "roughness"],
    }


def test_a_folder_of_sets_is_listed_once(tmp_path: Path) -> None:
    """The maps are known from the search for textures."""
    folder = write_names(tmp_path / "sets", *wrap("a", AMBIENT_CG), *wrap("b", METAL), "c.png")
    settings = load_settings(["render_single"], [f"assets.textures = '{folder}'"])
    opened = open_assets(settings, Folders(tmp_path))
    names, expected = opened.textures, list_maps(folder, opened.textures)
    folder.rename(tmp_path / "elsewhere")
    assert list(opened.texture_maps.items()) == list(expected.items())
    assert len(names) == 3


@pytest.mark.parametrize(
    ("names", "color", "roughness"),
    [
        (
            [f"A_{k}K-JPG_{m}.jpg" for k in (1, 2, 8) for m in ("Color", "Roughness")],
            *("A_2K-JPG_Color.jpg", "A_2K-JPG_Roughness.jpg"),
        ),
        (
            [f"a_{m}_{k}k.jpg" for k in (1, 8, 4) for m in ("diff", "rough")],
            *("a_diff_4k.jpg", "a_rough_4k.jpg"),
        ),
        (
            [f"A_2K-{f}_{m}.{f.lower()}" for f in ("JPG", "PNG") for m in ("Color", "Roughness")],
            *("A_2K-PNG_Color.png", "A_2K-PNG_Roughness.png"),
        ),
        (["A_2K_Color.jpg", "A_2K_Roughness.jpg"], "A_2K_Color.jpg", "A_2K_Roughness.jpg"),
        (
            ["a_col_01_2k.png", "a_col_02_2k.png", "a_rough_2k.exr", "a_rough_2k.png"],
            *("a_col_01_2k.png", "a_rough_2k.png"),
        ),
    ],
)
def test_of_several_resolutions_and_formats_one_is_taken(
    names: list[str], color: str, roughness: str
) -> None:
    sets = group_sets(names)
    assert {k: v["roughness"] for k, v in sets.maps.items()} == {color: roughness}
    assert sets.no_textures == set(names) - {color}


def test_what_is_no_set_stays_as_it_is() -> None:
    names = ["a_rough_2k.jpg", "B_2K-JPG_NormalGL.jpg", "c_diff_2k.jpg", "c.jpg", "Wall_Color.jpg"]
    assert group_sets(names).no_textures == frozenset()


def load_fingerprint(folder: Path, *bindings: str) -> str:
    models = write_files(folder.parent / "models", {"cup/a.obj": create_obj()})
    settings = load_settings(
        [],
        [
            *("sample.classes = ['cup']", "sample.class_idxs = 1", "object.n_buckets = 1"),
            *("sample.num_objs = 1", *bindings),
        ],
    )
    folders = Folders(folder.parent, models=models, textures=folder)
    catalog = load_catalog(settings, folders)
    maps = catalog.surface_maps(catalog.textures[0])
    assert maps.roughness == folder / "Bricks076_2K-JPG_Roughness.jpg"
    return catalog.sources.textures.fingerprint


def test_a_data_set_is_bound_to_maps_only_if_it_shows_them(tmp_path: Path) -> None:
    folder = write_names(tmp_path / "images", *AMBIENT_CG, "b.jpg")
    plain, pbr = load_fingerprint(folder), load_fingerprint(folder, "material.source = 'pbr'")
    (folder / "Bricks076_2K-JPG_NormalGL.jpg").unlink()
    assert load_fingerprint(folder) == plain
    assert load_fingerprint(folder, "material.source = 'pbr'") != pbr
