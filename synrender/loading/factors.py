"""Factors behind the samples, named as in disentanglement_lib's ground-truth data.

Its metrics take a data set of ours as it is: they use `num_factors`, `factors_num_values`,
`sample_factors`, `sample_observations_from_factors` and `sample`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from synrender.dataset.design_info import DesignFactor
from synrender.dataset.info import DatasetInfo
from synrender.errors import UserError, nearest_name
from synrender.loading.row_source import Sample
from synrender.settings.factor_table import FACTORS, Factor, Kind, Scope, find_columns

if TYPE_CHECKING:
    import pandas

Random = np.random.Generator | np.random.RandomState | int | None
"""disentanglement_lib passes a RandomState; a number is a seed."""

UNKNOWN = -1
"""Value of a category that does not apply, or is not known."""

NO_LEVELS = (
    "this data set was rendered without design.levels; its values are in Dataset.factor_columns "
    "and Dataset.to_pandas()"
)

CACHED = ("factor_values", "factor_levels", "latents", "_rows_by_levels")
"""Attributes that are read once; another process reads its own."""


class Factors:
    """The factors of a data set. Rows are those of its split."""

    @property
    def info(self) -> DatasetInfo:
        """The description of the data set."""
        raise NotImplementedError

    def read_column(self, name: str) -> np.ndarray:
        """A record field in all samples, (n, ...)."""
        raise NotImplementedError

    def _read_images(self, rows: np.ndarray) -> list[Sample]:
        """Samples with the field ``image``, without the transform."""
        raise NotImplementedError

    # --- tables ---------------------------------------------------------------------------------

    @functools.cached_property
    def factor_values(self) -> np.ndarray:
        """Values of the columns of factors, NaN where one does not apply or is not known.

        (n, c) float64, or (n, num_objs, c) for several objects.
        """
        return self.read_column("factor_values")

    @functools.cached_property
    def factor_levels(self) -> np.ndarray:
        """Indexes of levels, int64 of the same shape, -1 where a value was drawn freely."""
        return self.read_column("factor_levels")

    @property
    def factor_columns(self) -> dict[str, np.ndarray]:
        """An array for each factor, by its name, of the values in all samples.

        Categories, such as ``class``, ``model`` and ``texture``, are int64, and -1 where one does
        not apply or is not known. All others are float64, and NaN there. Shapes are (n,), or
        (n, 3) of a factor that has three numbers, such as ``color``. In data sets of several
        objects, factors of objects have one more axis, (n, num_objs, ...).
        """
        return {name: self._find_column(factor) for name, factor in FACTORS.items()}

    def _find_column(self, factor: Factor) -> np.ndarray:
        values = self.factor_values
        if values.ndim == 3 and factor.scope is not Scope.OBJECT:
            values = values[:, 0]  # the same for all objects
        places = find_columns(factor.name)
        column = values[..., places] if len(places) > 1 else values[..., places[0]]
        if factor.kind is not Kind.CATEGORICAL:
            return column
        return np.where(np.isnan(column), UNKNOWN, column).astype(np.int64)

    def to_pandas(self) -> pandas.DataFrame:
        """A table of the factors, with a row for each sample, or for each object of several.

        Columns: ``sample_idx``, ``instance`` (from 1; only where there are several objects),
        ``class_name``, each of `factor_table.COLUMNS` with values as in `factor_columns`, and for
        each factor with levels ``<factor>_level``. The index is the place in this data set.

        Raises:
            UserError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UserError(
                "Dataset.to_pandas needs the Python package pandas: pip install pandas"
            ) from None
        num_objs = self.factor_values.shape[1] if self.factor_values.ndim == 3 else 1

        def spread(column: np.ndarray, scope: Scope = Scope.OBJECT) -> np.ndarray:
            """One value for each row, (n * num_objs,)."""
            is_repeated = num_objs > 1 and scope is not Scope.OBJECT
            return np.repeat(column, num_objs) if is_repeated else column.reshape(-1)

        ids = self.read_column("class").reshape(-1)
        names = {class_id: entry.name for class_id, entry in self.info.classes.items()}
        table = {"sample_idx": self.read_column("sample_idx").reshape(-1)}
        if num_objs > 1:
            table["instance"] = self.read_column("instance").reshape(-1)
        table["class_name"] = np.array([names.get(c, "") for c in ids.tolist()], object)
        for name, column in self.factor_columns.items():
            factor = FACTORS[name]
            parts = np.moveaxis(column, -1, 0) if len(factor.columns) > 1 else [column]
            for part, values in zip(factor.columns, parts, strict=True):
                table[part] = spread(values, factor.scope)
        for name, levels in zip(self.factor_names, self.latents.T, strict=True):
            table[f"{name}_level"] = spread(levels, Scope.SAMPLE)
        index = pandas.Index(np.repeat(np.arange(len(self.factor_values)), num_objs), name="row")
        return pandas.DataFrame(table, index)

    @property
    def factors(self) -> dict[str, DesignFactor]:
        """All factors by name; those that the design gave levels to have ``levels``."""
        named = self.info.design.factors if self.info.design else {}
        return {
            name: named.get(name)
            or DesignFactor(f.kind.value, f.scope.value, f.unit, f.columns, (), ())
            for name, f in FACTORS.items()
        }

    @property
    def factor_names(self) -> tuple[str, ...]:
        """Factors with levels, in the order of the columns of `sample_factors`."""
        return tuple(name for name, factor in self.factors.items() if factor.levels)

    @property
    def num_factors(self) -> int:
        """Number of factors with levels."""
        return len(self.factor_names)

    @property
    def factors_num_values(self) -> list[int]:
        """Number of levels of each of `factor_names`."""
        return [len(self.factors[name].levels) for name in self.factor_names]

    @functools.cached_property
    def latents(self) -> np.ndarray:
        """Levels of each sample, (n, num_factors) int64; -1 where one is drawn freely."""
        levels = self.factor_levels
        levels = levels[:, 0] if levels.ndim == 3 else levels  # all objects have the same
        return levels[:, [find_columns(name)[0] for name in self.factor_names]]

    # --- choosing samples -----------------------------------------------------------------------

    def indices(self, levels: Mapping[str, int] | None = None, **more: int) -> np.ndarray:
        """Samples with the given levels: ``indices(texture=0, azimuth=3)``.

        Args:
            levels: index of the level by factor, for names such as "class" that Python reserves.
            more: likewise.

        Returns:
            (k,) int64 in order; empty if there are none.

        Raises:
            UserError: a factor has no levels here, or not as many.
        """
        chosen = np.ones(len(self.latents), bool)
        for name, level in {**(levels or {}), **more}.items():
            names = self.factor_names
            if name not in names:
                hint = nearest_name(name, names) or f"; {NO_LEVELS}"
                raise UserError(f"{name}: no factor with levels here{hint}")
            k = names.index(name)
            if not 0 <= level < self.factors_num_values[k]:
                raise UserError(f"{name}: level {level} of {self.factors_num_values[k]}")
            chosen &= self.latents[:, k] == level
        return np.flatnonzero(chosen)

    def sample_factors(self, num: int, random_state: Random = None) -> np.ndarray:
        """Levels of samples that are there, (num, num_factors) int64, drawn evenly over samples."""
        known = np.flatnonzero((self.latents >= 0).all(axis=1))
        if not self.num_factors or not len(known):
            raise UserError(f"no sample has levels of factors: {NO_LEVELS}")
        return self.latents[known[_draw(_to_random(random_state), len(known), num)]]

    def sample_observations_from_factors(
        self, factors: np.ndarray, random_state: Random = None
    ) -> np.ndarray:
        """Images of samples with the given levels, (num, ...); one of several is drawn.

        Raises:
            UserError: no sample has such levels.
        """
        random, rows = _to_random(random_state), []
        for wanted in np.asarray(factors, np.int64):
            found = self._rows_by_levels.get(wanted.tobytes())
            if found is None:
                levels = dict(zip(self.factor_names, wanted.tolist(), strict=True))
                raise UserError(
                    f"no sample with the levels {levels}; a design of kind 'grid' has all"
                )
            rows.append(found[_draw(random, len(found), 1)[0]])
        return np.stack([sample["image"] for sample in self._read_images(np.array(rows, int))])

    @functools.cached_property
    def _rows_by_levels(self) -> dict[bytes, np.ndarray]:
        found: dict[bytes, list[int]] = {}
        for row, levels in enumerate(self.latents):
            found.setdefault(levels.tobytes(), []).append(row)
        return {levels: np.array(rows) for levels, rows in found.items()}

    def sample(self, num: int, random_state: Random = None) -> tuple[np.ndarray, np.ndarray]:
        """Levels (num, num_factors) and images (num, ...) of them."""
        random = _to_random(random_state)
        factors = self.sample_factors(num, random)
        return factors, self.sample_observations_from_factors(factors, random)

    def sample_observations(self, num: int, random_state: Random = None) -> np.ndarray:
        """Images (num, ...) alone."""
        return self.sample(num, random_state)[1]

    def twins(self) -> dict[str, np.ndarray]:
        """Samples that differ in one factor alone.

        Returns:
            By factor, (t, k) int64: t tuples of k samples in the order in which they were rendered;
            tuples of which some samples are not in this split are left out.
        """
        base, varied, idx = (self._first_object(n) for n in ("base", "varied", "sample_idx"))
        tuples: dict[str, dict[int, list[int]]] = {}
        for row in np.argsort(idx, kind="stable").tolist():
            if varied[row]:
                tuples.setdefault(varied[row], {}).setdefault(base[row], []).append(row)
        found = {}
        for name, rows in sorted(tuples.items()):
            size = max(map(len, rows.values()))
            found[name] = np.array([r for r in rows.values() if len(r) == size], np.int64)
        return found

    def sequences(self) -> np.ndarray:
        """Samples of each sequence, in their order.

        Returns:
            (n, k) int64: n sequences of k samples; sequences of which some samples are not in this
            data set or split are left out. (0, k) where the design has none.
        """
        design = self.info.design
        length = design.block_size if design and design.paths else 0
        if not length:
            return np.zeros((0, 0), np.int64)
        idxs = self._first_object("sample_idx")
        order = np.argsort(idxs, kind="stable")
        _, starts, counts = np.unique(idxs[order] // length, return_index=True, return_counts=True)
        complete = starts[counts == length]
        return order[complete[:, None] + np.arange(length)].reshape(len(complete), length)

    def _first_object(self, name: str) -> np.ndarray:
        column = self.read_column(name)
        return column[:, 0] if column.ndim == 2 else column


def _to_random(random: Random) -> np.random.Generator | np.random.RandomState:
    is_seed = random is None or isinstance(random, int)
    return np.random.default_rng(random) if is_seed else random


def _draw(random: np.random.Generator | np.random.RandomState, high: int, num: int) -> np.ndarray:
    """Whole numbers below ``high``, (num,)."""
    if isinstance(random, np.random.Generator):
        return random.integers(high, size=num)
    return random.randint(high, size=num)
