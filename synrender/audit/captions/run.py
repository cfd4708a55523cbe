"""Checks the captions of samples, from each file that gives them, and gathers the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synrender.audit.captions.grammar import Grammar, Said, find_difference
from synrender.audit.captions.truth import FALSE, TRUE, UNKNOWN, UNSEEN, Scene, Words, has_albedo
from synrender.audit.check import Check, count_faults, decide
from synrender.audit.labels.run import Sources
from synrender.audit.labels.surfaces import Paint, Painter
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.view import RayView
from synrender.settings.caption_styles import parse_style
from synrender.settings.caption_words import TEXTURE_FAMILIES
from synrender.system.files import Unreadable

CAPTION, NEGATIVES, KINDS = "caption", "caption_negatives", "caption_negative_kinds"


@dataclass(frozen=True)
class CaptionFindings:
    """About the captions of one sample."""

    culprits: tuple[str, ...] = ()
    num_statements: int = 0  # of captions
    num_checked: int = 0  # of them, those that were compared with what the image shows
    num_negatives: int = 0
    num_checked_negatives: int = 0

    def __add__(self, other: CaptionFindings) -> CaptionFindings:
        return CaptionFindings(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )


class CaptionChecker:
    """Checks samples one after the other."""

    def __init__(self, subject: Subject) -> None:
        self._painter = Painter(subject)
        self._sources = Sources(subject, (CAPTION, NEGATIVES, KINDS))
        captions = subject.settings.captions
        self._style = parse_style(captions.style, captions.patterns)
        names = {
            synset_id: subject.class_names[class_id].split(",")[0].strip()
            for class_id, synset_id in subject.synset_ids.items()
        }
        self._words = Words(names, subject.layout)

    def check(self, view: RayView, rows: np.ndarray) -> CaptionFindings:
        """Findings about a sample; rays hit the rows (h, w) of its record, from 1; 0: none."""
        (scene, grammar), found = self.prepare(view, rows), CaptionFindings()
        for source, given in self._sources.read(int(view.record["sample_idx"][0])):
            if isinstance(given, str):
                found += CaptionFindings((f"{source.name}: {given}",))
                continue
            negatives = list(zip(given[NEGATIVES].tolist(), given[KINDS].tolist(), strict=True))
            found += check_captions(scene, grammar, str(given[CAPTION]), negatives)
        return found

    def prepare(self, view: RayView, rows: np.ndarray) -> tuple[Scene, Grammar]:
        """What the captions of a sample are compared with, and what reads them; see `check`."""
        record = view.record
        paths = map(str, [*record["texture"], *record["backdrop_texture"]])
        textures = {path.split("/")[-2] for path in paths if "/" in path}
        grammar = Grammar(
            self._style, {*self._words.classes.values()}, {*TEXTURE_FAMILIES, *textures}
        )
        return Scene(view, rows, self._find_paints(record), self._words), grammar

    def _find_paints(self, record: np.ndarray) -> list[Paint | None]:
        try:
            return self._painter.find_paints(record)
        except (Unreadable, OSError, ValueError):  # the check of the albedo names it
            return [None] * (len(record) + 1)


def check_captions(
    scene: Scene, grammar: Grammar, caption: str, negatives: Sequence[tuple[str, str]]
) -> CaptionFindings:
    """Compares a caption and its negatives, each with its kind, with rays and with each other."""
    try:
        said = grammar.read(caption)
    except ValueError as error:
        return CaptionFindings((f"caption {error}",))
    judged = list(scene.judge_each(said))
    found = CaptionFindings(
        tuple(
            f"{each.text} ({each.verdict.name.lower()})"
            for each in judged
            if each.verdict not in (TRUE, UNKNOWN)
        ),
        said.num_statements,
        said.num_statements - sum(each.num_unseen for each in judged),
    )
    for negative, kind in negatives:
        found += _check_negative(scene, grammar, said, negative, kind)
    return found


def _check_negative(
    scene: Scene, grammar: Grammar, said: Said, negative: str, kind: str
) -> CaptionFindings:
    """A negative is false, and differs from its caption in the one fact that its kind names."""
    try:
        other = grammar.read(negative)
        changed = find_difference(said, other)
    except ValueError as error:
        return _judge_negative(f"negative {kind!r}: {error}")
    if changed != kind:
        return _judge_negative(f"negative {kind!r} differs in {changed!r}")
    verdict = scene.judge(other)
    if verdict in (FALSE, UNKNOWN):
        is_seen = scene.has_albedo or kind.removeprefix("swap_") not in (*UNSEEN, "backdrop")
        return _judge_negative(is_checked=verdict == FALSE and is_seen)
    return _judge_negative(f"negative {kind!r} is {verdict.name.lower()}: {negative!r}")


def _judge_negative(culprit: str = "", is_checked: bool = True) -> CaptionFindings:
    return CaptionFindings((culprit,) if culprit else (), 0, 0, 1, int(is_checked))


def check_all_captions(subject: Subject, findings: Sequence[tuple[int, CaptionFindings]]) -> Check:
    """One check of the captions of all samples that rays were cast for, by their numbers."""
    culprits = [f"{idx} {culprit}" for idx, found in findings for culprit in found.culprits]
    total = sum((found for _, found in findings), CaptionFindings())
    figures = (
        f"checked {total.num_checked} of {total.num_statements} statements of captions and "
        f"{total.num_checked_negatives} of {total.num_negatives} negatives of {len(findings)} "
        f"samples; {len(culprits)} are not as they must be"
    )
    num = total.num_checked + total.num_checked_negatives
    if num < total.num_statements + total.num_negatives:
        figures += "; the rest is color and texture" + (
            " that rays cannot tell" if has_albedo(subject) else ", which only albedo shows"
        )
    return decide("captions", figures, culprits, count_faults(culprits, num, "statements"))
