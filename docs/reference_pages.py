"""Writes the pages of docs/reference/ that follow from the code, so that they are always true."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from synrender.dataset.record import RECORD_DTYPE
from synrender.export import FORMATS
from synrender.settings.distributions import find_kinds
from synrender.settings.factor_table import BACKDROPS, FACTORS, JOINT, MAX_IDX, Factor, Kind
from synrender.settings.groups import find_types
from synrender.settings.label_table import LABELS

PROJECT_DIR = Path(__file__).resolve().parents[1]
PACKAGE_DIR = PROJECT_DIR / "synrender"

COMMANDS = {
    "render": "Renders samples into a data set, in this process.",
    "distributed_render": "Renders data sets on all CPUs of a machine, or on a cluster.",
    "preprocess_data": "Packs a data set into HDF5 files for training code.",
    "audit_dataset": "Proves the labels of a data set with a second renderer.",
    "export_dataset": "Writes a data set in the format of other tools.",
    "report_dataset": "Writes a page to look at a data set.",
}

ROOMS = (
    *("system", "settings", "images", "assets", "sampling", "labels", "dataset", "captions"),
    *("blender", "crashes", "fanout", "archive", "loading", "report", "export", "api", "audit"),
    "cli",
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
    """Every gin setting, with its default in the two configurations."""
    single, multi = (
        read_gin(PROJECT_DIR / "config" / f"render_{n}.gin") for n in ("single", "multi")
    )
    yield "# Settings\n"
    yield (
        'Each can stand in a file of `config/`, or on the command line: `-p "batch.seed = 3"`. '
        "The columns show the values of `render_single` and, where it differs, of `render_multi`.\n"
    )
    for group in sorted(find_types()):
        yield f"## {group}\n"
        rows = []
        for name, (value, meaning) in single.items():
            if name.startswith(f"{group}."):
                other = multi.get(name, (value, ""))[0]
                rows.append(
                    (code(name), code(value), code(other if other != value else ""), meaning)
                )
        yield from write_table(("setting", "single", "multi", "meaning"), rows)


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
    yield "What `--help` of each command prints.\n"
    environment = {"COLUMNS": "100", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    for name, meaning in COMMANDS.items():
        yield f"## {name}.py\n\n{meaning}\n"
        script = PROJECT_DIR / f"{name}.py"
        yield from _write_help([sys.executable, str(script)], environment)
    for module, meaning in (
        ("synrender.assets", "Says what a folder of models or textures is."),
        ("synrender.dataset", "Joins parts of a data set."),
        ("synrender.warmup", "Compiles the kernels of GPUs."),
    ):
        yield f"## python -m {module}\n\n{meaning}\n"
        yield from _write_help([sys.executable, "-m", module], environment)


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
    yield f"{'; '.join(joint)}.\n"
    yield (
        "The last column names the labels of where things are that a factor can change. All "
        "factors of appearance leave these equal to the bit. `albedo` follows textures and colors, "
        "`roughness` and `metallic` the factors of their names, and `shading` all of these and the "
        "lights. "
        "[Distributions](../howto/distributions.md) says what the forms mean.\n"
    )
    rows = (
        (
            code(factor.name), factor.kind.value, factor.unit, describe_values(factor),
            factor.scope.value, factor.distribution, ", ".join(find_kinds(factor.name)),
            ", ".join(factor.labels) or "none",
        )
        for factor in FACTORS.values()
    )  # fmt: skip
    names = (
        "factor", "kind", "unit", "values", "belongs to", "without a setting", "can be drawn by",
        "labels that it can change",
    )  # fmt: skip
    yield from write_table(names, rows)


def join(words: Iterable[str]) -> str:
    """ "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def describe_values(factor: Factor) -> str:
    """Bounds of what may be given; names where they are names."""
    if factor.name == "backdrop":
        return ", ".join(map(code, BACKDROPS))
    if factor.kind is Kind.CIRCULAR:
        return "any angle"
    if factor.high >= MAX_IDX:
        return "ids" if factor.name == "class" else "names"
    return f"{factor.low:g} to {factor.high:g}" + (", each" if factor.parts else "")


def write_labels() -> Iterator[str]:
    """The table of labels."""
    yield "# Labels\n"
    yield (
        "EXR data sets always have instance, class and depth. `rendering.labels` adds these; "
        "`open_dataset` gives each by the names of its fields.\n"
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
        "`img/00000.npy` is a structured array with a row for each object of a sample; HDF5 files "
        "hold the same fields as `(N, ...)`, or `(N, num_objs, ...)` of several objects.\n"
    )
    rows = []
    for name in RECORD_DTYPE.names or ():
        field = RECORD_DTYPE[name]
        shape = f"({', '.join(map(str, field.shape))})" if field.shape else ""
        kind = "text" if field.base.kind == "U" else str(field.base)
        rows.append((code(name), kind, shape, comments.get(name, "")))
    yield from write_table(("field", "type", "shape of a row", "meaning"), rows)
    yield f"Export formats: {', '.join(map(code, FORMATS))}.\n"


# --- errors and modules -----------------------------------------------------------------------


def write_errors() -> Iterator[str]:
    """Every line of a user's mistake, by room, as the code has it."""
    yield "# Error lines\n"
    yield (
        "Each line says the value, the rule and what to do; the exit status is 2. `...` stands for "
        "a value. The list is made from the code, so that none is forgotten.\n"
    )
    for room in ROOMS:
        lines = sorted(
            {line for path in (PACKAGE_DIR / room).rglob("*.py") for line in find_errors(path)}
        )
        if lines:
            yield f"## {room}\n"
            yield from (f"- {line}" for line in lines)
            yield ""


def find_errors(path: Path) -> Iterator[str]:
    """Messages of UserError and RejectedAsset that a module raises, as code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        name = ast.unparse(node.exc.func)
        if name in ("UserError", "RejectedAsset", "CutShort"):
            text = " ".join("".join(_to_texts(node.exc.args[0])).split())
            if text.strip(". "):
                yield f"`` {text} ``"


def _to_texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _to_texts(part)
    else:
        yield "..."


def write_modules() -> Iterator[str]:
    """Each room with its modules, as their docstrings begin."""
    yield "# Rooms and modules\n"
    yield "A module imports from its own room and from the rooms above it in this list.\n"
    for room in ROOMS:
        package = importlib.util.find_spec(f"synrender.{room}")
        yield f"## {room}\n"
        paths = sorted((PACKAGE_DIR / room).rglob("*.py")) if package else []
        rows = []
        for path in paths:
            if path.name != "__init__.py":
                doc = ast.get_docstring(ast.parse(path.read_text())) or ""
                name = path.relative_to(PACKAGE_DIR / room).with_suffix("").as_posix()
                rows.append((code(name), doc.split("\n\n")[0].replace("\n", " ")))
        yield from write_table(("module", "what it does"), rows)
