"""Reads gin text as plain values: bindings, blocks and includes, and nothing that runs code.

Gin itself can import Python modules (``import``), call what is registered (``@``) and look values
up elsewhere (``%``). A ``config.gin`` may come with somebody else's data set, so only gin's parser
is used, and these three are refused.
"""

from __future__ import annotations

import contextlib
import importlib.util  # noqa: F401  (gin uses importlib.util without importing it)
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gin import config_parser

from synrender.errors import UserError, shorten
from synrender.settings.checks import GinValue
from synrender.system.files import read_small_file
from synrender.system.json_text import check_values

MAX_CONFIG_BYTES = 1 << 20
"""A complete configuration takes 3 kB."""

MAX_FILES = 100
"""Files of one configuration. Ten files that include each other twice would be a thousand."""


class Binding(NamedTuple):
    """One ``group.parameter = value``."""

    group: str
    parameter: str
    value: GinValue


def read_gin_file(path: Path) -> list[Binding]:
    """Bindings of a gin file and of the files that it includes, in order.

    Raises:
        UserError: it cannot be read, holds more than plain values, or includes itself.
    """
    return list(_Reader().read_file(path, ()))


def read_gin_text(text: str) -> list[Binding]:
    """Bindings of a text such as ``"material.use_texture = False"``.

    Raises:
        UserError: as `read_gin_file`.
    """
    return list(_Reader().read_text(text, shorten(text), ()))


class _Reader:
    """Follows includes and counts the files."""

    def __init__(self) -> None:
        self._num_files = 0

    def read_file(self, path: Path, parents: tuple[Path, ...]) -> Iterator[Binding]:
        """Bindings of a file that ``parents`` include, the outermost first."""
        self._num_files += 1
        if self._num_files > MAX_FILES:
            raise UserError(f"{path}: is included file number {MAX_FILES}; that is too many")
        try:
            resolved = path.resolve()
            if resolved in parents:
                raise UserError(f"{path}: includes itself; remove that include")
            text = read_small_file(path, MAX_CONFIG_BYTES).decode()
        except (OSError, ValueError) as error:
            reason = shorten(error, 150)
            raise UserError(f"{shorten(path, 200)}: is no gin file ({reason})") from None
        yield from self.read_text(text, str(path), (*parents, resolved))

    def read_text(self, text: str, where: str, parents: tuple[Path, ...]) -> Iterator[Binding]:
        """Bindings of a text; ``where`` names it in messages."""
        for statement in _parse(text, where):
            if isinstance(statement, config_parser.BindingStatement):
                if statement.scope or not statement.arg_name:
                    name = statement.scope or statement.selector
                    raise UserError(f"{where}: {shorten(name)}: must read 'name.parameter = value'")
                name = f"{statement.selector}.{statement.arg_name}"
                _check(statement.value, where, name)
                yield Binding(statement.selector, statement.arg_name, statement.value)
            elif isinstance(statement, config_parser.IncludeStatement):
                _check(statement.filename, where, "include")
                yield from self.read_file(_find_included(statement.filename, parents), parents)
            elif isinstance(statement, config_parser.ImportStatement):
                raise UserError(
                    f"{where}: {shorten(statement.format())}: a configuration may not import "
                    "Python modules; remove the line"
                )


def _find_included(name: str, parents: tuple[Path, ...]) -> Path:
    """The file beside the one that includes it, if there is such a file; else as it is named."""
    if parents:
        with contextlib.suppress(OSError):  # a name that is too long
            if (beside := parents[-1].parent / name).is_file():
                return beside
    return Path(name)


def _check(value: object, where: str, name: str) -> None:
    try:
        check_values(value)
    except ValueError as rule:
        raise UserError(f"{where}: {shorten(name)} = {rule}") from None


class _Refuser(config_parser.ParserDelegate):
    """Refuses references, which are not plain values."""

    def configurable_reference(self, scoped_configurable_name: str, evaluate: bool) -> None:
        raise UserError(_not_plain(f"@{scoped_configurable_name}"))

    def macro(self, macro_name: str) -> None:
        raise UserError(_not_plain(f"%{macro_name}"))


def _not_plain(reference: str) -> str:
    return f"{shorten(reference)}: references are not allowed; write the value itself"


def _parse(text: str, where: str) -> list[GinValue]:
    try:
        return list(config_parser.ConfigParser(text, _Refuser()))
    except UserError as error:
        raise UserError(f"{where}: {str(error).splitlines()[0]}") from None
    except (RecursionError, MemoryError):
        raise UserError(f"{where}: has too many nested brackets") from None
    except (SyntaxError, ValueError, TypeError, tokenize.TokenError) as error:
        first_line = str(error.args[0] if error.args else error).strip().splitlines()[0]
        number = getattr(error, "lineno", None)
        line = f", line {number}" if number and "\n" in text.strip() else ""
        raise UserError(
            f"{where}{line}: gin cannot read this ({shorten(first_line, 100)}); text needs "
            "quotation marks"
        ) from None
