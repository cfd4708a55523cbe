"""``python -m synrender.dataset merge PART...`` joins parts of a data set."""

import runpy

if __name__ == "__main__":
    runpy.run_module("synrender.cli.dataset", run_name="__main__")  # commands stand above this room
