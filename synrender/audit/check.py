"""The result of a check, and the table of all results."""

from __future__ import annotations

import enum
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_FALSE_ALARMS = 1e-4
"""Probability that chance makes a check fail a data set that is right; shared among its tests."""

_NUM_LISTED = 8
_WIDTH, _INDENT = 100, 28  # characters of a line, and before the figures


class Verdict(enum.Enum):
    """Verdict of one check; the value is what is printed."""

    PASS = "pass"
    FAIL = "FAIL"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Measure:
    """A number that a check judges, for a certificate."""

    name: str  # with its unit, if it has one
    value: float
    at_least: float | None = None  # its bounds
    at_most: float | None = None
    num: int | None = None  # how many were measured
    of: str = ""  # what ``num`` counts, such as "objects"

    @property
    def is_within(self) -> bool:
        """Whether it is within its bounds; NaN is within none."""
        is_enough = self.at_least is None or self.value >= self.at_least
        return is_enough and (self.at_most is None or self.value <= self.at_most)


def at_most(name: str, value: float, most: float, num: int, of: str) -> Measure:
    """A measure with an upper bound, which is 0 for what must not happen."""
    return Measure(name, value, at_most=most, num=num, of=of)


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    verdict: Verdict
    figures: str  # what was measured, in words
    culprits: tuple[str, ...] = ()  # what fails, the worst first
    measures: tuple[Measure, ...] = ()  # the figures as numbers, with their bounds


def decide(
    name: str, figures: str, culprits: Iterable[str] = (), measures: Iterable[Measure] = ()
) -> Check:
    """Result of a check: it passes without culprits, if all measures are within their bounds.

    Without measures, its faults are counted. A check that had nothing to measure does not apply.
    """
    culprits = tuple(culprits)
    measures = tuple(measures) or (Measure("faults", len(culprits), at_most=0),)
    if culprits or not all(measure.is_within for measure in measures):
        return Check(name, Verdict.FAIL, figures, culprits, measures)
    judged = [m.num for m in measures if (m.at_least, m.at_most) != (None, None)]
    if not any(num is None or num for num in judged):
        return skip(name, f"nothing to judge: {figures}")
    return Check(name, Verdict.PASS, figures, (), measures)


def count_faults(faults: Sequence[object], num: int, of: str) -> list[Measure]:
    """The measure of a check that counts what is wrong among ``num`` things, such as "objects"."""
    return [at_most("faults", len(faults), 0, num, of)]


def skip(name: str, reason: str) -> Check:
    """Result of a check that does not apply, with the reason."""
    return Check(name, Verdict.NOT_APPLICABLE, reason)


def list_some(items: Sequence[object]) -> str:
    """The first items and how many more there are: ``"3, 5, 8 and 12 more"``."""
    listed = ", ".join(map(str, items[:_NUM_LISTED]))
    more = len(items) - _NUM_LISTED
    return f"{listed} and {more} more" if more > 0 else listed


def format_table(checks: Sequence[Check]) -> list[str]:
    """Lines to print: the figures of each check, and below them what fails."""
    lines = [f"{'check':<11} {'verdict':<15} figures"]
    for check in checks:
        first = f"{check.name:<11} {check.verdict.value:<15} "
        for text in filter(None, (check.figures, list_some(check.culprits))):
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent=first, subsequent_indent=" " * _INDENT
            )
            first = " " * (_INDENT - 3) + "-> "
    return lines
