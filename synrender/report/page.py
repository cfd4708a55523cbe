"""Writes the report of a data set: one HTML page that loads no other file."""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from synrender import __version__
from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.certificate import StoredAudit
from synrender.dataset.design_words import to_label
from synrender.dataset.info import DatasetInfo
from synrender.loading.dataset import Dataset
from synrender.report.arrangement import Arrangement, arrange
from synrender.report.charts import FactorCharts, draw_factors, find_constants
from synrender.report.design_summary import summarize_design
from synrender.report.pictures import VIRIDIS, class_to_color
from synrender.report.record_text import Filter, find_filters, to_class_name
from synrender.report.rows import Rows, open_records, read_all_rows, read_rows
from synrender.report.sample_cards import (
    Gallery,
    SampleSet,
    create_gallery,
    find_paired,
    find_twins,
)
from synrender.report.survey import Survey, survey
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings, settings_to_gin
from synrender.system.files import write_text


@dataclass(frozen=True)
class TableCell:
    """A count, and its ratio to the largest one in its table, 0 to 1."""

    count: int
    share: float


@dataclass(frozen=True)
class Table:
    """Counts, with names for rows and columns."""

    title: str
    row_title: str
    columns: tuple[str, ...]
    rows: dict[str, list[TableCell]]


@dataclass(frozen=True)
class SplitRow:
    """What a split holds."""

    name: str
    num_samples: int
    num_objects: int
    num_models: int
    num_textures: int


@dataclass(frozen=True)
class SharedRow:
    """What two splits have in common."""

    name: str
    num_models: int
    num_textures: int


def find_split_rows(found: Survey) -> list[SplitRow]:
    """What each split holds."""
    return [
        SplitRow(
            split,
            found.num_samples[k],
            found.num_objects[k],
            len(found.models[k]),
            len(found.textures[k]),
        )
        for k, split in enumerate(SPLITS)
    ]


def find_shared_rows(found: Survey) -> list[SharedRow]:
    """What each two splits share."""
    return [
        SharedRow(
            f"{SPLITS[a]} and {SPLITS[b]}",
            len(found.models[a] & found.models[b]),
            len(found.textures[a] & found.textures[b]),
        )
        for a, b in itertools.combinations(range(len(SPLITS)), 2)
    ]


def find_balance(found: Survey, class_names: Mapping[int, str]) -> Table:
    """Objects of each class, by split; shares are relative to the largest count of the split."""
    ids = sorted({class_id for _, class_id in found.classes})
    largest = [max((found.classes[k, c] for c in ids), default=0) for k in range(len(SPLITS))]
    rows = {
        f"{c} {to_class_name(c, class_names)}": [
            _to_cell(found.classes[k, c], largest[k]) for k in range(len(SPLITS))
        ]
        for c in ids
    }
    return Table("Objects of each class", "class", SPLITS, rows)


def _to_cell(count: int, largest: int) -> TableCell:
    return TableCell(count, count / largest if largest else 0.0)


@dataclass(frozen=True)
class ShownAudit:
    """What is known of a data set's labels."""

    results: StoredAudit | None  # of the last audit
    note: str  # a line about it, or why there is none


BASES = ("render_single", "render_multi")
"""Files of `config/`; the one with fewer differences is taken."""

PAGE_DIR = Path(__file__).parent / "page"
MAX_REJECTED = 500
NUM_ARRANGED = 24
"""Samples that show the design, about."""


@dataclass(frozen=True)
class Content:
    """All that a page shows."""

    data: Dataset
    found: Survey
    gallery: Gallery
    filters: list[Filter]
    charts: list[FactorCharts]
    twins: dict[str, list[SampleSet]]  # by factor
    paired: list[SampleSet]
    arrangement: Arrangement  # of samples that show the design
    audit: ShownAudit


def render_page(content: Content, class_names: Mapping[int, str]) -> str:
    """The page's HTML.

    Args:
        content: what to show.
        class_names: by class id.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE_DIR),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["label"] = to_label
    environment.filters["thousands"] = lambda number: f"{number:,}"
    info, found, gallery = content.data.info, content.found, content.gallery
    script = (PAGE_DIR / "report.js").read_text(encoding="utf-8")
    chosen = [gallery.cards[place] for place in found.chosen.tolist()]
    chosen.sort(key=lambda card: card.idx)  # an archive is shuffled
    rejected = list(info.rejected.items())
    return environment.get_template("report.html").render(
        name=content.data.path.name,
        style=(PAGE_DIR / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=__version__,
        num_samples=len(content.data),
        side_px=gallery.side_px,
        summary=_summarize(info, content.data),
        splits=SPLITS,
        columns=math.ceil(math.sqrt(len(gallery.pictures))),
        pictures=[picture.name for picture in gallery.pictures],
        maps=[picture.name for picture in gallery.pictures if picture.is_map],
        cards=chosen,
        filters=content.filters,
        legend=_find_legend(content, class_names),
        scale=gallery.scale,
        viridis=", ".join(f"rgb{color}" for color in reversed(VIRIDIS)),
        lines=[line for line in content.arrangement.lines if line.places],
        num_beside=content.arrangement.num_beside,
        cards_by_place=gallery.cards,
        twins=content.twins,
        paired=content.paired,
        charts=content.charts,
        constants=find_constants(found, class_names),
        split_rows=find_split_rows(found),
        shared_rows=find_shared_rows(found),
        balance=find_balance(found, class_names),
        design=summarize_design(info, found.design),
        audit=content.audit.results,
        audit_note=content.audit.note,
        rejected=rejected[:MAX_REJECTED],
        num_rejected=len(rejected),
        incomplete=list(info.incomplete.items())[:MAX_REJECTED],
        again=find_again(content.data.path.name, info.settings),
        twins_title=_find_title(info),
        has_strips=bool(info.design and info.design.paths),
        config=settings_to_gin(info.settings),
        versions={k: v for k, v in info.versions.items() if v},
        info=info,
    )


def _find_title(info: DatasetInfo) -> str:
    """Title of the section of samples that belong together."""
    if info.design and info.design.paths:
        return "Sequences"
    return "Sweeps" if info.design and info.design.sweeps else "Twins"


def _summarize(info: DatasetInfo, data: Dataset) -> list[str]:
    rendering, num_objs = info.settings.rendering, info.settings.sample.num_objs
    blender = info.versions.get("blender")
    objects = "single objects" if num_objs == 1 else f"{num_objs} objects a sample"
    if info.design and "num_objs" in info.design.factors:
        objects = "a varying number of objects"
    size = "sample" if len(data) == 1 else "samples"
    return [
        f"{len(data):,} {size}",
        objects,
        f"{rendering.resolution} px {'EXR with labels' if rendering.render_exr else 'PNG'}",
        f"design: {', '.join(info.design.kinds)}" if info.design else "factors drawn at random",
        f"Blender {blender}{f' on {info.device}' if info.device else ''}" if blender else "",
        f"seed {info.seed}",
    ]


def _find_legend(content: Content, class_names: Mapping[int, str]) -> list[tuple[str, str]]:
    """Name and color of each class, if there is a picture of them."""
    if not any(picture.name == "class" for picture in content.gallery.pictures):
        return []
    ids = sorted({class_id for _, class_id in content.found.classes})
    return [(to_class_name(c, class_names), f"rgb{class_to_color(c)}") for c in ids]


@dataclass(frozen=True)
class Again:
    """How a data set is rendered again."""

    file: str  # name of a gin file
    text: str  # what it holds: the settings in which the data set differs from `base`
    base: str  # one of `BASES`

    @property
    def command(self) -> str:
        """A command for a shell."""
        name = shlex.quote(f"{self.file.removesuffix('.gin')}_copy")
        return f"python render.py -d {name} -g {self.base} {shlex.quote(self.file)}"

    @property
    def base64(self) -> str:
        """The text, for a link that saves it."""
        return base64.b64encode(self.text.encode()).decode()


def find_again(name: str, settings: Settings) -> Again:
    """How a data set is rendered again.

    Args:
        name: of the data set.
        settings: of the data set; those that equal a file of `config/` are left out.
    """
    changes = {base: _find_changes(settings, base) for base in BASES}
    base = min(BASES, key=lambda b: len(changes[b]))
    return Again(f"{name}.gin", "".join(f"{line}\n" for line in changes[base]), base)


def _find_changes(settings: Settings, base: str) -> list[str]:
    known = set(settings_to_gin(load_settings([base])).splitlines())
    changes = [line for line in settings_to_gin(settings).splitlines() if line not in known]
    total = settings.object.total_num_samples
    if load_settings([base], changes).object.total_num_samples != total:  # follows from another
        changes.append(f"object.total_num_samples = {total}")
    return changes


Advance = Callable[[int], None]


def write_report(
    data: Dataset,
    path: Path,
    num_samples: int,
    audit: ShownAudit,
    advance: Advance = lambda _: None,
) -> None:
    """Writes the report atomically, over an earlier one.

    Args:
        data: the whole data set.
        path: where the report goes.
        num_samples: largest number of samples in the gallery; twins and sweeps are added to them.
        audit: what the last audit found.
        advance: gets numbers of samples that are done; a sample counts again if it is shown.

    Raises:
        UserError: a sample is damaged.
        DiskFull: there is no room.
    """
    records = open_records(data)

    def read_parts() -> Iterator[Rows]:
        for rows in read_all_rows(records):
            yield rows
            advance(int(rows.is_first.sum()))

    found = survey(read_parts(), data.info, num_samples)
    class_names, factors = data.class_names, data.factors
    filters = find_filters(found, factors, class_names)
    tuples = [place for group in found.tuples.values() for t in group for place in t]
    places = np.concatenate([found.chosen, found.typical, tuples]).astype(np.int64)
    rows = read_rows(records, np.unique(places))
    gallery = create_gallery(data, rows, filters, class_names, advance)
    charts = list(draw_factors(found, factors, class_names, data.info))
    twins = find_twins(found.tuples, rows, gallery, class_names)
    paired = find_paired(data, rows, gallery, found.chosen)
    candidates = rows.choose(found.typical) if len(found.typical) else rows
    arrangement = arrange(candidates, data.info.design, class_names, NUM_ARRANGED)
    content = Content(data, found, gallery, filters, charts, twins, paired, arrangement, audit)
    write_text(path, render_page(content, class_names))
