"""Compiles the kernels of this machine's GPUs, which otherwise happens before the first sample.

Run it once on each node, for example at the start of a job. The kernels are kept: by the driver in
the user's cache, and by Blender in .blender of the data folder. Exit status 1: Blender sees no GPU.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

from synrender.cli.arguments import create_parser
from synrender.cli.script import BLENDER_PACKAGES, Command, run_script

if TYPE_CHECKING:
    import argparse

    from synrender.system.folders import Folders


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the command line; there are no arguments but ``--help``."""
    return create_parser("synrender-warmup", __doc__, "").parse_args(argv)


def run(arguments: argparse.Namespace, folders: Folders) -> int:
    """Starts Blender on the GPUs; returns the exit status: 1 if it sees none."""
    from synrender.blender.start import prepare_blender
    from synrender.settings.groups import Rendering
    from synrender.system.console import captured_output, say

    start = time.monotonic()
    prepare_blender(folders.blender)
    from synrender.blender.engine import start_engine

    with captured_output():
        engine = start_engine(Rendering(use_gpu=True))
    if engine.device == "CPU":
        say("Blender sees no GPU here: there is nothing to compile")
        return 1
    say(f"{engine.device}: ready after {time.monotonic() - start:.0f} s")
    return 0


COMMAND = Command(parse_arguments, run, BLENDER_PACKAGES)
main = functools.partial(run_script, COMMAND)  # `synrender-warmup`


if __name__ == "__main__":
    main()
