"""What the arguments of all commands have in common: the parser, and types that check values."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from synrender.errors import EXIT_USER, shorten, to_line
from synrender.settings.bounds import MAX_SAMPLES


class _Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(EXIT_USER, f"error: {to_line(message)}; --help explains the arguments\n")


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
            raise argparse.ArgumentTypeError(f"{text}: must be at least {low}")
        if value > high:
            raise argparse.ArgumentTypeError(f"{text}: must be at most {high}")
        return value

    return parse


def positive_or_zero(high: float) -> Callable[[str], float]:
    """Argument type: a number from 0 to ``high``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shorten(text)!r}: must be a number") from None
        if not 0 <= value <= high:  # not a number is neither
            raise argparse.ArgumentTypeError(f"{text}: must be a number from 0 to {high:,.10g}")
        return value

    return parse
