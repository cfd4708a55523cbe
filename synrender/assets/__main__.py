"""``python -m synrender.assets FOLDER`` says what a folder of models is."""

import runpy

if __name__ == "__main__":
    runpy.run_module("synrender.cli.assets", run_name="__main__")  # commands stand above this room
