"""Writes what describes an export: card, picture, metadata, configuration."""

from __future__ import annotations

import io

import numpy as np

from synrender.dataset.names import CONFIG_FILE
from synrender.export.card import render_card
from synrender.export.card_facts import Facts
from synrender.export.croissant import render_croissant
from synrender.export.marker import CARD_FILE, CROISSANT_FILE, PICTURE_FILE
from synrender.loading.dataset import Dataset
from synrender.report.pictures import find_pictures
from synrender.report.sheet import draw_sheet
from synrender.settings.load import settings_to_gin
from synrender.system.files import write_bytes, write_text

_NUM_PICTURED = 20


def describe(facts: Facts, data: Dataset) -> None:
    """Writes all of it into the folder of the export."""
    out = facts.job.out
    write_bytes(out / PICTURE_FILE, draw_picture(facts, data))
    write_text(out / CONFIG_FILE, settings_to_gin(facts.info.settings))
    write_text(out / CROISSANT_FILE, render_croissant(facts))
    write_text(out / CARD_FILE, render_card(facts))


def draw_picture(facts: Facts, data: Dataset) -> bytes:
    """A contact sheet, as PNG, of samples spread evenly over the data set."""
    rows = np.unique(np.linspace(0, len(data) - 1, min(_NUM_PICTURED, len(data))).astype(int))
    fields = [picture.field for picture in find_pictures(data.with_fields(None).fields)]
    shown = data.with_fields(fields, np.inf)
    names = dict(zip(facts.content.class_ids, facts.content.class_names, strict=True))
    file = io.BytesIO()
    sheet = draw_sheet(shown.read_checked(rows), facts.name, names)
    sheet.save(file, "png", optimize=True)
    return file.getvalue()
