"""The documentation: its commands run, its links lead somewhere, and its tables are of the code."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synrender.export import FORMATS
from synrender.settings.label_table import LABELS
from synrender.settings.load import load_settings
from tests.helpers import PROJECT_DIR
from tests.test_imports import ROOMS

sys.path.insert(0, str(PROJECT_DIR / "docs"))
from reference_pages import COMMANDS

DOCS = PROJECT_DIR / "docs"
IGNORED = (PROJECT_DIR / ".gitignore").read_text().split()
MADE = [line.removeprefix("/docs/") for line in IGNORED if line.startswith("/docs/reference/")]
"""Pages that the build makes from the code."""
PAGES = sorted(
    p
    for p in DOCS.rglob("*.md")
    if "_build" not in p.parts and p.relative_to(DOCS).as_posix() not in MADE
)
BLOCK = re.compile(r"^```(?:console|pycon)\n(.*?)^```", re.MULTILINE | re.DOTALL)


README = PROJECT_DIR / "README.md"
ANY_BLOCK = re.compile(r"^```([\w{}-]*).*\n((?:.*\n)*?)^```$", re.MULTILINE)
OF_OTHERS = {
    *("source", "export", "pip", "hf", "docker", "apptainer", "ray", "sbatch", "kubectl"),
    "job=$(sbatch",
}
"""Programs that these tests do not have, or may not start."""


def find_blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text())


def list_commands(block: str) -> Iterator[list[str]]:
    """The words of each command, without variables before it and remarks behind it."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            del words[0]
        if words:
            yield words


def check_command(words: list[str]) -> None:
    """Its arguments are those of the command, and its settings can be read."""
    if words[0] == "make":
        makefile = (PROJECT_DIR / "Makefile").read_text()
        assert all(re.search(rf"^{w}:", makefile, re.M) for w in words[1:] if "=" not in w), words
    elif words[0] == "blender":
        script = words[words.index("--python") + 1]
        check_command(["python", script, *words[words.index("--") + 1 :]])
    elif words[:2] == ["python", "-m"]:
        name = words[2].removeprefix("synrender.")
        importlib.import_module(f"synrender.cli.{name}").parse_arguments(words[3:])
    elif words[0] == "python" and words[1].removesuffix(".py") in COMMANDS:
        name = COMMANDS[words[1].removesuffix(".py")]
        arguments = importlib.import_module(f"synrender.cli.{name}").parse_arguments(words[2:])
        if name == "render" and not any(c.endswith("own.gin") for c in arguments.gin_config):
            known = [c for c in arguments.gin_config if not c.startswith(("datasets/", "mine"))]
            load_settings(known or ["render_single"], arguments.gin_param)
    elif words[0] == "python":
        assert (PROJECT_DIR / words[1]).is_file(), words
    else:
        assert words[0] in OF_OTHERS, words


def check_shell(block: str) -> None:
    for words in list_commands(block):
        check_command(words)


def check_plain(block: str) -> None:
    """Trees of folders, lines of gin and formulas: nothing that is typed."""
    assert not re.search(r"^(?:python|make|pip) ", block, re.M), block


CHECKS: dict[str, Callable[[str], object]] = {
    "sh": check_shell,
    "python": lambda block: compile(block, "block", "exec"),
    "json": json.loads,
    "text": check_plain,
    "console": str,  # run by another test
    "pycon": str,
    "bibtex": str,
}


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda p: p.stem)
def test_every_block_is_of_a_kind_that_is_checked(page: Path) -> None:
    for kind, block in ANY_BLOCK.findall(page.read_text()):
        if kind.startswith("{"):  # a directive
            continue
        if kind == "" and page == README:
            kind = "sh"
        if kind not in ("console", "pycon"):
            assert not re.search(r"^(?:\$|>>>) ", block, re.M), f"{page}: not run\n{block}"
        CHECKS[kind](block)


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


def find_anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_to_pages_sections_and_pictures() -> None:
    """The build checks those between pages, too; README is read elsewhere."""
    for page in [*PAGES, README]:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
            if "://" in target or target.startswith("mailto:"):
                continue
            path = page.parent / target if target else page
            if f"reference/{path.name}" in MADE:
                continue
            assert path.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in find_anchors(path), f"{page.name}: {target}#{anchor}"


def test_every_page_is_in_llms_txt() -> None:
    listed = set(re.findall(r"\]\((\S+)\.html\)", (DOCS / "llms.txt").read_text()))
    pages = [*MADE, *(p.relative_to(DOCS).as_posix() for p in PAGES)]
    assert listed == {name.removesuffix(".md") for name in pages if not name.endswith("index.md")}


def test_the_readme_is_short() -> None:
    assert len(README.read_text().split()) <= 900


def test_what_the_program_does_not_do_is_said_twice() -> None:
    """At home, and beside other tools."""
    assert ":start-after: <!-- what it does not do -->" in (DOCS / "index.md").read_text()
    text = (DOCS / "from_2020.md").read_text()
    assert "<!-- what it does not do -->\n\n## What it does not do\n" in text


def test_the_page_of_files_has_every_label_and_the_page_of_exports_every_format() -> None:
    files, exports = (
        (DOCS / name).read_text() for name in ("reference/files.md", "howto/export.md")
    )
    assert all(re.search(rf"^\|.*`{name}`", files, re.M) for name in LABELS)
    assert all(f"\n| `{name}` |" in exports for name in FORMATS)


def test_the_rooms_stand_in_the_order_of_imports() -> None:
    """From the bottom to the top, in the drawing and in the list of modules."""
    drawn = re.findall(r"^  (\w+)/ ", (DOCS / "architecture.md").read_text(), re.M)
    assert ("errors", *drawn) == ROOMS
    source = (DOCS / "reference_pages.py").read_text()
    listed = source[source.index("ROOMS = (") : source.index('"""From the bottom')]
    assert re.findall(r'"(\w+)"', listed) == drawn


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
    """Also those that are made from the code; lists of pages say it of them all."""
    included = {"contributing", "changelog"}
    for page in PAGES:
        if page.stem not in included and page.parent.name != "reference" and page.stem != "index":
            assert "\n\nAfter this page you " in page.read_text(), page
    source = (DOCS / "reference_pages.py").read_text()
    assert source.count("After this page you ") == source.count('yield "# ')
