"""Puts a report together: one page of HTML that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from synrender import __version__
from synrender.dataset.info import DatasetInfo
from synrender.dataset.last_audit import StoredAudit
from synrender.dataset.splits import SPLITS
from synrender.loading.dataset import Dataset
from synrender.report.distributions import FactorCharts, find_constants, to_label
from synrender.report.filters import Filter
from synrender.report.pictures import VIRIDIS, class_to_color
from synrender.report.record_text import to_class_name
from synrender.report.sample_cards import Gallery
from synrender.report.sets import SampleSet
from synrender.report.survey import Survey
from synrender.report.tables import (
    find_balance,
    find_factor_tables,
    find_shared_rows,
    find_split_rows,
)
from synrender.settings.groups import Settings, load_settings, settings_to_gin

BASES = ("render_single", "render_multi")
"""Files of `config/`; the one with fewer differences is taken."""

PAGE_DIR = Path(__file__).parent / "page"
MAX_REJECTED = 500


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
    audit: StoredAudit | None
    audit_note: str  # why there is none, or what it is of


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
        twins=content.twins,
        paired=content.paired,
        charts=content.charts,
        constants=find_constants(found, class_names),
        split_rows=find_split_rows(found),
        shared_rows=find_shared_rows(found),
        balance=find_balance(found, class_names),
        factor_tables=find_factor_tables(found, content.data.factors),
        audit=content.audit,
        audit_note=content.audit_note,
        rejected=rejected[:MAX_REJECTED],
        num_rejected=len(rejected),
        command=find_command(f"{content.data.path.name}_copy", info.settings),
        twins_title="Sweeps" if info.design and info.design.sweeps else "Twins",
        config=settings_to_gin(info.settings),
        versions={k: v for k, v in info.versions.items() if v},
        info=info,
    )


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
    """Name and colour of each class, if there is a picture of them."""
    if not any(picture.name == "class" for picture in content.gallery.pictures):
        return []
    ids = sorted({class_id for _, class_id in content.found.classes})
    return [(to_class_name(c, class_names), f"rgb{class_to_color(c)}") for c in ids]


def find_command(name: str, settings: Settings) -> str:
    """A command for a shell, one setting a line.

    Args:
        name: of the new data set.
        settings: of the data set; what they have in common with a file of `config/` is left out.
    """
    changes = {base: _find_changes(settings, base) for base in BASES}
    base = min(BASES, key=lambda b: len(changes[b]))
    lines = [f"python render.py -d {shlex.quote(name)} -g {base}"]
    lines += [f"  -p {shlex.quote(changes[base][0])}"] if changes[base] else []
    lines += [f"     {shlex.quote(change)}" for change in changes[base][1:]]
    return " \\\n".join(lines)


def _find_changes(settings: Settings, base: str) -> list[str]:
    known = set(settings_to_gin(load_settings([base])).splitlines())
    return [line for line in settings_to_gin(settings).splitlines() if line not in known]
