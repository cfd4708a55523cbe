"""What the arguments of all commands have in common: the parser, and types that check values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from synrender.errors import EXIT_USER, shorten
from synrender.settings.checks import MAX_SAMPLES

MAX_MESSAGE = 400
"""Letters of an error; argparse repeats arguments of any length."""

_NO_VALUE = re.compile(r"(-\w=?|--\w+=)--")
"""What argparse takes for an option with the value [] until Python 3.12."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses what is no text before anything else sees it."""
        for argument in args or ():
            if _NO_VALUE.fullmatch(argument):
                self.error(f"{argument}: '--' is no value")
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
    """A parser whose help keeps the line breaks of description and epilog."""
    return _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_gin_arguments(add: Callable[..., object], gin_config: str, gin_param: str) -> None:
    """Adds ``-g`` and ``-p``, of which all count that are given.

    Args:
        add: ``add_argument`` of a parser or of a group.
        gin_config: help of ``-g``.
        gin_param: help of ``-p``.
    """
    for flag, name, metavar, text in (
        ("-g", "--gin_config", "NAME", gin_config),
        ("-p", "--gin_param", "BINDING", gin_param),
    ):
        add(flag, name, nargs="+", action="extend", default=[], metavar=metavar, help=text)


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
