"""`Renderer`: one sample at a time, for notebooks and scripts; and how a notebook shows it."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import html
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from synrender.api.functions import draw_from, load_settings, load_sources
from synrender.errors import UserError
from synrender.images.png import encode_png
from synrender.loading.dataset import open_dataset
from synrender.report.pictures import find_pictures, find_scale
from synrender.report.preview import Preview, Previewed, draw_preview
from synrender.sampling.sample_plan import SamplePlan
from synrender.settings.groups import Settings
from synrender.settings.label_table import LABELS
from synrender.settings.load import settings_to_gin
from synrender.system.folders import find_folders
from synrender.system.locks import temporary_folder

SHOWN = ("class", "model_id", "texture", "euler", "scale", "location", "color", "light")
"""Fields of the record that the table shows, where a sample has them."""


class Renderer:
    """Renders single samples; ``render(i)`` is what ``open_dataset(...)[i]`` gives of a data set.

    Use it in a ``with`` block, or call `close`. Nothing is printed, and no data set is written to.
    Blender runs in a process of its own, which starts with the first sample.

    >>> import synrender
    >>> with synrender.Renderer("render_single", "rendering.resolution = 32") as renderer:
    ...     sample = renderer.render(13)
    >>> sample["image"].shape, sample["sample_idx"]
    ((32, 32, 3), 13)
    """

    def __init__(self, *config: str, **bindings: object) -> None:
        """Takes what `load_settings` takes.

        Raises:
            UserError: a mistake in the settings, or models or textures are missing.
        """
        self._begin(load_settings(*config, **bindings), _Server())

    def _begin(self, settings: Settings, server: _Server) -> None:
        self.settings, self._catalog = load_sources(settings, find_folders(os.environ))
        self._server = server
        self._dataset_dir = server.create_dataset_dir()

    def replace(self, *config: str, **bindings: object) -> Renderer:
        """A renderer with some settings changed, in the same process; closing one closes both.

        Args:
            config: bindings such as ``"batch.seed = 4"``.
            bindings: likewise, by name.

        Raises:
            UserError: a mistake in the settings.
        """
        texts = [*config, *(f"{name} = {value!r}" for name, value in bindings.items())]
        changed = object.__new__(Renderer)
        changed._begin(load_settings(settings_to_gin(self.settings), *texts), self._server)
        return changed

    def plan(self, idx: int) -> SamplePlan:
        """What sample ``idx`` will show, as plain numbers; does not start Blender.

        Raises:
            UserError: there is no such sample.
        """
        return draw_from(self.settings, self._catalog, idx)

    def render(self, idx: int) -> RenderedSample:
        """Renders sample ``idx``.

        Args:
            idx: 0 to ``object.total_num_samples`` - 1.

        Returns:
            A dictionary by field: image, labels and record, see `open_dataset`.

        Raises:
            UserError: there is no such sample, or this Blender lacks a requested feature.
            RuntimeError: Blender failed.
        """
        idxs = self._find_needed(idx)
        batch = self.settings.batch
        batch = dataclasses.replace(batch, idx_offset=idxs.start, num_samples=len(idxs))
        settings = dataclasses.replace(self.settings, batch=batch)
        self._server.render(settings, self._dataset_dir, idxs)
        data = open_dataset(self._dataset_dir)
        place = data.read_column("sample_idx").reshape(len(data), -1)[:, 0].tolist().index(idx)
        return RenderedSample(data[place], data.class_names)

    def preview(self) -> Preview:
        """Renders about 24 samples of the batch at draft quality, and measures how long all take.

        They are spread over splits, classes and levels, and stand as the design is. A notebook
        shows the sheet; ``preview().picture`` is a Pillow image, and ``lines`` says the same.

        Raises:
            UserError: this Blender lacks a requested feature.
            RuntimeError: Blender failed.
        """

        def render(dataset: Previewed, idxs: Sequence[int], path: Path) -> None:
            self._server.render(dataset.settings, path, idxs)

        num_samples = self.settings.batch.num_samples
        dataset = Previewed("preview", self.settings, self._catalog, num_samples)
        return draw_preview([dataset], render, self._server.create_dataset_dir())

    def _find_needed(self, idx: int) -> range:
        """The sample, and where a label compares it with others of its group, these too."""
        group = self.plan(idx).group
        first, last = idx, idx
        if any("flow_to" in LABELS[name].fields for name in self.settings.rendering.labels):
            total = self.settings.object.total_num_samples
            while first > 0 and self.plan(first - 1).group == group:
                first -= 1
            while last + 1 < total and self.plan(last + 1).group == group:
                last += 1
        return range(first, last + 1)

    def close(self) -> None:
        """Ends the process, and removes what it rendered."""
        self._server.close()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Answer(TypedDict):
    """What the process answers to a request; see `render_server`."""

    error: str | None
    is_user_error: bool


class _Server:
    """The process of a `Renderer`, and its scratch folder."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        scratch = temporary_folder(Path(tempfile.gettempdir()), "synrender-notebook")
        self._scratch = self._stack.enter_context(scratch)
        self._num_datasets = 0
        self._process: subprocess.Popen[str] | None = None

    def create_dataset_dir(self) -> Path:
        """A path for another data set."""
        self._num_datasets += 1
        return self._scratch / f"rendered_{self._num_datasets}"

    def render(self, settings: Settings, dataset_dir: Path, idxs: Sequence[int]) -> None:
        """Renders those of some samples that are missing."""
        gin = settings_to_gin(settings)
        answer = self._ask({"gin": gin, "folder": str(dataset_dir), "idxs": list(idxs)})
        if answer["error"] is not None:
            raise (UserError if answer["is_user_error"] else RuntimeError)(answer["error"])

    def _ask(self, request: dict[str, object]) -> Answer:
        process = self._process or self._start()
        try:
            print(json.dumps(request), file=process.stdin, flush=True)
            line = process.stdout.readline() if process.stdout else ""
        except BrokenPipeError:
            line = ""
        if not line:
            status = self._end_process()
            log = self._read_end_of_log()
            raise RuntimeError(f"Blender's process ended (status {status}): {log}")
        return json.loads(line)

    def _start(self) -> subprocess.Popen[str]:
        with (self._scratch / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "synrender.api.render_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self._process

    def _read_end_of_log(self) -> str:
        lines = (self._scratch / "log").read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "no output")

    def _end_process(self) -> int | None:
        """Waits until the process has ended; returns its exit status, if there was a process."""
        process, self._process = self._process, None
        if process is None:
            return None
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        return process.wait()

    def close(self) -> None:
        """Ends the process, and removes the scratch folder."""
        self._end_process()
        self._stack.close()


# --- in a notebook --------------------------------------------------------------------------------


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
