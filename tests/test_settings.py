from __future__ import annotations

from pathlib import Path

import pytest

from synrender.errors import UserError
from synrender.settings import (
    DEFAULT_CLASSES,
    Settings,
    load_settings,
    settings_to_dict,
    settings_to_gin,
)

# The parameters of the 2020 release, and those that the rewrite added.
NAMES = [
    "batch.num_samples",
    "batch.idx_offset",
    "batch.cache_obj_frames",
    "batch.seed",
    "lighting.r",
    "material.color_intensity",
    "material.color_variation",
    "material.num_modes",
    "material.use_color_ref",
    "material.use_emission",
    "material.use_texture",
    "object.random_scaling",
    "object.random_viewpoint",
    "object.random_warp",
    "object.total_num_samples",
    "object.n_buckets",
    "rendering.render_exr",
    "rendering.render_samples",
    "rendering.renderer",
    "rendering.resolution",
    "rendering.use_gpu",
    "rendering.view_transform",
    "rendering.adaptive_threshold",
    "rendering.denoise",
    "rendering.denoise_prefilter",
    "rendering.threads",
    "sample.class_idxs",
    "sample.num_objs",
    "sample.balanced",
    "sample.classes",
]


@pytest.mark.parametrize("config", ["render_single", "render_multi"])
def test_config_files_hold_every_parameter(config: str) -> None:
    text = Path("config", f"{config}.gin").read_text()
    settings = settings_to_dict(load_settings([config]))
    assert set(NAMES) <= set(settings)
    for name in settings:
        assert f"\n{name} = " in text


def test_values_of_single_and_multi() -> None:
    single, multi = load_settings(["render_single"]), load_settings(["render_multi"])
    assert single.sample.class_list == (0,)
    assert (single.batch.num_samples, single.batch.cache_obj_frames) == (20, 10)
    assert (single.object.random_viewpoint, single.rendering.render_exr) == (0.5, False)
    assert (multi.sample.num_objs, multi.sample.class_list) == (4, tuple(range(10)))
    assert (multi.batch.cache_obj_frames, multi.object.random_viewpoint) == (20, 0)
    assert multi.rendering.render_exr
    for settings in (single, multi):
        assert (settings.rendering.resolution, settings.rendering.render_samples) == (128, 32)
        assert settings.object.total_num_samples == 60000
        assert settings.sample.classes == DEFAULT_CLASSES


def test_bindings_win_over_files_and_later_files_over_earlier(tmp_path: Path) -> None:
    first, second = tmp_path / "first.gin", tmp_path / "second.gin"
    first.write_text("lighting.r = 1\nbatch.seed = 1\nmaterial.num_modes = 1\n")
    second.write_text("batch.seed = 2\nmaterial.num_modes = 2\n")
    settings = load_settings([str(first), str(second)], ["material.num_modes = 3"])
    assert (settings.lighting.r, settings.batch.seed, settings.material.num_modes) == (1, 2, 3)


def test_settings_are_equal_after_writing_and_reading_gin(tmp_path: Path) -> None:
    settings = load_settings(["render_multi"], ["sample.class_idxs = [3, 1]", "lighting.r = 0.1"])
    path = tmp_path / "config.gin"
    path.write_text(settings_to_gin(settings))
    assert load_settings([str(path)]) == settings


def test_loading_does_not_change_gins_state() -> None:
    load_settings([], ["batch.seed = 5"])
    assert load_settings([]) == Settings()


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("materail.use_texture = True", "materail: no such group.*did you mean 'material'"),
        ("material.use_textur = True", "material.use_textur: .*did you mean 'use_texture'"),
        ("material.use_texture = 1", "material.use_texture = 1: must be True or False"),
        ("material.use_texture = yes", "text needs quotation marks"),
        ("batch.num_samples = 1.5", "batch.num_samples = 1.5: must be a whole number"),
        ("batch.num_samples = True", "batch.num_samples = True: must be a whole number"),
        ("batch.seed = -1", "batch.seed = -1: must be a whole number of at least 0"),
        ("lighting.r = -1", "lighting.r = -1: must be a finite number of at least 0"),
        ("lighting.r = 1e999", "lighting.r = inf: must be a finite number"),
        ("rendering.renderer = 'evee'", "must be one of 'cycles', 'eevee'"),
        ("sample.class_idxs = 11", "class 10 does not exist"),
        ("sample.class_idxs = []", "at least one class"),
        ("sample.class_idxs = [0, 0]", "each only once"),
        ("sample.classes = 'chair'", "must be a list of names"),
        ("scene.camera_location = (1, 2)", "must be 3 numbers"),
        ("object.total_num_samples = 10", "must be at most object.total_num_samples = 10"),
        ("batch.num_samples", "must read 'name.parameter = value'"),
    ],
)
def test_mistakes_are_one_clear_line(binding: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_settings([], [binding])
    assert "\n" not in str(caught.value)


def test_misspelt_config_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'render_multi'"):
        load_settings(["render_mutli"])


def test_backdrop_index_is_no_class() -> None:
    classes = [str(i) for i in range(100)]
    bindings = [f"sample.classes = {classes}", "sample.class_idxs = [99]"]
    load_settings([], bindings)
    with pytest.raises(UserError, match="below 99"):
        load_settings([], [*bindings, "rendering.render_exr = True"])


@pytest.mark.parametrize("config", ["render_single", "render_multi"])
def test_fast_goes_after_either_config(config: str) -> None:
    slow, fast = (settings_to_dict(load_settings(c)) for c in ([config], [config, "fast"]))
    changed = {name for name in slow if slow[name] != fast[name]}
    assert changed <= {"rendering.render_samples", "rendering.denoise_prefilter"}
    assert (slow["rendering.render_samples"], fast["rendering.render_samples"]) == (32, 6)
