"""Renders samples of a data set: images with exactly known factors, and a record for each.

python render.py ARGS                                   (with the bpy wheel)
blender --background --python render.py -- ARGS         (with any Blender from 3.4 to 5.0)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# A Blender executable does not put the script's folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

EPILOG = """\
examples:
  python render.py -d test_dataset
  python render.py -d many -g render_multi -p "batch.num_samples = 100"
  python render.py -d plain -p "material.use_texture = False" "object.random_viewpoint = 0"
  python render.py -d copy -g datasets/many/config.gin
  python render.py --replay many 13

A killed run is finished by typing the same command again. All parameters, with what they mean,
are in config/render_single.gin and config/render_multi.gin.
"""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parses the arguments that follow the script's name or, in Blender, the ``--``."""
    parser = argparse.ArgumentParser(
        prog="render.py",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-d", "--dataset_name", default="tmp", help="folder below the data folder (default: tmp)"
    )
    parser.add_argument(
        "-g",
        "--gin_config",
        nargs="+",
        default=["render_single"],
        metavar="NAME",
        help="gin files: names from config/ or paths; later ones win (default: render_single)",
    )
    parser.add_argument(
        "-p",
        "--gin_param",
        nargs="+",
        default=[],
        metavar="BINDING",
        help='bindings that win over the files, such as "lighting.r = 2"',
    )
    parser.add_argument(
        "-r", "--is_ray_process", action="store_true", help="quiet, for the fan-out"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="remove the data set of this name, begin anew"
    )
    parser.add_argument(
        "--replay",
        nargs=2,
        metavar=("DATASET", "IDX"),
        help="render one sample again from its recorded config and compare it with what is stored",
    )
    return parser.parse_args(argv)


def find_arguments() -> list[str]:
    """Our own arguments: all that follow ``--`` or, under Python alone, the script's name."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    is_python_script = Path(sys.argv[0]).name == Path(__file__).name
    return sys.argv[1:] if is_python_script else []


def run(arguments: argparse.Namespace) -> int:
    """Reads the configuration, renders what is missing, and says what was done."""
    import paths
    from synrender.batch import render_batch
    from synrender.catalog import load_catalog
    from synrender.console import Progress, captured_output, say
    from synrender.errors import UserError
    from synrender.records import name_to_dataset_dir
    from synrender.settings import load_settings

    dataset_dir = name_to_dataset_dir(paths.DATA_DIR, arguments.dataset_name)
    settings = load_settings(arguments.gin_config, arguments.gin_param)
    is_quiet = arguments.is_ray_process
    catalog, notes = load_catalog(settings)
    if not is_quiet:
        say(*notes)
    with captured_output() as capture:
        progress = Progress(capture.terminal, is_shown=not is_quiet)

        def on_sample(done: int, total: int) -> None:
            capture.clear()
            progress.show(done, total)

        try:
            report = render_batch(settings, dataset_dir, catalog, arguments.overwrite, on_sample)
        except (UserError, OSError, KeyboardInterrupt):
            raise
        except BaseException:
            capture.terminal.write(f"Blender's last words:\n{capture.tail()}\n")
            raise
    if not is_quiet:
        say(*report.to_lines(dataset_dir))
    return 0


def run_replay(name: str, idx: str) -> int:
    """Renders a stored sample again; returns 0 if it is equal and 1 if not."""
    import paths
    from synrender.console import captured_output, say
    from synrender.errors import UserError
    from synrender.records import name_to_dataset_dir
    from synrender.replay import replay_sample

    if not idx.isdecimal():
        raise UserError(f"--replay {name} {idx}: the index must be a whole number of at least 0")
    name_to_dataset_dir(paths.DATA_DIR, name)
    with captured_output():
        verdict = replay_sample(paths.DATA_DIR, name, int(idx))
    say(verdict.line)
    return 0 if verdict.is_equal else 1


def main() -> int:
    """Runs the script; returns the exit status: 2 for a user's mistake, 1 for other trouble."""
    arguments = parse_arguments(find_arguments())
    try:
        import gin  # noqa: F401
    except ImportError:
        print(f"error: gin-config is missing in this Python: {install_gin()}", file=sys.stderr)
        return 2
    from synrender.entry import run_to_status

    if arguments.replay:
        return run_to_status(lambda: run_replay(*arguments.replay))
    return run_to_status(lambda: run(arguments))


def install_gin() -> str:
    """Command that installs gin-config into the Python that runs this script."""
    import sysconfig

    # A distribution's Blender embeds the system's Python, which sys.executable need not name.
    python = Path(sys.prefix, "bin", "python{}.{}".format(*sys.version_info))
    is_managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    option = " --break-system-packages" if is_managed else ""
    return f'"{python if python.exists() else sys.executable}" -m pip install{option} gin-config'


if __name__ == "__main__":
    from synrender.entry import run_and_exit

    run_and_exit(main)
