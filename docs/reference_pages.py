"""Writes the pages of docs/reference/ that follow from the code, so that they are always true."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from error_lines import (
    MISTAKE,
    REASON,
    REJECTED,
    TROUBLE,
    Line,
    find_advice,
    find_lines,
)

from synrender.dataset.record import RECORD_DTYPE
from synrender.settings.checks import Check
from synrender.settings.distributions import find_kinds
from synrender.settings.factor_table import BACKDROPS, FACTORS, JOINT, MAX_IDX, Factor, Kind
from synrender.settings.groups import find_types
from synrender.settings.label_table import LABELS

PROJECT_DIR = Path(__file__).resolve().parents[1]
PACKAGE_DIR = PROJECT_DIR / "synrender"

COMMANDS = {
    "render": "render",
    "distributed_render": "distribute",
    "preprocess_data": "preprocess",
    "audit_dataset": "audit",
    "export_dataset": "export",
    "report_dataset": "report",
}
"""Scripts, and what they are called where the package is installed: ``synrender-<name>``."""

ROOMS = (
    *("system", "settings", "images", "assets", "sampling", "labels", "dataset", "captions"),
    *("blender", "crashes", "archive", "fanout", "loading", "report", "export", "audit", "cli"),
    "api",
)
"""From the bottom to the top: a module imports from its own room and from those before it."""


def write_pages(folder: Path) -> None:
    """Writes all pages; one that would not change is left alone."""
    folder.mkdir(exist_ok=True)
    pages = {
        "settings": "\n".join(write_settings()),
        "commands": "\n".join(write_commands()),
        "factors": "\n".join(write_factors()),
        "labels": "\n".join(write_labels()),
        "record": "\n".join(write_record()),
        "errors": "\n".join(write_errors()),
        "modules": "\n".join(write_modules()),
    }
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text + "\n":
            path.write_text(text + "\n")


def write_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
    yield ""


def code(text: object) -> str:
    """Text as code; an empty one stays empty."""
    return f"`{text}`" if str(text) else ""


# --- settings ---------------------------------------------------------------------------------


def write_settings() -> Iterator[str]:
    """Every gin setting, with its value in the two configurations, its meaning and its rule."""
    single, multi = (
        read_gin(PROJECT_DIR / "config" / f"render_{n}.gin") for n in ("single", "multi")
    )
    yield "# Settings\n"
    yield (
        "After this page you can set everything that can be set. Write a setting into a gin file, "
        'or give it on the command line: `-p "batch.seed = 3"`. The values are those of '
        "`render_single`; where `render_multi` has another one, it stands beside it.\n"
    )
    for group, kind in sorted(find_types().items()):
        yield f"## {group}\n"
        checks = {f.name: f.metadata["check"] for f in dataclasses.fields(kind)}
        for name, (value, meaning) in single.items():
            if name.startswith(f"{group}."):
                other = multi.get(name, (value, ""))[0]
                beside = f" (`render_multi`: `{other}`)" if other != value else ""
                yield f"`{name} = {value}`{beside}"
                rule = find_rule(checks[name.split(".")[1]])
                text = re.sub(r"'[\w-]*'", r"`\g<0>`", f"{meaning}. It {rule}.\n")
                yield ": " + re.sub(r"^[a-z](?=[a-z]*\W)", lambda found: found[0].upper(), text)


def find_rule(check: Check) -> str:
    """What a setting must be, in the words that a mistake is answered with."""
    try:
        check(object())
    except ValueError as rule:
        return str(rule)
    raise AssertionError(f"{check} lets everything pass")


def read_gin(path: Path) -> dict[str, tuple[str, str]]:
    """Value and comment of each setting in a complete gin file."""
    found, name, text = {}, "", ""
    for line in path.read_text().splitlines():
        match = re.match(r"(\w+\.\w+) = (.*)", line)
        if match:
            name, text = match[1], match[2]
        elif name and line and not line.startswith("#"):
            text += f" {line.strip()}"
        else:
            continue
        value, _, meaning = text.partition("  # ")
        if "(  # " in text:  # the comment stands behind the first line of several
            value, meaning = (
                re.sub(r"  # .*?(?='|\d)", "", text),
                text.split("  # ")[1].split("  ")[0],
            )
            meaning = re.split(r" ['\d]", meaning)[0]
        found[name] = (re.sub(r"\s+", " ", value).replace("( ", "(").replace(",)", ")"), meaning)
    return found


# --- commands ---------------------------------------------------------------------------------


def write_commands() -> Iterator[str]:
    """The help text of each command."""
    yield "# Commands\n"
    yield (
        "After this page you know every argument of every command. It shows what `--help` prints. "
        "In a clone you type the script, such as `python render.py`. If you installed the package "
        "with pip, type the other name, such as `synrender-render`.\n"
    )
    environment = {"COLUMNS": "92", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    for name, installed in COMMANDS.items():
        yield f"## {name}.py\n\nInstalled: `synrender-{installed}`\n"
        script = PROJECT_DIR / f"{name}.py"
        yield from _write_help([sys.executable, str(script)], environment)
    for name in ("assets", "dataset", "warmup"):
        yield f"## python -m synrender.{name}\n\nInstalled: `synrender-{name}`\n"
        yield from _write_help([sys.executable, "-m", f"synrender.{name}"], environment)


def _write_help(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    result = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, env=environment, check=True
    )
    yield f"```text\n{result.stdout.strip()}\n```\n"


# --- tables of the code -----------------------------------------------------------------------


def write_factors() -> Iterator[str]:
    """The table of factors."""
    yield "# Factors\n"
    joint = (f"`{name}` means {join(map(code, parts))}" for name, parts in JOINT.items())
    yield (
        "After this page you know all that can be varied, within which bounds, and what a factor "
        "does without a setting. The [gallery](../gallery.md) shows each of them.\n"
    )
    yield f"Some names stand for several factors: {'; '.join(joint)}.\n"
    yield (
        "The column *can be drawn by* names the forms of [distributions]"
        "(../howto/distributions.md). The last column names the labels that a factor can change, "
        "of those that say where things are. A factor of appearance changes none of these, not by "
        "a bit. Textures and colors change `albedo`, `roughness` and `metallic` change the "
        "labels of their names, and all of these and the lights change `shading`.\n"
    )
    rows = (
        (
            code(factor.name), describe_values(factor),
            f"{factor.scope.value}, {factor.kind.value}",
            factor.distribution, ", ".join(find_kinds(factor.name)),
            ", ".join(factor.labels) or "none",
        )
        for factor in FACTORS.values()
    )  # fmt: skip
    names = (
        "factor", "values", "belongs to", "without a setting", "can be drawn by",
        "labels that it can change",
    )  # fmt: skip
    yield from write_table(names, rows)


def join(words: Iterable[str]) -> str:
    """ "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def describe_values(factor: Factor) -> str:
    """Bounds of what may be given, with the unit; names where they are names."""
    if factor.name == "backdrop":
        return ", ".join(map(code, BACKDROPS))
    if factor.kind is Kind.CIRCULAR:
        return "any angle, rad"
    if factor.high >= MAX_IDX:
        return "ids" if factor.name == "class" else "names"
    return factor.bounds + (f", {len(factor.parts)} numbers" if factor.parts else "")


def write_labels() -> Iterator[str]:
    """The table of labels."""
    yield "# Labels\n"
    yield (
        "After this page you know all labels and the fields that hold them. EXR data sets always "
        "have instance, class and depth. The setting `rendering.labels` adds the labels below, and "
        "`open_dataset` gives them by the names of their fields. [Files](files.md#labels) has "
        "their shapes and units, the [gallery](../gallery.md#labels) a picture of each.\n"
    )
    rows = [
        (code(label.name), ", ".join(map(code, label.fields)), label.meaning)
        for label in LABELS.values()
    ]
    yield from write_table(("label", "fields", "meaning"), rows)


def write_record() -> Iterator[str]:
    """Fields of a record, with the comments of the code."""
    source = (PACKAGE_DIR / "dataset" / "record.py").read_text()
    comments = dict(re.findall(r'^ {8}\("(\w+)",.*?\),?(?:  # (.*))?$', source, re.MULTILINE))
    yield "# Fields of a record\n"
    yield (
        "After this page you can read the record of a sample. `img/00000.npy` is a structured "
        'array with a row for each object: `np.load("00000.npy")["class"]`. HDF5 files hold the '
        "same fields, `(N, ...)` for single objects and `(N, num_objs, ...)` for several.\n"
    )
    rows = []
    for name in RECORD_DTYPE.names or ():
        field = RECORD_DTYPE[name]
        shape = f"({', '.join(map(str, field.shape))})" if field.shape else ""
        kind = "text" if field.base.kind == "U" else str(field.base)
        rows.append((code(name), kind, shape, comments.get(name, "")))
    yield from write_table(("field", "type", "shape of a row", "meaning"), rows)


# --- errors and modules -----------------------------------------------------------------------

TITLES = {
    "system": "Folders, files and storage",
    "settings": "Settings",
    "images": "Image files",
    "assets": "Models, textures and environments",
    "sampling": "Designs, distributions and shards",
    "labels": "Labels",
    "dataset": "Data sets on disk",
    "blender": "Rendering",
    "fanout": "Distributed rendering",
    "archive": "Packing into HDF5",
    "loading": "Loading",
    "report": "Reports",
    "export": "Export",
    "api": "Python",
    "audit": "Audit",
    "cli": "Commands",
}
"""What the lines of each room are about."""

ROOMS_OF_REASONS = ("system", "settings", "images", "assets", "sampling", "dataset", "export")
"""Rooms whose reasons stand in lines; those of others are a programmer's mistakes, or verdicts."""

HOW_TO_READ = """\
After this page you know what any error line means, and what to do about it.

A mistake ends a command with exit status 2 and one line, `error: value: rule; what to do`. In this
list `<name>` stands for a value, and `<hint>` for a valid name like yours, or for all that are
valid. Search the page for a few words of your line. The list is made
from the code, so no line is missing.

Lines that begin with `usage:` say that a command does not know an argument, or lacks one; `--help`
of the command lists them all.
"""

REJECTED_ASSETS = """\
## Why a model or an image is rejected

The run goes on with the next candidate, so nothing has to be done. `dataset.json` lists the
rejected files with these reasons. To use such a file, save it again with the program that made it,
or download it again.
"""

TROUBLES = """\
## Trouble from outside

The exit status is 1. The command did nothing wrong: a disk was full, the system killed a process,
or storage did not answer. When the cause is gone, type the same command again. It goes on from
there.
"""


def write_errors() -> Iterator[str]:
    """Every line that a user can meet, with what to do."""
    by_room = {room: find_room_lines(room) for room in ROOMS}
    yield "# Error lines\n"
    yield HOW_TO_READ
    for room, title in TITLES.items():
        mistakes = [line for line in by_room[room] if line.kind == MISTAKE]
        reasons = [line for line in by_room[room] if line.kind == REASON]
        yield f"## {title}\n"
        for line in mistakes:
            advice = find_advice(line)
            yield f"- {show(line)}" + (f"<br>{advice}" if advice else "")
        if reasons and room in ROOMS_OF_REASONS:
            yield "\nReasons and rules that can stand in such lines:\n"
            yield from (f"- {show(line)}" for line in reasons)
        yield ""
    for kind, text in ((REJECTED, REJECTED_ASSETS), (TROUBLE, TROUBLES)):
        yield text
        lines = {line for room in ROOMS for line in by_room[room] if line.kind == kind}
        yield from (f"- {show(line)}" for line in sorted(lines))
        yield ""


@functools.cache
def find_room_lines(room: str) -> list[Line]:
    """All lines of a room."""
    paths = (PACKAGE_DIR / room).rglob("*.py")
    return sorted({line for path in paths for line in find_lines(path)})


def show(line: Line) -> str:
    """A line as code; it may hold quotation marks of its own."""
    return f"`` {line.text} ``"


def write_modules() -> Iterator[str]:
    """Each room with its modules, as their docstrings begin."""
    yield "# Rooms and modules\n"
    yield (
        "After this page you know which file holds what. A module imports from its own room and "
        "from the rooms above it in this list; [how it is built](../architecture.md) draws them.\n"
    )
    for room in ROOMS:
        yield f"## {room}\n"
        doc = ast.get_docstring(ast.parse((PACKAGE_DIR / room / "__init__.py").read_text())) or ""
        yield doc.split("\n\n")[0].replace("\n", " ") + "\n"
        rows = []
        for path in sorted((PACKAGE_DIR / room).rglob("*.py")):
            if path.name != "__init__.py":
                doc = ast.get_docstring(ast.parse(path.read_text())) or ""
                name = path.relative_to(PACKAGE_DIR / room).with_suffix("").as_posix()
                rows.append((code(name), doc.split("\n\n")[0].replace("\n", " ")))
        yield from write_table(("module", "what it does"), rows)
