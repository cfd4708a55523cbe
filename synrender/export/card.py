"""The data set card: ``README.md`` with the head that the Hugging Face Hub reads."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import to_line
from synrender.export.columns import INTEGER, LABEL, NUMBER, TEXT, Column
from synrender.export.facts import CITATION, Facts, find_limits
from synrender.export.format import to_json
from synrender.export.licenses import DEMO

_TEMPLATE = "card.md.jinja"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGE = "1M<n<10M"
_YAML_TYPES = {INTEGER: "int64", NUMBER: "float64", TEXT: "string"}


def render_card(facts: Facts) -> str:
    """Text of ``README.md``."""
    import jinja2
    import yaml

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # it is Markdown, which `escape` knows
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "json": to_json, "markdown": Markdown}
    environment.globals["link"] = link
    needed = [source.name for source in facts.credits if source.kind != DEMO]
    return environment.get_template(_TEMPLATE).render(
        f=facts,
        head=yaml.safe_dump(create_head(facts), sort_keys=False, allow_unicode=True),
        columns=_describe_columns(facts),
        splits=SPLITS,
        config=CONFIG_FILE,
        sources_needed=" and ".join(needed),
        limits=find_limits(facts.credits),
        citation=CITATION,
    )


def create_head(facts: Facts) -> dict[str, object]:
    """The head of the card, in the format that the Hub documents."""
    license = facts.license
    head: dict[str, object] = {"pretty_name": facts.name, "license": license.id}
    if license.id == "other":
        head |= {"license_name": license.name, "license_link": license.url}
    size = next((name for limit, name in _SIZES if facts.plan.num_rows < limit), _LARGE)
    head |= {
        "size_categories": [size],
        "task_categories": _find_tasks(facts),
        "tags": ["synthetic", "rendered", "blender", "croissant"],
    }
    if facts.form.data_files:
        data_files = _find_data_files(facts)
        head["configs"] = [{"config_name": "default", "data_files": data_files}]
    if facts.form.has_features:
        head["dataset_info"] = {
            "features": [_to_yaml(column, facts) for column in facts.plan.schema.columns],
            "splits": [
                {"name": name, "num_bytes": _find_bytes(facts, name), "num_examples": number}
                for name, number in facts.splits.items()
            ],
        }
    return head


def _describe_columns(facts: Facts) -> list[dict[str, str]]:
    """Rows of the card's table; columns of the same type and meaning share one."""
    rows = []
    for (meaning, kind, depth), group in itertools.groupby(
        facts.plan.schema.columns, lambda column: (column.meaning, column.type, column.depth)
    ):
        names = Markdown(", ".join(code(column.name) for column in group))
        kind = "list of " * depth + kind
        rows.append({"names": names, "type": kind, "meaning": Markdown(meaning)})
    return rows


def _find_tasks(facts: Facts) -> list[str]:
    dense = ["image-segmentation", "object-detection", "depth-estimation"]
    tasks = ["image-classification"] if facts.plan.schema.is_single else []
    return tasks + (dense if facts.plan.schema.has_labels else [])


def _find_data_files(facts: Facts) -> list[dict[str, str]]:
    pattern = facts.form.data_files
    return [{"split": name, "path": pattern.format(split=name)} for name in facts.splits]


def _find_bytes(facts: Facts, split: str) -> int:
    return sum(file.bytes for file in facts.files if file.split == split)


def _to_yaml(column: Column, facts: Facts) -> dict[str, object]:
    """A column and its type, as the head writes them."""
    kind: object = _YAML_TYPES.get(column.type)
    if pixels := column.pixels:
        array = {"array3_d": {"shape": list(pixels.shape), "dtype": pixels.dtype}}
        picture = {"image": {"mode": pixels.fixed_mode}} if pixels.fixed_mode else "image"
        kind = picture if pixels.mode else array
    if column.type == LABEL:
        names = {str(k): name for k, name in enumerate(facts.plan.schema.class_names)}
        kind = {"class_label": {"names": names}}
    key = "dtype"
    for _ in range(column.depth):
        kind, key = ({key: kind} if key == "sequence" else kind), "sequence"
    return {"name": column.name, key: kind}


# --- Markdown -------------------------------------------------------------------------------------


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
"""A backslash before these is not enough: of HTML in any renderer, and of a cell in a table."""

_SPECIAL = re.compile(r"[\\`*_\[\]~$#!]|[&<>|]|:(?=//)|(?<=www)\.")
"""What begins a mark, or makes a link of a bare address."""


class Markdown(str):
    """Text that is Markdown already, such as the result of `code`."""


def escape(value: object) -> Markdown:
    """Any value as one line of text without markup; `Markdown` stays as it is."""
    if isinstance(value, Markdown):
        return value
    return Markdown(_SPECIAL.sub(_escape_character, to_line(str(value))))


def code(text: str) -> Markdown:
    """Text as code within a line, which may be in a cell of a table."""
    text = to_line(text).replace("|", "\\|")
    runs = [len(run) for run in re.findall("`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{pad}{text}{pad}{fence}")


def link(text: str, url: str) -> Markdown:
    """A link to an address that this program knows; only the text if there is no address."""
    return Markdown(f"[{escape(text)}]({url})") if url else escape(text)


def _escape_character(match: re.Match[str]) -> str:
    character = match[0]
    if character in ":.":
        return f"&#{ord(character)};"
    return _ENTITIES.get(character, f"\\{character}")
