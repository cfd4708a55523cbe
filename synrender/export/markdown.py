"""Text in Markdown: what comes from elsewhere stays text, and marks nothing up."""

from __future__ import annotations

import re

from synrender.errors import to_line

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
"""A backslash before these is not enough: of HTML in any renderer, and of a cell in a table."""

_SPECIAL = re.compile(r"[\\`*_\[\]~$#!]|[&<>|]|:(?=//)|(?<=www)\.")
"""What begins a mark, or makes a link of a bare address."""


class Markdown(str):
    """Text that is Markdown already, such as that of `code`."""


def escape(value: object) -> Markdown:
    """Any text in one line, as it is read; what is `Markdown` stays so."""
    if isinstance(value, Markdown):
        return value
    return Markdown(_SPECIAL.sub(_escape_character, to_line(str(value))))


def code(text: str) -> Markdown:
    """Text as code within a line, also in a cell of a table."""
    text = to_line(text).replace("|", "\\|")
    runs = [len(run) for run in re.findall("`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{pad}{text}{pad}{fence}")


def link(text: str, url: str) -> Markdown:
    """A link to an address of this program's own; without one, the text."""
    return Markdown(f"[{escape(text)}]({url})") if url else escape(text)


def _escape_character(match: re.Match[str]) -> str:
    character = match[0]
    if character in ":.":
        return f"&#{ord(character)};"
    return _ENTITIES.get(character, f"\\{character}")
