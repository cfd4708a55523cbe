from __future__ import annotations

from pathlib import Path

import pytest

from synrender.errors import UserError
from synrender.sampling.sample_plan import idx_to_bucket
from synrender.settings.groups import DEFAULT_CLASSES, Settings
from synrender.settings.load import (
    dict_to_settings,
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
    "material.alpha",
    "material.color_intensity",
    "material.color_variation",
    "material.num_modes",
    "material.source",
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


def test_pbr_without_textures_is_one_line() -> None:
    with pytest.raises(UserError, match=r"set material\.use_texture = True"):
        load_settings([], ["material.source = 'pbr'", "material.use_texture = False"])


def test_settings_from_before_a_setting_have_its_default() -> None:
    values = settings_to_dict(Settings())
    for name in ("material.source", "material.alpha"):
        del values[name]
    assert dict_to_settings(values) == Settings()


def test_levels_are_spread_unless_a_complete_configuration_of_before_says_nothing(
    tmp_path: Path,
) -> None:
    """Such as the config.gin of a data set of version 1.0.0, under any name."""
    lines = settings_to_gin(load_settings(["render_single"])).splitlines()
    later = ("level_choice", "distributions", "length", "paths")
    kept = [line for line in lines if not line.startswith(tuple(f"design.{n} " for n in later))]
    assert len(kept) == len(lines) - len(later)
    old, partial = tmp_path / "old.gin", tmp_path / "partial.gin"
    old.write_text("\n".join(kept))
    partial.write_text("design.levels = {'azimuth': 6}\ndesign.kind = 'grid'\n")
    assert load_settings([str(old)]).design.level_choice == "drawn"
    assert load_settings([str(old), str(partial)]).design.level_choice == "drawn"
    assert load_settings(["render_single", str(partial)]).design.level_choice == "spread"
    typed = ["design.level_choice = 'spread'"]
    assert load_settings([str(old)], typed).design.level_choice == "spread"


def test_a_data_set_that_exists_keeps_how_its_levels_were_chosen() -> None:
    drawn = load_settings([], ["design.level_choice = 'drawn'"])
    found = load_settings(["render_single", "design_grid"], begun=drawn)
    assert found.design.level_choice == "drawn"


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
        ("material.source = 'mtl'", "must be one of 'texture', 'own', 'pbr'"),
        ("material.alpha = 'blend'", "material.alpha = 'blend': .*set material.source = 'own'"),
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
        (f"sample.classes = ['{'x' * 201}']", "must be one line of at most 200 characters"),
        (r"sample.classes = ['a\nb']", "must be one line of at most 200 characters"),
        ("scene.camera_location = (1, 2)", "must be 3 numbers"),
        ("object.total_num_samples = 10", "must be at most object.total_num_samples = 10"),
        ("batch.num_samples", "must read 'name.parameter = value'"),
        ("sample.class_idxs = 1000000000", "a number N up to 1000"),
        ("material.num_modes = 2000000000", "at most 1000"),
        ("rendering.render_samples = 9999999999999", "at most 16777216"),
        ("batch.seed = 9223372036854775808", "at most 9223372036854775807"),
        ("object.total_num_samples = 10000000000000", "at most 1000000000000"),
        ("scene.camera_location = (1e7, 0, 0)", "at least -1e.06 and at most 1e.06"),
        ("scene.camera_rotation = (0, 0, -1e7)", "at least -1e.06 and at most 1e.06"),
        ("scene.light_energy = 1e10", "at most 1e.09"),
        (f"lighting.r = 1{'0' * 400}", "a number of 39. digits: must be a whole number of at most"),
        (f"batch.seed = 0x{'f' * 100_000}", "a number of 12.... digits: must be"),
        ("design.twins = ('nope',)", "'nope' is no factor"),
        ("design.grid = 'textur'", "'textur' is no factor; did you mean 'texture'"),
        ("design.sweeps = ['a' * 3]", "gin cannot read this"),
        ("design.shortcut = ('class', 'x')", "'x' is no factor"),
        ("design.held_out_factors = ('x', 'class')", "'x' is no factor"),
        ("design.levels = {[]: 1}", "gin cannot read this"),
        (
            "design.levels = {'azimuth': [1e308]}",
            "1e.308: must be a finite number of at most 1e.30",
        ),
        ("sample.classes = ['\\ud800']", "half of a surrogate pair"),
        ("sample.classes = ['a\\0']", "has a NUL character"),
        (f"batch.seed = {'1' * 5000}", "gin cannot read this"),
        (f"sample.class_idxs = {'[' * 5000}", "nested brackets|cannot read"),
        (f"sample.class_idxs = {'[' * 150}0{']' * 150}", "nested more than 32 deep"),
        ("batch.seed = @batch()", "@batch: references are not allowed"),
        ("batch.seed = %seed", "%seed: references are not allowed"),
        ("seed = 3", "seed: must read 'name.parameter = value'"),
        ("x/batch.seed = 3", "x: must read 'name.parameter = value'"),
        ("batch.seed = 3\nimport os", "import os: a configuration may not import"),
    ],
)
def test_mistakes_are_one_clear_line(binding: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_settings([], [binding])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"import antigravity\n", "import antigravity: a configuration may not import"),
        (b"from os import path as p\n", "from os import path as p: a configuration may not"),
        (b"include 'own.gin'\n", "includes itself"),
        (b"include '%s/own.gin'\n", "includes itself"),
        (b"include 'nowhere.gin'\n", "nowhere.gin: is no gin file"),
        (b"include '" + b"x" * 5000 + b"'\n", "xxx[.]{3}: is no gin file"),
        (b"include '/dev/zero'\n", "/dev/zero: is no gin file .not a regular file"),
        (b"batch.seed = 1\n" * 100_000, "1500000 bytes, at most 1048576"),
        (bytes(range(256)), "is no gin file"),
        (b"batch.seed = 3\nbatch.seed = \0\n", "own.gin"),
        (b"batch.seed = 3\nbatch.seed = = 4\n", "own.gin, line 2: gin cannot read this"),
    ],
)
def test_a_file_holds_plain_values_and_nothing_that_runs(
    tmp_path: Path, text: bytes, message: str
) -> None:
    path = tmp_path / "own.gin"
    path.write_bytes(text.replace(b"%s", str(tmp_path).encode()))
    with pytest.raises(UserError, match=message) as caught:
        load_settings([str(path)])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_includes_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "outer.gin").write_text("include 'inner.gin'\nbatch:\n    seed = 4\n")
    (tmp_path / "inner.gin").write_text("batch.seed = 3\nlighting.r = 2\n")
    settings = load_settings([str(tmp_path / "outer.gin")])
    assert (settings.batch.seed, settings.lighting.r) == (4, 2)


def test_files_that_include_each_other_many_times_end(tmp_path: Path) -> None:
    for k in range(20):
        (tmp_path / f"{k}.gin").write_text(f"include '{k + 1}.gin'\n" * 2)
    (tmp_path / "20.gin").write_text("")
    with pytest.raises(UserError, match="too many"):
        load_settings([str(tmp_path / "0.gin")])


def test_misspelled_config_names_the_nearest() -> None:
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


def test_classes_that_a_user_names_are_those_that_appear() -> None:
    named = "sample.classes = ['lamp', 'chair', 'bench']"
    assert load_settings(["render_single"], [named]).sample.class_list == (0, 1, 2)
    chosen = load_settings(["render_single"], [named, "sample.class_idxs = [1]"])
    assert chosen.sample.class_list == (1,)


# --- what follows from other settings -------------------------------------------------------------


@pytest.mark.parametrize(
    ("bindings", "total"),
    [
        (["batch.num_samples = 1200"], 1200),
        (["batch.num_samples = 100_000"], 100_000),
        (["batch.num_samples = 1200", "object.total_num_samples = 60000"], 60000),
        (["object.total_num_samples = 2400", "batch.num_samples = 1200"], 2400),
        (["batch.num_samples = 99"], 60000),  # a trial
        (["batch.num_samples = 1200", "batch.idx_offset = 1200"], 60000),  # a part
        (["batch.num_samples = 200", "object.n_buckets = 201"], 60000),
    ],
)
def test_the_size_is_that_of_a_run_of_a_whole_data_set_if_nothing_names_it(
    bindings: list[str], total: int
) -> None:
    for config in ([], ["render_single"], ["render_multi"]):
        assert load_settings(config, bindings).object.total_num_samples == total


def test_a_size_that_a_file_names_wins(tmp_path: Path) -> None:
    own = tmp_path / "own.gin"
    own.write_text("object.total_num_samples = 60000\n")
    typed = ["batch.num_samples = 1200"]
    assert load_settings([str(own)], typed).object.total_num_samples == 60000
    assert load_settings(["render_single", str(own)], typed).object.total_num_samples == 60000
    own.write_text("batch.num_samples = 1200\n")
    assert load_settings([str(own)]).object.total_num_samples == 1200


def test_a_data_set_that_is_begun_keeps_its_size() -> None:
    begun = load_settings(["render_single"], ["batch.num_samples = 20"])
    more = load_settings(["render_single"], ["batch.num_samples = 1200"], begun)
    assert more.object.total_num_samples == 60000
    begun = load_settings(["render_single"], ["batch.num_samples = 1200"])
    for typed in (["batch.num_samples = 600"], [], ["batch.idx_offset = 1180"]):
        assert load_settings(["render_single"], typed, begun).object.total_num_samples == 1200
    named = ["batch.num_samples = 600", "object.total_num_samples = 600"]
    assert load_settings(["render_single"], named, begun).object.total_num_samples == 600


def test_a_whole_data_set_has_models_of_its_own_in_every_split() -> None:
    """10/12, 1/12 and 1/12 of the samples, to the sample."""
    objects = load_settings(["render_single"], ["batch.num_samples = 1200"]).object
    buckets = [idx_to_bucket(idx, objects) for idx in range(1200)]
    assert buckets == [idx // 100 for idx in range(1200)]


def test_settings_know_what_was_named_the_most_specific_first(tmp_path: Path) -> None:
    own = tmp_path / "own.gin"
    own.write_text("lighting.r = 1\nbatch.seed = 2\n")
    settings = load_settings(["fast", str(own)], ["sample.classes = ['chair']", "batch.seed = 3"])
    assert settings.named[:3] == ("sample.classes", "batch.seed", "lighting.r")
    assert set(settings.named[3:]) == {"rendering.render_samples", "rendering.denoise_prefilter"}
    assert settings == load_settings([str(tmp_path / "own.gin"), "fast"], [
        "batch.seed = 3", "sample.classes = ['chair']",
    ])  # fmt: skip
