"""What chance gives: exact tests of counts, and associations of two variables with their bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

MIN_EXPECTED = 5
"""Samples that chance has to promise each cell of a table; with fewer the bounds are not true."""


def count_p_values(
    counts: np.ndarray | int, nums: np.ndarray | int, probabilities: np.ndarray | float
) -> np.ndarray:
    """Exact two-sided p-values of binomial counts, of the arrays' common shape."""
    p = np.clip(probabilities, 0, 1)
    lower = stats.binom.cdf(counts, nums, p)
    upper = stats.binom.sf(np.asarray(counts) - 1, nums, p)
    return np.minimum(1, 2 * np.minimum(lower, upper))


def table_p_values(rows: np.ndarray, levels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """P-values of each cell of a table of conditional probabilities.

    Args:
        rows: (n,) row of the table that each sample was drawn from.
        levels: (n,) what was drawn.
        table: (r, k) probabilities; each row adds up to 1.

    Returns:
        (r, k); 1 in rows without samples.
    """
    counts = np.zeros(table.shape, np.int64)
    np.add.at(counts, (rows, levels), 1)
    return count_p_values(counts, counts.sum(axis=1, keepdims=True), table)


@dataclass(frozen=True)
class Variable:
    """One column of a data set."""

    name: str
    values: np.ndarray  # (n,)
    is_category: bool

    @property
    def varies(self) -> bool:
        """Whether there are two values at all."""
        return len(np.unique(self.values)) > 1


@dataclass(frozen=True)
class Association:
    """Of two variables; 0: none, 1: one follows from the other."""

    measure: str
    names: tuple[str, str]
    value: float
    bound: float  # what chance exceeds with probability ``alpha``


def associate(a: Variable, b: Variable, alpha: float) -> Association | None:
    """Association of two variables of n samples; None: too few samples to tell."""
    names = (a.name, b.name)
    if a.is_category and b.is_category:
        return _cramers_v(names, a.values, b.values, alpha)
    if a.is_category or b.is_category:
        group, value = (a, b) if a.is_category else (b, a)
        return _correlation_ratio(names, group.values, value.values, alpha)
    return _rank_correlation(names, a.values, b.values, alpha)


def _rank_correlation(
    names: tuple[str, str], a: np.ndarray, b: np.ndarray, alpha: float
) -> Association | None:
    """Spearman's; its bound by Student's t."""
    n = len(a)
    if n < 2 * MIN_EXPECTED:
        return None
    value = abs(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])
    t = stats.t.isf(alpha / 2, n - 2)
    return Association("rank correlation", names, float(value), float(t / np.sqrt(n - 2 + t * t)))


def _correlation_ratio(
    names: tuple[str, str], groups: np.ndarray, values: np.ndarray, alpha: float
) -> Association | None:
    """Of ranks: root of the share of their variance between groups; its bound by Fisher's F."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    n, k = len(values), len(sizes)
    if sizes.min() < MIN_EXPECTED:
        return None
    ranks = stats.rankdata(values)
    means = np.bincount(group, ranks) / sizes
    share = (sizes * (means - ranks.mean()) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum()
    f = (k - 1) * stats.f.isf(alpha, k - 1, n - k)
    bound = np.sqrt(f / (f + n - k))
    return Association("correlation ratio", names, float(np.sqrt(share)), float(bound))


def _cramers_v(
    names: tuple[str, str], a: np.ndarray, b: np.ndarray, alpha: float
) -> Association | None:
    """Corrected for its bias (Bergsma 2013); its bound by chi-square."""
    table = stats.contingency.crosstab(a, b).count
    if stats.contingency.expected_freq(table).min() < MIN_EXPECTED:
        return None
    n, (r, k) = len(a), table.shape
    dof = (r - 1) * (k - 1)

    def chi_square_to_v(chi_square: float) -> float:
        phi_square = max(0.0, chi_square / n - dof / (n - 1))
        sides = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
        return float(np.sqrt(phi_square / sides))

    chi_square = stats.chi2_contingency(table, correction=False).statistic
    bound = chi_square_to_v(stats.chi2.isf(alpha, dof))
    return Association("Cramer's V", names, chi_square_to_v(chi_square), bound)
