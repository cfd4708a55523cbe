"""Arguments of all commands: the parser, shared options, and types that check values."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from synrender.errors import EXIT_USER, shorten
from synrender.settings.checks import MAX_CPUS, MAX_SAMPLES

MAX_MESSAGE = 400
"""Letters of an error; argparse repeats arguments of any length."""

_NO_VALUE = re.compile(r"(-\w=?|--\w+=)--")
"""What argparse takes for an option with the value [] until Python 3.12."""


_ROW = re.compile(r"( *\S+ {2,})(\S.*)")
"""A word and what is said of it, in two columns."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses arguments that are not text before anything else sees them."""
        for argument in args or ():
            if _NO_VALUE.fullmatch(argument):
                self.error(f"{argument}: '--' is not a value")
            try:
                argument.encode()
            except UnicodeEncodeError:
                self.error(f"{argument}: is not UTF-8")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        line = shorten(message, MAX_MESSAGE)
        self.exit(EXIT_USER, f"error: {line}; --help explains the arguments\n")


def create_parser(prog: str, description: str | None, epilog: str) -> argparse.ArgumentParser:
    """A parser whose help keeps the lines of examples and tables in description and epilog.

    It is for a script; an installed command goes by its own name.
    """
    return _Parser(
        prog=_find_name(prog),
        description=fit_terminal(description or ""),
        epilog=fit_terminal(epilog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def fit_terminal(text: str) -> str:
    """A text that is as wide as argparse's own.

    Paragraphs are filled, and so is what stands beside a word in a table. All other lines, such as
    examples, stay as they are.
    """
    blocks = [("", "")]  # what begins the first line, and is as wide as what the others begin with
    for line in text.strip().splitlines():
        head, body = blocks[-1]
        if row := _ROW.fullmatch(line):
            blocks.append((row[1], row[2]))
        elif head and line.startswith(" " * len(head)):
            blocks[-1] = head, f"{body} {line.strip()}"
        elif not head and _is_prose(body) and _is_prose(line) and not body.endswith(":"):
            blocks[-1] = "", f"{body} {line}"
        else:
            blocks.append(("", line))
    width = max(40, shutil.get_terminal_size().columns - 2)
    filler = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    lines = []
    for head, body in blocks[1:]:
        filler.initial_indent, filler.subsequent_indent = head, " " * len(head)
        lines.append(filler.fill(body) if head or _is_prose(body) else body)
    return "\n".join(lines)


def _is_prose(line: str) -> bool:
    return not line.startswith(" ") and "   " not in line and line != ""


def _find_name(script: str) -> str:
    command = Path(sys.argv[0]).name
    return command if command.startswith("synrender-") else script


def add_gin_arguments(add: Callable[..., object], gin_config: str, gin_param: str) -> None:
    """Adds ``-g`` and ``-p``, with their help, to a parser or a group by its ``add_argument``.

    Both may be given several times.
    """
    for flag, name, metavar, text in (
        ("-g", "--gin_config", "NAME", gin_config),
        ("-p", "--gin_param", "BINDING", gin_param),
    ):
        add(flag, name, nargs="+", action="extend", default=[], metavar=metavar, help=text)


def add_shard_argument(add: Callable[..., object], what: str) -> None:
    """Adds ``--shard``, a part of the work, to a parser by its ``add_argument``."""
    text = f"render only shard I of N (counted from 0) of {what}; other runs may render the others"
    add("--shard", default="", metavar="I/N", help=text)


def add_dataset_argument(add: Callable[..., object]) -> None:
    """Adds ``-d``, the data set that a command reads, to a parser by its ``add_argument``."""
    text = "name of the data set, a folder below the data folder (default: tmp)"
    add("-d", "--dataset", default="tmp", metavar="NAME", help=text)


def add_jobs_argument(add: Callable[..., object]) -> None:
    """Adds ``-j``, the number of processes, to a parser by its ``add_argument``; 0: not given."""
    text = "number of processes (default: 0, one for each CPU)"
    add("-j", "--jobs", type=whole_number(0, MAX_CPUS), default=0, metavar="N", help=text)


def whole_number(low: int, high: int = MAX_SAMPLES) -> Callable[[str], int]:
    """Argument type: a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shorten(text)!r}: must be a whole number") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{shorten(text)}: must be at least {low}")
        if value > high:
            raise argparse.ArgumentTypeError(f"{shorten(text)}: must be at most {high}")
        return value

    return parse


def positive_or_zero(high: float, low: float = 0) -> Callable[[str], float]:
    """Argument type: 0, or a number from ``low`` to ``high``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shorten(text)!r}: must be a number") from None
        if value != 0 and not low <= value <= high:  # not a number is neither
            raise argparse.ArgumentTypeError(
                f"{shorten(text)}: must be 0, or a number from {low:g} to {high:,.10g}"
            )
        return value

    return parse
