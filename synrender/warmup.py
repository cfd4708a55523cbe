"""``python -m synrender.warmup`` compiles a GPU's kernels before the first sample needs them."""

import runpy

if __name__ == "__main__":
    runpy.run_module("synrender.cli.warmup", run_name="__main__")  # commands stand above this room
