"""What `pip install` brings: each command, and every file of the package."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib
import yaml

from synrender.cli.distribute import parse_arguments
from tests.helpers import PROJECT_DIR

PROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())


def test_every_command_has_a_script_and_is_installed() -> None:
    modules = {p.stem for p in (PROJECT_DIR / "synrender" / "cli").glob("*.py")}
    modules -= {"__init__", "arguments", "script"}
    installed = PROJECT["project"]["scripts"]
    assert installed == {f"synrender-{name}": f"synrender.cli.{name}:main" for name in modules}
    package = PROJECT_DIR / "synrender"
    runnable = (*PROJECT_DIR.glob("*.py"), *package.glob("*.py"), *package.rglob("__main__.py"))
    scripts = [p.read_text() for p in runnable]
    for name in modules:
        starts = f"from synrender.cli.{name} import COMMAND", f'run_module("synrender.cli.{name}"'
        assert sum(any(start in text for start in starts) for text in scripts) == 1


def test_the_wheel_has_every_file_of_the_package() -> None:
    """Templates and stubs, too; and nothing beside the package."""
    result = subprocess.run(
        ["git", "ls-files", "synrender", "config"], cwd=PROJECT_DIR, capture_output=True, text=True
    )
    if result.returncode:
        pytest.skip("not a clone")
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    patterns = wheel["include"]
    assert all(pattern.startswith(("/synrender/", "/config/")) for pattern in patterns)
    assert wheel["sources"] == {"config": "synrender/config"}
    for name in result.stdout.split():
        known = [p for p in patterns if fnmatch.fnmatch(f"/{name}", p.replace("/**/", "/*"))]
        assert known, name


def test_the_package_imports_only_what_its_extras_bring() -> None:
    """Not what only the tests have."""
    extras = PROJECT["project"]["optional-dependencies"]
    ours = [name for name in extras if name not in ("bench", "examples", "dev")]
    wanted = [*PROJECT["project"]["dependencies"], *(r for name in ours for r in extras[name])]
    brought = {re.match(r"[\w-]+", requirement)[0] for requirement in wanted}
    brought |= {"pandas", "huggingface_hub"}  # what needs them says how to install them
    modules = {"gin": "gin-config", "PIL": "pillow", "kornia_rs": "kornia-rs", "yaml": "pyyaml"}
    modules |= {"skimage": "scikit-image", "_cycles": "bpy", "fsspec": "s3fs", "cycles": "bpy"}
    for path in (PROJECT_DIR / "synrender").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names}:
                if name not in sys.stdlib_module_names and name != "synrender":
                    assert modules.get(name, name) in brought, f"{path}: {name}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "uv", "build", "--no-build-isolation", "--out-dir", folder, PROJECT_DIR)
    return folder


def run(*arguments: object, python: str | Path = sys.executable, cwd: Path = PROJECT_DIR) -> str:
    command = [str(python), *map(str, arguments)]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_index_would_take_what_is_built(built: Path) -> None:
    files = [*built.glob("*.whl"), *built.glob("*.tar.gz")]
    assert len(files) == 2
    run("-m", "twine", "check", "--strict", *files)


@pytest.mark.slow
def test_an_empty_environment_reads_data_sets_without_blender_and_ray(
    built: Path, rendered_single: Path, tmp_path: Path
) -> None:
    run("-m", "uv", "venv", "--python", sys.executable, tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    run("-m", "uv", "pip", "install", "--python", python, wheel)
    script = f"""
import importlib.util, synrender
data = synrender.open_dataset({str(rendered_single)!r})
missing = [m for m in ("bpy", "ray", "skimage") if importlib.util.find_spec(m) is None]
print(len(data), data[0]["image"].shape, missing, synrender.load_settings("render_multi").sample)
"""
    printed = run("-c", script, python=python, cwd=tmp_path)
    assert printed.startswith("25 (32, 32, 3) ['bpy', 'ray', 'skimage'] Sample(num_objs=4")


def test_the_rayjob_has_the_ray_of_the_image_and_arguments_that_there_are() -> None:
    job = yaml.safe_load((PROJECT_DIR / "examples/kubernetes/rayjob.yaml").read_text())["spec"]
    cluster = job["rayClusterSpec"]
    lock = (PROJECT_DIR / "tools/container.lock").read_text()
    assert f"\nray=={cluster['rayVersion']}" in lock
    program, script, *arguments = job["entrypoint"].split()
    assert (program, script) == ("python", "/opt/synrender/distributed_render.py")
    assert parse_arguments(arguments).address == "auto"
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in group["template"]["spec"]["volumes"]}
