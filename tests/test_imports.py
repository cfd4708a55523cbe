"""Imports point one way, and importing does nothing."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = (
    "errors",
    "system",
    "settings",
    "images",
    "assets",
    "sampling",
    "labels",
    "dataset",
    "captions",
    "blender",
    "crashes",
    "archive",
    "fanout",
    "loading",
    "report",
    "export",
    "audit",
    "cli",
    "api",
)
"""Rooms of the package: a module imports from its own room, and from those that stand before it."""

NEVER = {
    "audit": {
        *("blender", "sampling", "labels", "archive", "fanout", "crashes", "report", "export"),
        "captions",
    },
    "archive": {"blender", "crashes"},
    "loading": {"blender", "crashes", "fanout"},
    "report": {"blender", "crashes", "fanout"},
    "export": {"blender", "crashes", "fanout"},
}
"""Rooms that a room must not import, not even through others, although they stand before it.

The audit reaches a data set through the loader under test alone, see `BLACK_BOXES`.
"""

HOST_ONLY = (
    *("api/", "archive/", "audit/", "export/", "loading/", "report/"),
    "dataset/shard",
    *(
        f"fanout/{name}"
        for name in ("cluster", "display", "dry_run", "ray_session", "run", "scheduler")
    ),
)
"""What needs more than numpy and gin-config."""

SCRIPT = """
import importlib, json, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Block())
import numpy, gin
opened, faults = [], {{}}
def listen(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        if not arguments[0].endswith((".py", ".pyc")) and ".pyc." not in arguments[0]:
            opened.append(arguments[0])
sys.addaudithook(listen)
for module in {modules!r}:
    opened.clear()
    try:
        importlib.import_module(module)
    except Exception as error:
        faults[module] = repr(error)
    if opened:
        faults[module] = f"reads {{opened}}"
print(json.dumps(faults))
"""


def test_shared_modules_need_numpy_and_gin_alone_and_read_nothing() -> None:
    modules = [
        module_name(path)
        for path in sorted(Path("synrender").rglob("*.py"))
        if not path.relative_to("synrender").as_posix().startswith((*HOST_ONLY, "blender/"))
    ]
    modules += ["synrender.blender.start", "render", "paths"]
    blocked = ["bpy", "h5py", "ray", "OpenEXR", "imageio", "PIL", "skimage", "tqdm"]
    script = SCRIPT.format(blocked=blocked, modules=modules)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {}


# What the audit opens as any user would, to check what comes out of it; one module alone does so.
BLACK_BOXES = {"synrender/audit/labels/run.py": ["synrender.loading.dataset"]}


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@functools.cache
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


@functools.cache
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


def find_room(module: str) -> str | None:
    """Room of a module; None for the package itself, which imports nothing at the top."""
    name = module.removeprefix("synrender").removeprefix(".").partition(".")[0]
    return name if name in ROOMS or name == "errors" else None


def test_no_import_runs_back_up() -> None:
    for path in Path("synrender").rglob("*.py"):
        room = find_room(module_name(path))
        for name in find_imports(path):
            other = find_room(name)
            if room and other:
                assert ROOMS.index(other) <= ROOMS.index(room), f"{path} imports {name}"


@pytest.mark.parametrize("room", NEVER)
def test_rooms_are_independent_also_through_other_modules(room: str) -> None:
    for path in sorted(Path("synrender", room).rglob("*.py")):
        for name, chain in walk_imports(path).items():
            assert find_room(name) not in NEVER[room], chain


def test_black_boxes_are_opened_in_one_place() -> None:
    for path in Path("synrender/audit").rglob("*.py"):
        opened = {name for name in find_imports(path) if name.startswith("synrender.loading")}
        assert not opened or path.as_posix() in BLACK_BOXES, path
    for path, boxes in BLACK_BOXES.items():
        assert set(boxes) <= find_imports(Path(path))


def test_the_walk_follows_late_and_relative_imports() -> None:
    assert "synrender.assets.demo.writer" in walk_imports(Path("synrender/assets/catalog.py"))
    assert "synrender.blender.replay" in walk_imports(Path("render.py"))


def test_nothing_in_the_package_imports_what_lies_beside_it() -> None:
    """A user's own ``util.py`` or ``paths.py`` is another one."""
    scripts = {path.stem for path in Path().glob("*.py")}
    assert {"paths", "render", "util"} <= scripts
    for path in Path("synrender").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert not scripts & {name.split(".")[0] for name in names}, path


def test_a_users_own_modules_are_not_in_the_way(tmp_path: Path) -> None:
    for path in Path().glob("*.py"):
        (tmp_path / path.name).write_text("raise ImportError('the wrong module')")
    script = "import sys; sys.path.append(sys.argv[1]); import synrender; synrender.open_dataset"
    command = [sys.executable, "-c", script, str(Path.cwd())]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_documentation_names_every_room() -> None:
    text = Path("docs/architecture.md").read_text()
    for path in Path("synrender").iterdir():
        if (path / "__init__.py").exists():
            assert f"\n  {path.name}/ " in text, path


def test_the_audit_reads_models_by_code_of_its_own() -> None:
    for path in sorted(Path("synrender/audit").rglob("*.py")):
        chains = walk_imports(path)
        assert "synrender.assets.mesh" not in chains, path  # what all readers of meshes return
