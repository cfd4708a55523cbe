"""The available models, split into buckets, textures and environments.

Importing reads nothing from disk. `load_catalog` lists folders but opens no model file.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from synrender.assets import demo
from synrender.assets.model_file import ModelFile
from synrender.assets.pbr_sets import SurfaceMaps, find_maps
from synrender.assets.places import (
    OpenAssets,
    Place,
    lacks_in_demo,
    open_assets,
    uses_environments,
)
from synrender.assets.provenance import (
    DEFAULT_LAYOUT,
    EnvironmentSource,
    ModelSource,
    Sources,
    TextureSource,
    credit_models,
)
from synrender.assets.sources.registry import OpenSource
from synrender.assets.sources.source import ModelClass, ModelEntry
from synrender.assets.textures import find_images_dir
from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.checks import MAX_CLASSES, MAX_NAME_LENGTH, SPLITS, check_line
from synrender.settings.groups import (
    BACKDROP_PASS_INDEX,
    DEFAULT_CLASSES,
    Design,
    Sample,
    Settings,
    find_split_buckets,
)
from synrender.system.folders import Folders

_DEFAULT_IDXS = (Sample().class_idxs, (0,))
"""Of classes, in the configurations that come with this program."""

_NUM_SHOWN = 5
"""Classes that one line names."""


@dataclass(frozen=True)
class Catalog:
    """Models, textures and environments that samples are drawn from."""

    models_path: Path  # of the folder or file that the models come from
    layout: str  # of it: the name of a source
    textures_path: Path | None  # DTD, a folder or a list; None when no textures are used
    is_demo: tuple[bool, bool]  # for models and for textures: built-in demo set?
    synset_ids: dict[int, str]  # by class id; of other sources than ShapeNet, the class's key
    class_names: dict[int, str]  # by class id, as the source names them
    entries: dict[int, dict[str, ModelEntry]]  # by class id and model id; only what may appear
    textures: tuple[str, ...]  # names below `images_dir`, sorted; empty when none are used
    n_buckets: int
    split_buckets: tuple[int, ...] = ()  # of training, validation and test, for models of a split
    environments_place: Place | None = None  # None: no environments are used
    environment_names: dict[str, str] = field(default_factory=dict)  # of files below it, by id
    map_names: dict[str, dict[str, str]] | None = None  # by texture and kind; None: not used
    opened: OpenSource | None = field(default=None, compare=False)  # where the models are from
    up_axis: str = "y"  # of models of which the source states none

    @functools.cached_property
    def model_ids(self) -> dict[int, tuple[str, ...]]:
        """Models of each class id, sorted; only classes that may appear."""
        return {c: tuple(sorted(entries)) for c, entries in self.entries.items()}

    def bucket_models(self, class_idx: int, bucket: int) -> tuple[str, ...]:
        """Models of a class that belong to a bucket, sorted.

        The buckets share all models evenly; those of a split share what the source has for it.
        """
        free, *fixed = self._models_by_split[class_idx]
        shared = _take_share(free, bucket, self.n_buckets)
        first = 0
        for models, size in zip(fixed, self.split_buckets, strict=bool(fixed)):
            if first <= bucket < first + size:
                return tuple(sorted([*shared, *_take_share(models, bucket - first, size)]))
            first += size
        return shared

    @functools.cached_property
    def _models_by_split(self) -> dict[int, tuple[tuple[str, ...], ...]]:
        """By class id: models without a split, and then, if any have one, those of each split."""
        return {
            c: tuple(
                tuple(m for m in self.model_ids[c] if entries[m].split == split)
                for split in (None, *(SPLITS if any(e.split for e in entries.values()) else ()))
            )
            for c, entries in self.entries.items()
        }

    def model_file(self, class_idx: int, model_id: str) -> ModelFile:
        """File of a model."""
        return self.entries[class_idx][model_id].file

    def has_z_up(self, class_idx: int, model_id: str) -> bool:
        """Whether the Z axis of a model's file is up, not its Y axis."""
        return (self.entries[class_idx][model_id].up or self.up_axis) == "z"

    @functools.cached_property
    def images_dir(self) -> Path:
        """Folder that names of textures are relative to."""
        if self.textures_path is None:
            raise ValueError("this catalog has no textures: material.use_texture is False")
        return find_images_dir(self.textures_path)

    def texture_path(self, texture: str) -> Path:
        """Image file of a texture."""
        return self.images_dir / texture

    def surface_maps(self, texture: str) -> SurfaceMaps:
        """Maps of a texture's surface; see `synrender.assets.pbr_sets`."""
        return find_maps(self.texture_path(texture))

    @property
    def environments(self) -> tuple[str, ...]:
        """Ids of the environments, sorted; empty when none are used."""
        return tuple(self.environment_names)

    def environment_path(self, environment: str) -> Path:
        """Image file of an environment, by its id."""
        if self.environments_place is None:
            raise ValueError("this catalog has no environments: no factor uses them")
        return self.environments_place.path / self.environment_names[environment]

    @functools.cached_property
    def sources(self) -> Sources:
        """Source folders of all assets, with their fingerprints, and who made the models."""
        keyed = [(self.synset_ids[c], e) for c, es in self.entries.items() for e in es.values()]
        entries = [entry for _, entry in keyed]
        credited = self.opened.credit(entries) if self.opened else entries
        credits = credit_models(zip((key for key, _ in keyed), credited, strict=True))
        models = dataclasses.replace(self.plain_sources.models, credits=credits)
        return dataclasses.replace(self.plain_sources, models=models)

    @functools.cached_property
    def plain_sources(self) -> Sources:
        """Source folders of all assets, with fingerprints of their sorted names; reads no file."""
        models = {self.synset_ids[c]: list(ids) for c, ids in self.model_ids.items()}
        keyed = [
            (f"{self.synset_ids[c]}/{entry.model_id}", entry)
            for c, entries in self.entries.items()
            for entry in entries.values()
        ]
        splits = {name: entry.split for name, entry in keyed if entry.split}
        ups = {name: entry.up for name, entry in keyed if entry.up}
        version = f"demo, version {demo.DEMO_VERSION}"
        models_are_demo, textures_are_demo = self.is_demo
        path = self.textures_path
        layout = None if self.layout == DEFAULT_LAYOUT else self.layout
        return Sources(
            ModelSource(
                version if models_are_demo else str(self.models_path),
                {synset: len(ids) for synset, ids in models.items()},
                _fingerprint(
                    [
                        version if models_are_demo else layout,
                        models,
                        *([splits] if splits else []),
                        *([{"up": ups}] if ups else []),
                    ]
                ),
                self.layout,
            ),
            TextureSource(
                version if textures_are_demo else str(path) if path else None,
                len(self.textures),
                _fingerprint(
                    [
                        version if textures_are_demo else None,
                        self.textures,
                        *([self.map_names] if self.map_names is not None else []),
                    ]
                ),
            ),
            self._describe_environments(),
        )

    def _describe_environments(self) -> EnvironmentSource | None:
        if (place := self.environments_place) is None:
            return None
        version = f"demo, version {demo.ENVIRONMENTS_VERSION}" if place.is_demo else None
        files = [[i, name.rpartition("/")[2]] for i, name in self.environment_names.items()]
        fingerprint = _fingerprint([version, files])
        return EnvironmentSource(version or str(place.path), len(files), fingerprint)


def _take_share(models: tuple[str, ...], place: int, num_places: int) -> tuple[str, ...]:
    start, end = (len(models) * k // num_places for k in (place, place + 1))
    return models[start:end]


def load_catalog(settings: Settings, folders: Folders) -> Catalog:
    """`create_catalog` of assets that nothing else needs."""
    return create_catalog(settings, open_assets(settings, folders))


def create_catalog(settings: Settings, opened: OpenAssets) -> Catalog:
    """Lists the models, textures and environments that these settings use. Writes nothing.

    If the demo set is used, it must exist already: see `ensure_demo_sources`.

    Raises:
        UserError: a configured folder is missing or incomplete; a class is unknown; there are
            fewer models than buckets, or fewer textures than a sample needs.
    """
    place, models = opened.models_place, opened.models
    classes = _find_classes(opened, settings)
    entries = {
        c: {entry.model_id: entry for entry in models.list_models(found)}
        for c, found in classes.items()
    }
    split_buckets = find_split_buckets(settings.design, settings.object.n_buckets)
    _check_enough_models(entries, settings)
    textures, names = None, ()
    if settings.material.use_texture:
        textures, names = opened.textures_place, opened.textures
        _check_enough_textures(textures.path, names, settings)
    environments = opened.environments_place if uses_environments(settings) else None
    catalog = Catalog(
        models_path=place.path,
        layout=models.source.name,
        textures_path=textures.path if textures else None,
        is_demo=(place.is_demo, bool(textures and textures.is_demo)),
        synset_ids={c: found.key for c, found in classes.items()},
        class_names={c: found.name for c, found in classes.items()},
        entries=entries,
        textures=names,
        n_buckets=settings.object.n_buckets,
        split_buckets=split_buckets,
        environments_place=environments,
        environment_names=opened.environments if environments else {},
        map_names=opened.texture_maps if textures and settings.material.source == "pbr" else None,
        opened=models,
        up_axis=settings.assets.up_axis or "y",
    )
    _check_buckets(catalog)
    return catalog


def _with_demo_classes(settings: Settings) -> Settings:
    """Settings without the classes of ShapeNet that the demo set lacks, if it has some of them."""
    sample = settings.sample
    there = tuple(c for c in sample.class_list if not lacks_in_demo(sample.classes[c]))
    if not there or len(there) == len(sample.class_list):
        return settings
    return dataclasses.replace(settings, sample=dataclasses.replace(sample, class_idxs=there))


def with_own_classes(settings: Settings, opened: OpenAssets) -> Settings:
    """Settings that name the classes of the source, where they name ShapeNet's and it has others.

    All of them may appear, unless ``sample.class_idxs`` chooses some. Of ShapeNet's classes the
    demo set has ten; the others are left out of ``sample.class_idxs``.

    Raises:
        UserError: a configured folder is missing, or has more classes than can be told apart.
    """
    if opened.models_place.is_demo:
        return _with_demo_classes(settings)
    if not opened.models_place.is_named or settings.sample.classes != DEFAULT_CLASSES:
        return settings
    classes = opened.classes
    if {name for c in classes for name in (c.name, c.key)}.issuperset(DEFAULT_CLASSES):
        return settings
    names = Counter(found.name for found in classes if found.is_there)
    own = tuple(c.name if names[c.name] == 1 else c.key for c in classes if c.is_there)
    limit = BACKDROP_PASS_INDEX if settings.rendering.render_exr else MAX_CLASSES
    if len(own) > limit:
        raise UserError(
            f"{opened.models.tree} has {len(own)} classes: {limit} at most can be told apart; name "
            f'some of them: -p "sample.classes = {list(own[:_NUM_SHOWN])}"'
        )
    class_idxs = settings.sample.class_idxs
    class_idxs = len(own) if class_idxs in _DEFAULT_IDXS else class_idxs
    sample = dataclasses.replace(settings.sample, classes=own, class_idxs=class_idxs)
    return dataclasses.replace(settings, sample=sample)


def _check_enough_models(entries: dict[int, dict[str, ModelEntry]], settings: Settings) -> None:
    n_buckets = settings.object.n_buckets
    few, least = min(entries.items(), key=lambda item: len(item[1]))
    if len(least) < n_buckets:
        raise UserError(
            f"class {settings.sample.classes[few]!r} has {len(least)} models: each of the "
            f"{n_buckets} buckets needs one; add models, or set object.n_buckets = "
            f"{max(len(least), 1)}"
        )


def _check_buckets(catalog: Catalog) -> None:
    """Raises UserError if the splits that a source gives its models leave a bucket empty."""
    if (place := _find_empty_bucket(catalog)) is None:
        return
    class_idx, bucket = place
    split = SPLITS[sum(bucket >= end for end in itertools.accumulate(catalog.split_buckets))]
    working = find_num_buckets(catalog.entries, catalog.n_buckets)
    remedy = f", or set object.n_buckets = {working}" if working else ""
    raise UserError(
        f"class {catalog.class_names[class_idx]!r} has no models for bucket {bucket}, which is of "
        f"the split {split}: give it some there{remedy}"
    )


def _find_empty_bucket(catalog: Catalog) -> tuple[int, int] | None:
    """A class id, and a bucket that has no models of it."""
    places = itertools.product(catalog.entries, range(catalog.n_buckets))
    return next((place for place in places if not catalog.bucket_models(*place)), None)


def find_num_buckets(entries: dict[int, dict[str, ModelEntry]], most: int) -> int:
    """The largest number of buckets that all have models of each class; 0: there is none.

    At most ``most``. The entries are those of models, by class id and model id.
    """
    for n_buckets in range(min([most, *map(len, entries.values())]), 0, -1):
        split_buckets = find_split_buckets(Design(), n_buckets)
        tried = Catalog(
            Path(), "", None, (False, False), {}, {}, entries, (), n_buckets, split_buckets
        )
        if _find_empty_bucket(tried) is None:
            return n_buckets
    return 0


def _check_enough_textures(path: Path, textures: tuple[str, ...], settings: Settings) -> None:
    num_objs = settings.sample.num_objs
    if len(textures) < num_objs + 1:
        raise UserError(
            f"{path} has {len(textures)} textures: a sample of {num_objs} objects and the "
            f"backdrop needs {num_objs + 1}; add textures or lower sample.num_objs"
        )


def _find_classes(opened: OpenAssets, settings: Settings) -> dict[int, ModelClass]:
    """Every class that may appear, by class id."""
    classes, tree = opened.classes, opened.models.tree
    found = {}
    for class_idx in settings.sample.class_list:
        wanted = settings.sample.classes[class_idx]
        matches = [c for c in classes if wanted in (c.name, c.key)]
        if not matches:
            names = {name for c in classes for name in (c.name, c.key)}
            named_by = classes[0].named_by if classes else tree
            raise UserError(
                f"sample.classes: {shorten(wanted)!r} is no name or synset id in "
                f"{named_by}{nearest_name(wanted, names)}"
            )
        with_models = [match for match in matches if match.is_there]
        if not with_models:
            raise UserError(
                f"class {shorten(wanted)!r}: {tree} has no folder {matches[0].key}; unpack "
                f"it there{_advise_on_classes(classes, settings)}"
            )
        found[class_idx] = with_models[0]
        _refuse_bad_names(with_models[0])
    return found


def _refuse_bad_names(found: ModelClass) -> None:
    """Raises UserError if a class cannot be named in records, file names and tables."""
    try:
        check_line(found.name)
    except ValueError as rule:
        raise UserError(
            f"{found.named_by}: the class name {shorten(found.name)!r} {rule}; mend it"
        ) from None
    if len(found.key) > MAX_NAME_LENGTH:
        raise UserError(
            f"{found.named_by}: the synset id {shorten(found.key)!r} has more than "
            f"{MAX_NAME_LENGTH} characters; rename its folder, and mend it"
        )


def _advise_on_classes(classes: tuple[ModelClass, ...], settings: Settings) -> str:
    """What to type to render the classes that are there, if any are."""
    wanted = [settings.sample.classes[c] for c in settings.sample.class_list]
    there = {name for c in classes if c.is_there for name in (c.name, c.key)}
    found = [name for name in wanted if name in there]
    if not found:
        return ""
    return (
        f', or render the {len(found)} classes that are there: -p "sample.classes = {found}" and, '
        f'with render.py, "sample.class_idxs = {len(found)}", with distributed_render.py, '
        f"--num_classes {len(found)}"
    )


def _fingerprint(names: object) -> str:
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()[:16]
