"""A sample as a notebook shows it: its pictures, and a table of its record."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from synrender.images.png import encode_png
from synrender.report.pictures import find_pictures, find_scale

SHOWN = ("class", "model_id", "texture", "euler", "scale", "location", "color", "light")
"""Fields of the record that the table shows, where a sample has them."""


class RenderedSample(dict[str, Any]):
    """A dictionary by field that shows itself in a notebook."""

    def __init__(self, fields: Mapping[str, Any], class_names: Mapping[int, str]) -> None:
        """Takes the fields of a sample of `open_dataset`, and the name of each class id."""
        super().__init__(fields)
        self._class_names = class_names

    def _repr_png_(self) -> bytes:
        return encode_png(self["image"])

    def _repr_html_(self) -> str:
        scale = find_scale([self])
        figures = []
        for picture in find_pictures(self):
            png = encode_png(picture.draw(self[picture.field], scale))
            source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
            figures.append(
                f'<figure style="display:inline-block;margin:0 .5em .5em 0"><img src="{source}" '
                f'alt="{picture.name}" style="width:160px;image-rendering:pixelated">'
                f"<figcaption>{picture.name}</figcaption></figure>"
            )
        rows = [
            f"<tr><th>{name}</th>{''.join(f'<td>{html.escape(v)}</td>' for v in values)}</tr>"
            for name, values in self._find_rows()
        ]
        return f"<div>{''.join(figures)}</div><table>{''.join(rows)}</table>"

    def _find_rows(self) -> list[tuple[str, list[str]]]:
        """Name of a field, and its value for each object."""
        is_single = np.ndim(self["class"]) == 0
        rows = []
        for name in SHOWN:
            if name in self:
                values = [self[name]] if is_single else list(self[name])
                if name == "class":
                    values = [self._class_names.get(int(c), str(c)) for c in values]
                rows.append((name, [_to_text(value) for value in values]))
        return rows


def _to_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return " ".join(f"{number:.4g}" for number in np.asarray(value).ravel().tolist())
