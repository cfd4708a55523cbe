"""A design with all that was drawn for it, as ``dataset.json`` holds it."""

from __future__ import annotations

from synrender.assets.catalog import Catalog
from synrender.dataset.info import CausalInfo, DesignFactor, DesignInfo, ShortcutInfo
from synrender.errors import UserError
from synrender.sampling.designs import Rules
from synrender.sampling.designs.grid import code_to_levels
from synrender.sampling.levels import Levels, find_levels
from synrender.sampling.sample_plan import find_rules
from synrender.settings.factor_table import COLUMNS, FACTORS, VIEWPOINT, find_columns
from synrender.settings.groups import Design, Settings


def describe_design(settings: Settings, catalog: Catalog) -> DesignInfo | None:
    """Description of the design of a data set; None where all is drawn at random.

    Raises:
        UserError: the design cannot be; one line says why.
    """
    design, rules = settings.design, find_rules(settings)
    for name, value in design.fixed.items():
        find_levels(name, (value,), settings, catalog)  # refuses values out of range
    if design.kind == ("random",) and not design.levels:
        return None
    for name in rules.twins:
        if name not in rules.num_levels:
            _refuse_equal_twins(name, settings, catalog)
    named = (*rules.num_levels, *rules.twins, *rules.inner_ranges)
    return DesignInfo(
        kinds=design.kind,
        factors={
            name: _describe_factor(name, design, settings, catalog) for name in dict.fromkeys(named)
        },
        split_buckets=rules.split_buckets,
        repeats=rules.repeats,
        block_size=rules.block_size,
        grid=tuple(rules.grid),
        sweeps=tuple(rules.sweeps),
        twins=rules.twins,
        shortcut=_describe_shortcut(rules),
        held_out=tuple(code_to_levels(c, rules.held_out_factors) for c in rules.held_out),
        inner_ranges={n: tuple(map(float, r)) for n, r in rules.inner_ranges.items()},
        causal=CausalInfo(dict(rules.parents), dict(rules.tables), _plain(rules))
        if rules.parents
        else None,
    )


def _refuse_equal_twins(name: str, settings: Settings, catalog: Catalog) -> None:
    """Refuses twins that would differ in a factor that is not drawn, or that nobody can see."""
    material, objects, num = settings.material, settings.object, settings.design.twin_size
    num_textures, num_classes = len(catalog.textures), len(settings.sample.class_list)
    num_models = min(
        len(catalog.bucket_models(c, b))
        for c in settings.sample.class_list
        for b in range(objects.n_buckets)
    )
    spreads = {
        "scale": ("object.random_scaling", objects.random_scaling),
        "warp": ("object.random_warp", objects.random_warp),
        "light_angle": ("lighting.r", settings.lighting.r),
        **dict.fromkeys(
            ("viewpoint", *VIEWPOINT), ("object.random_viewpoint", objects.random_viewpoint)
        ),
        "texture": ("textures", num_textures >= num * (settings.sample.num_objs + 1)),
        "backdrop_texture": ("textures", num_textures >= num * (settings.sample.num_objs + 1)),
        "class": ("sample.class_idxs", num_classes >= num),
        "model": ("models in each bucket", num_models >= num),
        "color": ("material.color_intensity", not material.use_texture or material.color_intensity),
        "backdrop_color": ("material.use_texture", not material.use_texture),
        "layout": ("sample.num_objs", settings.sample.num_objs > 1),
    }
    setting, is_varied = spreads[name]
    if not is_varied:
        raise UserError(
            f"design.twins: {name!r}: {num} twins would look the same, because of {setting}; "
            "change it, or leave the factor out"
        )


def _describe_factor(
    name: str, design: Design, settings: Settings, catalog: Catalog
) -> DesignFactor:
    factor = FACTORS["azimuth" if name == "viewpoint" else name]
    levels = Levels(())
    if name in design.levels:
        levels = find_levels(name, design.levels[name], settings, catalog)
    columns = tuple(COLUMNS[column] for column in find_columns(name))
    return DesignFactor(
        factor.kind.value, factor.scope.value, factor.unit, columns, levels.values, levels.names
    )


def _describe_shortcut(rules: Rules) -> ShortcutInfo | None:
    if not rules.cue:
        return None
    return ShortcutInfo(rules.cue, rules.target, rules.partners, rules.rho)


def _plain(rules: Rules) -> dict[str, dict[str, int]]:
    return {split: dict(factors) for split, factors in rules.do.items()}
