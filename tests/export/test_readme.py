"""The lines of the documentation read what export_dataset.py writes."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest

from tests.export.helpers import Exporter
from tests.helpers import PROJECT_DIR

pytestmark = pytest.mark.filterwarnings(  # of these packages, which leave files open
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

NUM_TRAIN = {
    "webdataset": lambda data: len(list(data)),
    "parquet": lambda data: len(data["train"]),
    "coco": lambda data: len(data.imgs),
    "imagefolder": lambda data: len(data["train"]),
}
DOCUMENT = PROJECT_DIR / "docs" / "howto" / "export.md"
CROISSANT = re.compile(r"`(mlcroissant\.Dataset\(.*?\))`")


def find_lines() -> dict[str, str]:
    """Lines of the table, by format."""
    rows = re.findall(r"^\| `(\w+)` \| .* \| `(.*)` \|$", DOCUMENT.read_text(), re.M)
    return {form: line for form, line in rows if form in NUM_TRAIN}


def run_line(line: str) -> object:
    module = line.split("(")[0].rpartition(".")[0]
    importlib.import_module(module)
    package = module.split(".")[0]
    return eval(line, {package: importlib.import_module(package)})


def find_scripts(out: Path) -> list[str]:
    """Lines of Python in a card: of its own package, and of others."""
    return re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(), re.S)


def run_card(out: Path) -> object:
    """What the card's lines of Python make, run in the folder above."""
    own, *_ = find_scripts(out)
    names: dict = {}
    exec(own, names)
    return names["data"]


@pytest.mark.parametrize("form", NUM_TRAIN)
@pytest.mark.parametrize("of_card", [False, True])
def test_each_line_reads_its_format(
    form: str, of_card: bool, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of the documentation, and that of the card."""
    import datasets

    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", exporter.out_dir / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    name = "single" if form == "imagefolder" else "multi"
    out = exporter.out_dir / "datasets" / f"name_{form}"
    exporter.run("-d", name, "--to", form, "--out", out)
    if of_card:
        monkeypatch.chdir(out.parent)
        data = run_card(out)
    else:
        monkeypatch.chdir(exporter.out_dir)
        data = run_line(find_lines()[form])
    assert NUM_TRAIN[form](data) == 20


@pytest.mark.parametrize("form", ["parquet", "webdataset", "imagefolder"])
def test_the_card_has_the_lines_of_other_loaders_that_the_documentation_has(
    form: str, exporter: Exporter
) -> None:
    """Both are run by tools/test_loaders.sh."""
    out = exporter.copy("single", form)
    text = DOCUMENT.read_text().split("## Other loaders")[1]
    lines = [
        line.replace(f"datasets/name_{form}", out.name).replace("=1000", "=20")
        for line in re.findall(r"^\| \w+ [\d.]+ \| `(.*?)`", text, re.M)
        if f"datasets/name_{form}" in line
    ]
    assert lines
    _, *others = find_scripts(out)
    assert [code.splitlines()[-1] for code in others] == [f"data = {line}" for line in lines]


def test_the_line_of_the_card_names_all_tars(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synrender.export import run as job

    monkeypatch.setattr(job, "MAX_PIECE_ROWS", 7)
    out = exporter.export("multi", "webdataset")
    monkeypatch.chdir(out.parent)
    assert "train-{000000..000002}.tar" in (out / "README.md").read_text()
    samples = list(run_card(out))
    assert len(samples) == 20
    assert samples[0]["png"].size == (16, 16)


def test_croissant_is_read_as_the_readme_says(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exporter.out_dir)
    exporter.run("-d", "multi", "--to", "parquet", "--out", "datasets/name_parquet")
    match = CROISSANT.search(DOCUMENT.read_text())
    assert match is not None
    assert run_line(match[1]).metadata.name == "multi"


def test_the_default_folder_is_beside_the_data_set(exporter: Exporter, made: Path) -> None:
    out = made / "single_webdataset"
    exporter.run("-d", "single", "--to", "webdataset")
    assert (out / "export.json").is_file()
    shutil.rmtree(out)
