"""Folders of environments, and the three of the demo set."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from synrender.assets import environments
from synrender.assets.catalog import Catalog, create_catalog
from synrender.assets.demo import ensure_demo_environments
from synrender.assets.demo import environments as demo_environments
from synrender.assets.environments import list_environments
from synrender.assets.places import ensure_demo_sources, open_assets
from synrender.assets.provenance import EnvironmentSource
from synrender.errors import UserError
from synrender.images.environment import find_directions, read_environment
from synrender.settings.checks import FrozenDict
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.folders import Folders, find_folders
from tests.assets.helpers import create_obj, write_files

NAMES = {"sky": "sky.hdr", "studio": "studio.hdr", "sunset": "sunset.hdr"}


def write_names(folder: Path, *names: str) -> Path:
    return write_files(folder, dict.fromkeys(names, b""))


def test_poly_haven_is_read_as_it_is_downloaded(tmp_path: Path) -> None:
    write_names(
        tmp_path,
        "kiara_1_dawn/kiara_1_dawn_2k.hdr",
        "kiara_1_dawn/kiara_1_dawn_tonemapped.jpg",
        "studio_small_03/studio_small_03_4k.exr",
        "outdoor/plain sky.HDR",
        "outdoor/.hidden_2k.hdr",
        ".cache/other_2k.hdr",
        "readme.txt",
    )
    found = list_environments(tmp_path)
    assert found == {
        "kiara_1_dawn": "kiara_1_dawn/kiara_1_dawn_2k.hdr",
        "plain sky": "outdoor/plain sky.HDR",
        "studio_small_03": "studio_small_03/studio_small_03_4k.exr",
    }
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["a_1k.hdr", "a_2k.hdr", "a_4k.hdr"], "a_2k.hdr"),
        (["a_1k.hdr", "a_8k.hdr", "a_4k.hdr", "a_16k.hdr"], "a_4k.hdr"),
        (["1/a_1k.hdr", "big/a_16k.hdr"], "big/a_16k.hdr"),
        (["a_1k.hdr", "a.exr"], "a.exr"),
        (["a_2k.hdr", "a.hdr"], "a.hdr"),
        (["a_2k.exr", "a_2k.hdr"], "a_2k.hdr"),
        (["a_2k.exr", "a_4k.hdr"], "a_2k.exr"),
        (["a_4K-HDR.exr", "a_2K-HDR.exr", "a_2K-TONEMAPPED.jpg"], "a_2K-HDR.exr"),
    ],
)
def test_one_file_of_several_is_chosen(tmp_path: Path, names: list[str], chosen: str) -> None:
    assert list_environments(write_names(tmp_path, *names)) == {"a": chosen}


def test_lower_resolutions_are_taken_if_there_is_no_other(tmp_path: Path) -> None:
    assert list_environments(write_names(tmp_path, "a_1k.hdr")) == {"a": "a_1k.hdr"}


def test_what_cannot_be_listed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="gone: there is no such folder of environments"):
        list_environments(tmp_path / "gone")
    with pytest.raises(UserError, match=r"no environment in it \(.hdr or .exr\)"):
        list_environments(write_names(tmp_path / "a", "x.png"))
    with pytest.raises(UserError, match=r"day/sky.hdr and night/sky.hdr are both .*'sky'; rename"):
        list_environments(write_names(tmp_path / "b", "day/sky.hdr", "night/sky.hdr"))
    for name in ("a\nb.hdr", "x" * 65 + "_2k.hdr", "a\tb/c.hdr"):
        with pytest.raises(UserError, match="cannot be named in records"):
            list_environments(write_names(tmp_path / str(len(name)), name))
    monkeypatch.setattr(environments, "MAX_FILES", 1)
    with pytest.raises(UserError, match="more than 1 files"):
        list_environments(tmp_path / "b")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write_names(tmp_path / "other", "b.hdr")
    folder = write_names(tmp_path / "set", "a.hdr")
    os.symlink(tmp_path / "other", folder / "link")
    assert list_environments(folder) == {"a": "a.hdr"}


# --- in a catalog ---------------------------------------------------------------------------------


SIZE = (
    *("sample.classes = ['cup']", "sample.class_idxs = 1", "object.n_buckets = 1"),
    "material.use_texture = False",
)


def with_environments(*bindings: str) -> Settings:
    """Settings with a factor that shows environments."""
    settings = load_settings([], [*SIZE, *bindings])
    object.__setattr__(settings.design, "levels", FrozenDict({"environment": 3}))
    return settings


def load(settings: Settings, folders: Folders) -> tuple[Catalog, list[str]]:
    models = write_files(folders.data / "models", {"cup/a.obj": create_obj()})
    folders = dataclasses.replace(folders, models=models)
    opened = open_assets(settings, folders)
    _, *notes = ensure_demo_sources(settings, opened)
    return create_catalog(settings, opened), notes


def test_the_demo_has_three(tmp_path: Path) -> None:
    catalog, notes = load(with_environments(), Folders(tmp_path))
    assert "environments: sky, studio, sunset; to use others, set assets.environments." in notes[0]
    assert catalog.environments == ("sky", "studio", "sunset")
    assert catalog.environment_names == NAMES
    for name in catalog.environments:
        assert catalog.environment_path(name).stat().st_size < 60_000
    source = catalog.sources.environments
    assert source is not None
    assert (source.source, source.num_environments) == ("demo, version 1", 3)
    again, _ = load(with_environments(), Folders(tmp_path))
    assert again.sources == catalog.sources


def test_what_no_factor_uses_is_not_looked_for(tmp_path: Path) -> None:
    settings = load_settings([], [*SIZE, "assets.environments = '/nowhere'"])
    catalog, _ = load(settings, Folders(tmp_path))
    assert catalog.environments == ()
    assert catalog.sources.environments is None
    assert not Folders(tmp_path).demo_environments.exists()
    with pytest.raises(ValueError, match="no environments"):
        catalog.environment_path("sky")


def test_a_folder_is_named_by_a_setting_or_a_variable(tmp_path: Path) -> None:
    here = write_names(tmp_path / "here", "a/a_2k.hdr", "a/a_4k.hdr")
    there = write_names(tmp_path / "there", "b.exr")
    settings = with_environments(f"assets.environments = {str(here)!r}")
    catalog, notes = load(settings, Folders(tmp_path))
    assert f"Environments: 1 in {here}." in notes
    assert catalog.environment_path("a") == here / "a" / "a_2k.hdr"
    variables = {
        "SYNRENDER_DATA_DIR": str(tmp_path),
        "SYNRENDER_ENVIRONMENTS_DIR": str(there),
    }
    other, _ = load(settings, find_folders(variables))
    assert other.environments == ("b",)
    difference = catalog.sources.find_difference(other.sources)
    assert difference == ("environments", str(here), str(there))
    unused = dataclasses.replace(catalog.sources, environments=None)
    assert unused.find_difference(catalog.sources) == ("environments", "None", str(here))
    (here / "a" / "a_2k.hdr").unlink()
    finer, _ = load(settings, Folders(tmp_path))
    assert finer.environments == catalog.environments
    assert catalog.sources.find_difference(finer.sources)  # other pixels


def test_where_the_folder_is_changes_nothing(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        path = write_names(tmp_path / name / name, "a.hdr", "b.hdr")
        catalog, _ = load(
            with_environments(f"assets.environments = {str(path)!r}"), Folders(tmp_path)
        )
        assert isinstance(catalog.sources.environments, EnvironmentSource)
        found.append(catalog.sources.environments.fingerprint)
    assert found[0] == found[1]


# --- the demo's -----------------------------------------------------------------------------------


def test_demo_environments_are_functions_of_the_direction(tmp_path: Path) -> None:
    ensure_demo_environments(tmp_path / "set")
    for name, environment in demo_environments.ENVIRONMENTS.items():
        image = read_environment(tmp_path / "set" / f"{name}.hdr")
        expected = environment(find_directions(*image.shape[:2]))
        largest = expected.max(axis=2, keepdims=True)
        assert np.all(np.abs(image - expected) <= largest / 250), name


def find_light(environment: demo_environments.Environment, height: int) -> np.ndarray:
    """W/m^2 on surfaces that face +X, +Y, +Z and back, (6, 3), by a grid of this many lines."""
    directions = find_directions(height, 2 * height)
    polar = (np.arange(height) + 0.5) / height * np.pi
    solid_angles = np.repeat(np.sin(polar)[:, None] * (np.pi / height) ** 2, 2 * height, axis=1)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    facing = np.maximum(directions @ axes.T, 0) * solid_angles[..., None]
    return np.einsum("hwk,hwc->kc", facing, environment(directions))


@pytest.mark.parametrize("name", demo_environments.ENVIRONMENTS)
def test_demo_environments_give_as_much_light_as_the_usual_lamps(name: str) -> None:
    """100 W at 1.5 m are 3.5 W/m^2, and the sun gives 1."""
    environment = demo_environments.ENVIRONMENTS[name]
    fine = find_light(environment, 360)
    assert 2 < fine[2].mean() < 6
    assert 2 < fine[:2].mean() < 6
    assert np.abs(find_light(environment, 90) - fine).max() < 0.03 * fine.max()  # of 2 degrees


def test_the_suns_stand_where_they_should() -> None:
    directions = find_directions(180, 360)
    for name, sun in (
        ("sky", demo_environments.SKY_SUN),
        ("sunset", demo_environments.SUNSET_SUN),
    ):
        image = demo_environments.ENVIRONMENTS[name](directions).mean(axis=2)
        center = directions[image > image.max() / 2].mean(axis=0)
        center /= np.linalg.norm(center)
        assert center @ sun > np.cos(np.radians(0.3)), name
