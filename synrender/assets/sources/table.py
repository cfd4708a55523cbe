"""A table of models, ``models.csv``, in the folder or archive that they are in.

It names the file of each model, and where they are known its class, license, creator, source and
split, and the axis that is up, y or z. It says which models there are, whatever else lies there.
"""

from __future__ import annotations

import csv
import functools
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from synrender.assets.model_file import MODEL_SUFFIXES
from synrender.assets.sources.source import (
    UNLABELED,
    ModelEntry,
    Source,
    list_group_classes,
    list_group_models,
)
from synrender.assets.tree import Tree
from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.checks import MAX_NAME_LENGTH, SPLITS, check_line
from synrender.system.files import is_plain_name

TABLE_FILE = "models.csv"
COLUMNS = ("path", "class", "license", "creator", "split", "source", "up")
MAX_TABLE_BYTES = 1 << 26
"""64 MiB: half a million models."""


@functools.lru_cache(maxsize=1)
def _read_table(tree: Tree) -> dict[str, tuple[ModelEntry, ...]]:
    """Models by class.

    Ids are the files' names without suffix; of equal ones, the whole paths with dots.

    Raises:
        UserError: the table is damaged; the message names the line.
    """
    file = tree.file(TABLE_FILE)
    try:
        text = file.read(MAX_TABLE_BYTES).decode("utf-8-sig")
        lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        _check_header(lines.fieldnames or ())
        rows = list(_read_rows(lines, tree))
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{file}: {error}; mend it") from None
    if twice := [path for path, num in Counter(path for path, *_ in rows).items() if num > 1]:
        raise UserError(f"{file}: {shorten(twice[0])} stands in two lines; remove one")
    counts = Counter((class_name, path.stem) for path, class_name, _ in rows)
    found: dict[str, list[ModelEntry]] = {}
    for path, class_name, entry in sorted(rows, key=lambda row: str(row[0])):
        is_unique = counts[class_name, path.stem] == 1
        named = entry if is_unique else replace(entry, model_id=".".join(path.parts))
        found.setdefault(class_name, []).append(named)
    return {c: tuple(sorted(found[c], key=lambda entry: entry.model_id)) for c in sorted(found)}


def _check_header(names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in COLUMNS]:
        hint = nearest_name(unknown[0], COLUMNS)
        raise ValueError(f"{shorten(unknown[0])!r} is no column of this table{hint}")
    if "path" not in names:
        raise ValueError(f"its first line must name its columns: path and any of {COLUMNS[1:]}")
    if len(set(names)) < len(names):
        raise ValueError("a column stands there twice")


Row = tuple[PurePosixPath, str, ModelEntry]
"""Path of a model in the table, its class, and what else is said of it."""


def _read_rows(lines: csv.DictReader, tree: Tree) -> Iterator[Row]:
    for line in lines:
        where = f"line {lines.line_num}"
        if None in line or None in line.values():
            raise ValueError(f"{where} has another number of columns than the first line")
        values = {name: text.strip() for name, text in line.items()}
        try:
            yield _to_row(values, tree)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def _to_row(values: dict[str, str], tree: Tree) -> Row:
    name = values["path"]
    path = PurePosixPath(name)
    if not all(map(is_plain_name, name.split("/"))):
        raise ValueError(f"the path {shorten(name)!r} does not lead to a file beside this table")
    if path.suffix.lower() not in MODEL_SUFFIXES:
        raise ValueError(f"{shorten(name)!r} is none of {', '.join(MODEL_SUFFIXES)}")
    for text in filter(None, values.values()):
        if text != name:
            check_line(text)
    class_name = values.get("class") or (path.parts[0] if len(path.parts) > 1 else UNLABELED)
    if not is_plain_name(class_name) or len(class_name) > MAX_NAME_LENGTH:
        raise ValueError(
            f"the class {shorten(class_name)!r} must have at most {MAX_NAME_LENGTH} characters, no "
            "slash, and no dot at its start"
        )
    split = values.get("split") or None
    if split not in (*SPLITS, None):
        raise ValueError(f"the split {shorten(split)!r} must be {', '.join(SPLITS)}, or empty")
    up = values.get("up") or None
    if up not in (None, "y", "z"):
        raise ValueError(f"the axis that is up, {shorten(up)!r}, must be y or z, or empty")
    stated = {name: values.get(name) or None for name in ("license", "creator", "source")}
    return path, class_name, ModelEntry(path.stem, tree.file(name), **stated, split=split, up=up)


TABLE = Source(
    "table",
    "a table (models.csv)",
    lambda tree: TABLE_FILE in tree.list().files,
    list_group_classes(_read_table, TABLE_FILE),
    list_group_models(_read_table),
)
