"""The documentation: its commands run, its links lead somewhere, and its tables are of the code."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synrender.settings.load import load_settings
from tests.helpers import PROJECT_DIR

DOCS = PROJECT_DIR / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
BLOCK = re.compile(r"^```(?:console|pycon)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def find_blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if find_blocks(p)], ids=lambda p: p.stem)
def test_what_a_page_types_works(
    page: Path, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block after block, in a folder of its own beside the scripts."""
    for path in PROJECT_DIR.iterdir():
        if path.suffix == ".py" or path.name in ("config", "examples", "synrender"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "demo_assets").symlink_to(data_dir / "demo_assets")
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(tmp_path / "datasets"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in find_blocks(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                result = subprocess.run(line[2:], shell=True, capture_output=True, text=True)
                assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
        for example in doctest.DocTestParser().get_examples(block):
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                exec(compile(example.source, page.name, "single"), names)
            if example.want:
                check = doctest.OutputChecker().check_output
                assert check(example.want, shown.getvalue(), doctest.ELLIPSIS), shown.getvalue()


def test_gin_of_a_page_is_read() -> None:
    for page in PAGES:
        for block in re.findall(r"^```gin\n(.*?)^```", page.read_text(), re.M | re.S):
            load_settings(["render_single"], [block])


def test_links_lead_to_pages_and_pictures() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                made = DOCS / "reference" / Path(target).name  # by the build
                is_made = made.name in (PROJECT_DIR / ".gitignore").read_text()
                assert is_made or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_in_a_table_of_contents() -> None:
    text = "".join(page.read_text() for page in PAGES)
    listed = {
        line for tree in re.findall(r"```{toctree}(.*?)```", text, re.S) for line in tree.split()
    }
    for page in PAGES:
        name = page.relative_to(DOCS).with_suffix("").as_posix()
        assert name == "index" or {name, page.stem, f"{page.parent.name}/{page.stem}"} & listed, (
            name
        )


def test_a_page_begins_with_what_the_reader_will_be_able_to_do() -> None:
    for folder in ("tutorials", "howto", "concepts"):
        for page in (DOCS / folder).glob("*.md"):
            if page.stem != "index":
                assert "\n\nAfter this page you " in page.read_text(), page
