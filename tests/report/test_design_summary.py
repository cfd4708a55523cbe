"""What card and report say of a design, compared with plans of its samples; nothing is rendered."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.claim import describe_design
from synrender.dataset.design_info import DesignInfo, ShortcutInfo
from synrender.dataset.design_words import describe_default, to_sentences
from synrender.report.design_graph import draw_design, to_file
from synrender.report.design_summary import DesignCounts, DesignSummary, summarize_design
from synrender.report.rows import plans_to_rows
from synrender.sampling.sample_plan import SamplePlan, draw_sample, find_rules
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from tests.helpers import PROJECT_DIR
from tests.sampling.designs.helpers import create_catalog, read_levels

CONFIGS = sorted(path.stem for path in (PROJECT_DIR / "config").glob("design_*.gin"))


def describe(*config: str) -> tuple[Settings, DesignInfo]:
    settings = load_settings(["render_single", *config], ["sample.class_idxs = 4"])
    design = describe_design(settings, create_catalog())
    assert design is not None
    return settings, design


@functools.cache
def draw_plans(config: str) -> tuple[np.ndarray, list[SamplePlan]]:
    """Splits and plans of all samples."""
    settings, _ = describe(config)
    catalog, rules = create_catalog(), find_rules(settings)
    plans = [draw_sample(settings, catalog, idx) for idx in settings.batch.idxs]
    return np.array([rules.find_split(plan.bucket) for plan in plans]), plans


@functools.cache
def summarize(config: str) -> tuple[np.ndarray, list[SamplePlan], DesignSummary]:
    """Splits and plans of all samples, and what is told of them."""
    settings, design = describe(config)
    splits, plans = draw_plans(config)
    counts = DesignCounts(design)
    for part in np.array_split(np.arange(len(plans)), 3):
        counts.add(plans_to_rows([plans[k] for k in part], splits[part]))

    @dataclasses.dataclass
    class Info:
        design: DesignInfo
        settings: Settings

    return splits, plans, summarize_design(Info(design, settings), counts)


SENTENCES = {
    "design_causal": "The class causes the backdrop texture; the class and the backdrop texture "
    "cause the light angle. In the test the light angle is drawn evenly, against the graph.",
    "design_grid": "Each of the 24 combinations of azimuth (6 levels), light angle (2) and "
    "backdrop texture (2) is shown 10 times.",
    "design_holdout": "4 of 16 combinations of class and texture are in the test alone, which "
    "shows no others. The azimuth lies within -0.5 to 0.5 rad in training and validation, and "
    "beyond in the test.",
    "design_one_at_a_time": "Sets of 10 samples take azimuth (5 levels), light angle (3) and "
    "camera distance (2) through their levels, one factor at a time; all else is equal to the bit.",
    "design_sequence": "Sequences of 8 samples show one scene, in which only the azimuth (a full "
    "turn) and the light angle (in equal steps from -1 to 0 rad) move.",
    "design_shortcut": "In training the backdrop texture predicts the class with probability 0.95; "
    "in validation and test it says nothing.",
    "design_twins": "Pairs of samples differ in exactly one of texture, viewpoint, light angle, "
    "backdrop texture, scale and model; all else is equal to the bit.",
}


@pytest.mark.parametrize("config", CONFIGS)
def test_a_design_is_told_in_sentences(config: str) -> None:
    assert " ".join(to_sentences(describe(config)[1])) == SENTENCES[config]


@pytest.mark.parametrize(
    ("rho", "told"),
    [
        ((0.5, 0.5, 0.5), "In training, validation and test the X predicts the class with "
         "probability 0.5."),
        ((0, 0, 0.9), "In training and validation the X says nothing of the class; in the test it "
         "predicts it with probability 0.9."),
        ((1, 0.5, 0), "In training the X predicts the class with probability 1; in validation it "
         "predicts it with probability 0.5; in the test it says nothing."),
    ],
)  # fmt: skip
def test_each_strength_of_a_shortcut_is_told(rho: tuple[float, ...], told: str) -> None:
    _, design = describe("design_shortcut")
    shortcut = ShortcutInfo("backdrop_texture", "class", (0, 1, 2, 3), rho)
    (sentence,) = to_sentences(dataclasses.replace(design, shortcut=shortcut))
    assert sentence.replace("backdrop texture", "X") == told


def test_settings_stand_in_the_words_with_their_values() -> None:
    settings = load_settings(
        ["render_single"], ["object.random_viewpoint = 0.5", "sample.class_idxs = 10"]
    )
    assert describe_default("azimuth", settings) == "N(0, 0.5 rad)"
    assert describe_default("viewpoint", settings) == "N(0, 0.5 rad)"
    assert describe_default("light_energy", settings) == "100 W"
    assert describe_default("class", settings) == "even over 10 classes, for each group"
    assert describe_default("elevation", settings) == "N(0, 0.5 rad)"
    assert describe_default("layout", settings).endswith("a single object at the origin")
    standing = load_settings(["render_multi"], ["scene.ground = True", "scene.layout = 'scatter'"])
    assert describe_default("elevation", standing) == "0 rad"
    assert describe_default("layout", standing) == "anywhere in a square"


def test_a_shortcut_is_compared_with_its_promise() -> None:
    splits, plans, summary = summarize("design_shortcut")
    levels = read_levels(plans, "class", "backdrop_texture")
    partners = np.array(describe("design_shortcut")[1].shortcut.partners)
    row = next(p for p in summary.promises if "partner" in p.text)
    (table,) = summary.tables
    for k, share in enumerate(row.shares):
        own = levels[splits == k]
        assert share.count == (own[:, 1] == partners[own[:, 0]]).sum()
        assert share.total == len(own)
        rho = (0.95, 0, 0)[k]
        assert share.promised == pytest.approx(rho + (1 - rho) / 4)
        counts = np.array([[cell.count for cell in cells[k]] for cells in table.rows.values()])
        expected = np.zeros((4, 4), int)
        np.add.at(expected, tuple(own.T), 1)
        np.testing.assert_array_equal(counts, expected)
        promised = np.array([[c.expected for c in cells[k]] for cells in table.rows.values()])
        np.testing.assert_allclose(promised.sum(axis=1), counts.sum(axis=1))
        np.testing.assert_allclose(
            promised[range(4), partners], counts.sum(axis=1) * (rho + (1 - rho) / 4)
        )
    details = [p for p in summary.promises if p.is_detail]
    assert sum(p.shares[0].count for p in details) == row.shares[0].count


def test_a_graph_is_drawn_with_its_strengths_and_interventions() -> None:
    _, _, summary = summarize("design_causal")
    first, second = summary.panels
    assert (first.title, second.title) == ("train and validation", "test")
    assert "class to backdrop texture, strength 0.7;" in first.text
    assert second.text.startswith("class to backdrop texture, strength 0.7; ")
    assert "class to light angle, cut off" in second.text
    assert second.text.endswith("light angle drawn evenly")
    assert first.svg.count("<rect") == 3  # factors
    assert second.svg.count("stroke-dasharray") == 2
    row = next(p for p in summary.promises if p.text.startswith("the light angle is"))
    assert row.shares[2].promised == pytest.approx(1 / 3)
    assert row.shares[0].promised == pytest.approx(0.8 + 0.2 / 3)
    assert abs(row.shares[0].count / row.shares[0].total - row.shares[0].promised) < 0.07


def test_the_strength_of_an_arrow_is_that_of_the_shortcut() -> None:
    _, design = describe("design_shortcut")
    (mechanism,) = DesignCounts(design).mechanisms
    assert mechanism.find_strength("class", 0) == pytest.approx(0.95)
    assert mechanism.find_strength("class", 2) == 0
    panels = draw_design(design, [mechanism])
    assert [panel.title for panel in panels] == ["train", "validation and test"]
    text = to_file(panels)
    assert text.count("<svg ") == 1 + len(panels)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("config", "text", "realized"),
    [
        ("design_grid", "combinations of azimuth, light angle and backdrop texture; each is shown "
         "10 times over all splits", "24 of 24"),
        ("design_holdout", "combinations of class and texture that are held out", "0 %"),
        ("design_holdout", "azimuth within -0.5 to 0.5 rad", "100 %"),
        ("design_twins", "pairs", "50 of 50"),
        ("design_one_at_a_time", "sets of sweeps", "10 of 10"),
        ("design_sequence", "sequences", "20 of 20"),
    ],
)  # fmt: skip
def test_what_was_realized_stands_beside_the_promise(config: str, text: str, realized: str) -> None:
    splits, _, summary = summarize(config)
    row = next(p for p in summary.promises if p.text == text)
    assert row.shares[0].realized == realized
    if config == "design_holdout":
        assert [share.promise for share in row.shares] in (
            ["0 %", "0 %", "100 %"], ["100 %", "100 %", "0 %"],
        )  # fmt: skip
        assert [share.realized for share in row.shares] == [s.promise for s in row.shares]
    samples = summary.promises[0]
    assert [share.count for share in samples.shares] == [(splits == k).sum() for k in range(3)]
    assert all(share.count == share.total for share in samples.shares)
    assert len(samples.shares) == len(SPLITS)
