"""Writes the report of a data set: DATA_DIR/<name>/report.html."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from synrender.dataset.last_audit import StoredAudit
from synrender.dataset.names import REPORT_FILE
from synrender.loading.dataset import Dataset
from synrender.report.distributions import draw_factors
from synrender.report.filters import find_filters
from synrender.report.page import Content, render_page
from synrender.report.rows import Rows, open_records, read_all_rows, read_rows
from synrender.report.sample_cards import create_gallery
from synrender.report.sets import find_paired, find_twins
from synrender.report.survey import survey
from synrender.system.files import write_text

Advance = Callable[[int], None]


def write_report(
    data: Dataset,
    dataset_dir: Path,
    num_samples: int,
    audit: StoredAudit | None,
    audit_note: str,
    advance: Advance = lambda _: None,
) -> Path:
    """Writes the report atomically, over an earlier one.

    Args:
        data: the whole data set.
        dataset_dir: where the report goes.
        num_samples: that it shows, at most; besides, twins and sweeps are shown.
        audit: what the last audit found.
        audit_note: a line about it, or why there is none.
        advance: told how many samples are done; each is read once, and again if it is shown.

    Returns:
        Path of the report.

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
    rows = read_rows(records, np.union1d(found.chosen, tuples).astype(np.int64))
    gallery = create_gallery(data, rows, filters, class_names, advance)
    charts = list(draw_factors(found, factors, class_names))
    twins = find_twins(found.tuples, rows, gallery, class_names)
    paired = find_paired(data, rows, gallery, found.chosen)
    content = Content(data, found, gallery, filters, charts, twins, paired, audit, audit_note)
    path = dataset_dir / REPORT_FILE
    write_text(path, render_page(content, class_names))
    return path
