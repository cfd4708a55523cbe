"""Imports point one way, and importing does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOST_ONLY = [  # and so is all below them
    *("archive", "audit", "contact_sheet"),
    *(f"fanout/{name}" for name in ("cluster", "display", "plan", "run", "scheduler")),
]
SHARED = sorted(
    ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for path in Path("synrender").rglob("*.py")
    if not path.relative_to("synrender").as_posix().startswith((*HOST_ONLY, "blender/"))
)

SCRIPT = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Block())
import numpy, gin
events = []
def listen(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        if not arguments[0].endswith((".py", ".pyc")) and ".pyc." not in arguments[0]:
            events.append(arguments[0])
sys.addaudithook(listen)
import {module}
print(events)
"""


@pytest.mark.parametrize("module", [*SHARED, "render", "paths"])
def test_shared_modules_need_numpy_and_gin_alone_and_read_nothing(module: str) -> None:
    blocked = ["bpy", "h5py", "ray", "OpenEXR", "imageio", "PIL", "skimage", "tqdm"]
    script = SCRIPT.format(blocked=blocked, module=module)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[]\n"


def test_nothing_imports_an_entry_script() -> None:
    for path in Path("synrender").rglob("*.py"):
        for entry in ("render", "distributed_render", "preprocess_data", "audit_dataset"):
            text = path.read_text()
            assert f"import {entry}\n" not in text
            assert f"from {entry} import" not in text
