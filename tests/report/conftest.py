"""Data sets without a renderer, their reports, and a real browser to look at them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from synrender.cli.report import COMMAND
from synrender.settings.factor_table import find_columns
from tests.archive.helpers import write_dataset
from tests.helpers import PROJECT_DIR, QuickCommand
from tests.loading.conftest import create_design

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIXTURES = Path(__file__).parents[1] / "fixtures"
NUM_CLASSES, NUM_AZIMUTHS = 3, 4
RES = 16

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Reporter:
    """Runs report_dataset.py inside the test's process."""

    data_dir: Path
    capsys: pytest.CaptureFixture
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: object, status: int = 0) -> str:
        command = QuickCommand(COMMAND, self.data_dir, self.capsys, self.monkeypatch)
        return command.run(*arguments, status=status)

    def write(self, dataset_dir: Path, *arguments: object) -> Path:
        """Writes a report, without an audit; returns its path."""
        output = self.run("-d", dataset_dir.name, "--no_audit", *arguments)
        assert output == f"{dataset_dir / 'report.html'}\n"
        return dataset_dir / "report.html"


@pytest.fixture
def report(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Reporter:
    return Reporter(tmp_path, capsys, monkeypatch)


def write_grid(
    folder: Path,
    num_samples: int = 96,
    num_objs: int = 2,
    is_exr: bool = True,
    change: Callable[[dict], None] = lambda info: None,
) -> Path:
    """Writes a grid of class and azimuth, each cell in pairs of color twins."""
    info = json.loads((FIXTURES / "before_single" / "dataset.json").read_text())
    info["settings"]["sample.num_objs"] = num_objs
    info["settings"]["design.levels"] = {"azimuth": NUM_AZIMUTHS, "class": NUM_CLASSES}
    info["design"] = create_design()
    info["classes"] = {
        str(k): {"name": f"{name},other name", "synset_id": f"0{k}"}
        for k, name in enumerate(("airplane", "bench", "cabinet"))
    }
    change(info)
    write_dataset(folder, info, num_samples, num_objs, is_exr, RES)
    for path in sorted((folder / "img").glob("*.npy")):
        record, idx = np.load(path), int(path.stem)
        cell = idx // 2 % (NUM_CLASSES * NUM_AZIMUTHS)
        record["class"] = cell % NUM_CLASSES
        record["factor_values"], record["factor_levels"] = 0.5, -1
        for factor, level in (("class", cell % NUM_CLASSES), ("azimuth", cell // NUM_CLASSES)):
            (column,) = find_columns(factor)
            record["factor_levels"][:, column] = level
            record["factor_values"][:, column] = level * (1 if factor == "class" else 0.5)
        values = {"num_objs": num_objs, "scale": idx / num_samples, "color": idx % 2}
        for factor, value in values.items():
            record["factor_values"][:, find_columns(factor)[0]] = value
        record["model_id"] = f"model{record['bucket'][0]}"
        record["base"], record["varied"] = idx // 2, "color"
        np.save(path, record)
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write_grid` in the folder of a test."""
    return lambda *arguments, name="made", **options: write_grid(
        tmp_path / name, *arguments, **options
    )


@pytest.fixture(scope="session")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 96 samples of such a grid, for all tests that only look at it."""
    folder = write_grid(tmp_path_factory.mktemp("report") / "made")
    command = [sys.executable, "-W", "error", "report_dataset.py", "-d", "made", "--no_audit"]
    environment = {**os.environ, "SYNRENDER_DATA_DIR": str(folder.parent)}
    subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=True)
    return folder / "report.html"


# --- the browser ----------------------------------------------------------------------------------


def is_browser(path: str | None) -> bool:
    """Whether it is one that sees our files: Ubuntu's, a snap, has a folder /tmp of its own."""
    if path is None or Path(path).resolve().name == "snap":
        return False
    with Path(path).open("rb") as file:
        return b"snap" not in file.read(10_000)  # a script that asks for the snap


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(is_browser, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip("no Chromium on PATH; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found)
        yield chromium
        chromium.close()


@dataclass
class View:
    """An opened report, with what the browser asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def list_shown(self) -> list[str]:
        """Tokens of the cards that are visible."""
        return self.page.eval_on_selector_all(
            ".card", "cards => cards.filter(c => c.checkVisibility()).map(c => c.dataset.tokens)"
        )

    def unfold(self) -> None:
        """Shows all cards that match the filters, not only the first ones."""
        self.page.locator("#more").click()

    def list_pictures(self) -> set[str]:
        """Names of the pictures that are visible in cards."""
        found = self.page.eval_on_selector_all(
            ".card img", "all => all.filter(i => i.checkVisibility()).map(i => i.dataset.picture)"
        )
        return set(found)


@pytest.fixture
def view(browser: Browser) -> Iterator[Callable[..., View]]:
    """Opens a report; at the end of the test nothing was fetched and nothing was wrong."""
    contexts, views = [], []

    def open_one(path: Path, scheme: str = "light", size: tuple[int, int] = (1200, 900)) -> View:
        width, height = size
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}
        )
        contexts.append(context)
        found = View(context.new_page())
        views.append((path, found))
        found.page.set_default_timeout(10_000)
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.goto(path.as_uri())
        return found

    yield open_one
    for path, found in views:
        others = [url for url in found.requests if not url.startswith("data:")]
        assert others == [path.as_uri()]
        assert found.complaints == []
    for context in contexts:
        context.close()
