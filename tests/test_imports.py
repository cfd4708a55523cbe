"""Imports point one way, and importing does nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOST_ONLY = [  # including all modules below them
    *(
        "archive",
        "audit",
        "export",
        "images/decode",
        "images/exr",
        "images/label_codes",
        "loading",
        "report",
    ),
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


# For each part of the program: modules that it must not import, directly or indirectly.
FORBIDDEN = {
    "synrender/audit/*.py": [
        *("camera", "sampling", "blender", "archive", "fanout", "dataset.claim"),
        *("designs", "levels", "dataset.design", "labels"),
    ],
    "synrender/dataset/[!cd]*.py": ["camera", "sampling", "catalog", "archive", "fanout"],
    "synrender/images/*.py": ["dataset", "archive", "camera", "sampling", "catalog"],
    "synrender/sampling/sample_plan.py": ["blender", "archive", "fanout", "dataset.claim"],
    "synrender/archive/*.py": ["blender", "fanout", "audit", "export"],
    "synrender/loading/*.py": ["blender", "fanout", "audit", "report", "sampling", "export"],
    "synrender/labels/*.py": [
        *("camera", "sampling", "blender", "archive", "fanout", "loading", "report", "audit"),
    ],
    "synrender/export/*.py": ["blender", "fanout", "audit"],
    "synrender/report/*.py": ["blender", "fanout", "audit", "sampling", "export"],
}


# What the audit opens as any user would, to check what comes out of it; one module alone does so.
BLACK_BOXES = {"synrender/audit/labels/reader_under_test.py": ["synrender.loading.dataset"]}


def find_imports(path: Path) -> set[str]:
    """Modules of this program that a file imports, including imports inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.parent.parts[: len(path.parent.parts) - node.level + 1]
                base = ".".join([*package, *filter(None, [node.module])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.split(".")[0] == "synrender"}


def module_to_path(name: str) -> Path | None:
    path = Path(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((c for c in candidates if c.is_file()), None)


def walk_imports(start: Path) -> dict[str, str]:
    """All modules that a file imports directly or indirectly, each with its chain of imports.

    Not what a module of `BLACK_BOXES` opens.
    """
    chains: dict[str, str] = {}
    waiting = [(start, str(start))]
    while waiting:
        path, chain = waiting.pop()
        boxes = BLACK_BOXES.get(path.as_posix(), [])
        for name in find_imports(path):
            if any(f"{name}.".startswith(f"{box}.") for box in boxes):
                continue
            target = module_to_path(name)
            if target is not None and name not in chains:
                chains[name] = f"{chain} -> {name}"
                waiting.append((target, chains[name]))
    return chains


@pytest.mark.parametrize("part", FORBIDDEN)
def test_rooms_are_independent_also_through_other_modules(part: str) -> None:
    files = sorted(Path().glob(part))
    assert files
    for path in files:
        for name, chain in walk_imports(path).items():
            for forbidden in FORBIDDEN[part]:
                prefix = f"synrender.{forbidden}"
                assert not f"{name}.".startswith(f"{prefix}."), chain


def test_black_boxes_are_opened_in_one_place() -> None:
    for path in Path("synrender/audit").glob("*.py"):
        opened = {name for name in find_imports(path) if name.startswith("synrender.loading")}
        assert not opened or path.as_posix() in BLACK_BOXES, path
    for path, boxes in BLACK_BOXES.items():
        assert set(boxes) <= find_imports(Path(path))


def test_the_walk_follows_late_and_relative_imports() -> None:
    assert "synrender.assets.demo.mesh" in walk_imports(Path("synrender/assets/catalog.py"))
    assert "synrender.blender.replay" in walk_imports(Path("render.py"))


def test_nothing_imports_an_entry_script() -> None:
    for path in Path("synrender").rglob("*.py"):
        for entry in (
            "render",
            "distributed_render",
            "preprocess_data",
            "audit_dataset",
            "export_dataset",
            "report_dataset",
        ):
            text = path.read_text()
            assert f"import {entry}\n" not in text
            assert f"from {entry} import" not in text


def test_the_readme_names_every_module_and_every_factor() -> None:
    from synrender.settings.factor_table import FACTORS

    text = Path("README.md").read_text()
    for path in Path("synrender").rglob("*.py"):
        parts = path.relative_to("synrender").parts
        if path.name != "__init__.py" and parts[:2] != ("demo", "designs"):
            assert re.search(rf"\b{path.stem}\b", text), path
    for factor in FACTORS.values():
        assert f"| `{factor.name}` | {factor.kind.value} |" in text
        assert factor.distribution in text
