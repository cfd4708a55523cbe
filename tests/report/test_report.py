"""The report, in a real browser: filters, pictures, keys, and that it needs nothing but itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import synrender
from synrender.dataset.certificate import StoredAudit, StoredCheck, write_audit
from synrender.dataset.info import read_required_info
from synrender.settings.factor_table import find_columns
from synrender.settings.load import load_settings
from tests.archive.helpers import QuickArchiver
from tests.helpers import PROJECT_DIR
from tests.report.conftest import FIXTURES, Reporter, View

Write = Callable[..., Path]
Open = Callable[..., View]


def count(view: View) -> str:
    return view.page.locator("#count").inner_text()


def test_filters_show_what_has_all_that_is_chosen(page_path: Path, view: Open) -> None:
    found = view(page_path)
    page = found.page
    found.unfold()
    assert len(found.list_shown()) == 96
    page.select_option("select[name=split]", label="test")
    shown = found.list_shown()
    assert len(shown) == 8
    assert all("split=2" in tokens.split() for tokens in shown)
    page.select_option("select[name=azimuth]", label="1.5 rad")
    assert all("azimuth=3" in tokens.split() for tokens in found.list_shown())
    assert 0 < len(found.list_shown()) < 8
    assert count(found) == f"{len(found.list_shown())} of 96 samples"
    page.select_option("select[name=azimuth]", label="0 rad")
    assert found.list_shown() == []
    assert page.locator("#none").is_visible()
    page.locator("#none button").click()
    assert count(found) == "96 of 96 samples"
    page.select_option("select[name=class]", label="bench")
    assert len(found.list_shown()) == 32
    page.click("summary:text('more factors')")
    page.select_option("select[name=scale]", index=3)
    assert all({"class=1", "scale=2"} <= set(t.split()) for t in found.list_shown())
    assert 0 < len(found.list_shown()) < 32


def test_the_first_samples_are_shown_and_all_if_asked(page_path: Path, view: Open) -> None:
    found = view(page_path)
    page = found.page
    shown = found.list_shown()
    assert len(shown) == 24
    assert count(found) == "96 of 96 samples"
    assert page.locator("#more").inner_text() == "Show 72 more"
    page.locator(".card:visible .open").last.click()
    page.get_by_role("button", name="Next sample").click()  # goes on where the others are folded
    assert page.get_by_role("dialog").locator("h2").inner_text().startswith("Sample 24,")
    page.keyboard.press("Escape")
    assert not page.locator("#more").is_visible()
    assert found.list_shown()[:24] == shown
    assert len(found.list_shown()) == 96
    again = view(page_path)
    again.page.select_option("select[name=split]", label="test")
    assert len(again.list_shown()) == 8
    assert not again.page.locator("#more").is_visible()
    again.page.select_option("select[name=split]", label="all")
    again.unfold()
    focused = again.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("Open sample 24: ")


def test_a_constant_level_is_told_by_its_name(page_path: Path) -> None:
    assert "<dt>backdrop</dt><dd>plane</dd>" in page_path.read_text()


def test_each_label_can_be_shown_also_over_the_image(page_path: Path, view: Open) -> None:
    found = view(page_path)
    page = found.page
    assert found.list_pictures() == {"image"}
    for name in ("instance", "class", "depth"):
        page.get_by_role("radio", name=name).check()
        assert found.list_pictures() == {name}
    assert page.locator("[data-for=depth]").is_visible()
    assert not page.locator("[data-for=class]").is_visible()
    page.locator("#blend").fill("40")
    assert found.list_pictures() == {"image", "depth"}
    assert page.locator(".card img[data-picture=depth]").first.evaluate(
        "image => getComputedStyle(image).opacity"
    ) == "0.4"  # fmt: skip
    page.get_by_role("radio", name="all").check()
    assert found.list_pictures() == {"image", "instance", "class", "depth"}
    sizes = page.eval_on_selector_all(
        ".card:first-child img", "all => all.map(i => [i.naturalWidth, i.clientWidth > 20])"
    )
    assert sizes == [[16, True]] * 4


def test_everything_can_be_done_by_keyboard(page_path: Path, view: Open) -> None:
    found = view(page_path)
    page = found.page
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "open":
            break

    def focused() -> str:
        return page.evaluate("document.activeElement.getAttribute('aria-label')")

    assert focused().startswith("Open sample 0: ")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert focused().startswith("Open sample 1: ")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.getBoundingClientRect().x")
    page.keyboard.press("ArrowUp")
    assert focused().startswith("Open sample 1: ")
    assert page.evaluate("document.activeElement.getBoundingClientRect().x") == below
    page.keyboard.press("3")
    assert found.list_pictures() == {"class"}
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    assert dialog.locator("h2").inner_text() == "Sample 1, train"
    assert dialog.locator("img").count() == 4
    page.keyboard.press("ArrowRight")
    assert dialog.locator("h2").inner_text() == "Sample 2, train"
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.wait_for_function(  # a dialog says a moment later that it has closed
        "document.activeElement.getAttribute('aria-label')?.startsWith('Open sample 2: ')"
    )
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"  # where the focus is can be seen


def test_everything_has_a_name(page_path: Path, view: Open) -> None:
    found = view(page_path)
    unnamed = found.page.evaluate("""() => [
        ...[...document.images].filter(i => !i.alt),
        ...[...document.querySelectorAll("select, input")].filter(c => !c.labels.length),
        ...[...document.querySelectorAll("button")].filter(b => !(b.ariaLabel || b.innerText)),
        ...[...document.querySelectorAll(".chart")].filter(c => c.ariaLabel.length < 20),
        ...[...document.querySelectorAll("section")].filter(
            s => !document.getElementById(s.getAttribute("aria-labelledby"))),
    ].map(element => element.outerHTML.slice(0, 100))""")
    assert unnamed == []
    ids = found.page.eval_on_selector_all("[id]", "all => all.map(element => element.id)")
    assert (
        len([i for i in ids if ids.count(i) > 1 and not re.fullmatch(r"[pm][0-9a-f]{10}", i)]) == 0
    )


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_sticks_out_of_the_page(width: int, page_path: Path, view: Open) -> None:
    page = view(page_path, size=(width, 700)).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".open").first.click()
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["width"] <= width


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_texts_are_whole_large_enough_and_in_line(width: int, page_path: Path, view: Open) -> None:
    found = view(page_path, size=(width, 700))
    found.unfold()
    page = found.page
    page.evaluate("""() => { for (const card of document.querySelectorAll(".card")) {
        card.querySelector("b").textContent = "1234";
        card.querySelector(".classes").textContent = "motorcycle, airplane, cabinet"; } }""")
    clipped = page.evaluate("""() =>
        [...document.querySelectorAll(".card p, .card p *, .members p")]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != "inline")
        .map(e => e.innerText)""")
    assert clipped == []
    heights = page.evaluate("""() => [...document.querySelectorAll(".card")].slice(0, 90)
        .map(e => e.querySelector("p").offsetHeight)""")
    assert len(set(heights)) == 1  # no split's name takes another line
    smallest = page.evaluate("""() =>
        Math.min(...[...document.querySelectorAll("#design svg, .chart svg")]
        .map(s => parseFloat(s.getAttribute("font-size")) * s.getBoundingClientRect().width
            / s.viewBox.baseVal.width))""")
    assert smallest >= 12
    tops = page.evaluate("""() => [...document.querySelectorAll("#controls > .pictures > legend, "
        + "#controls > .choice, #controls > .choices > .choice")].map(
            e => Math.round(e.getBoundingClientRect().top))""")
    if width == 1280:
        assert max(tops) - min(tops) <= 1


def test_light_and_dark(page_path: Path, view: Open) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        page = view(page_path, scheme).page
        colors[scheme] = [
            page.eval_on_selector(selector, f"e => getComputedStyle(e).{name}")
            for selector, name in (
                ("body", "backgroundColor"), ("body", "color"), (".chart text", "fill"),
                (".card", "backgroundColor"),
            )
        ]  # fmt: skip
        assert colors[scheme][1] == colors[scheme][2]  # charts are in the page's ink
    assert all(a != b for a, b in zip(*colors.values(), strict=True))


def test_twins_stand_side_by_side_with_what_differs(page_path: Path, view: Open) -> None:
    page = view(page_path).page
    figures = page.locator("#twins figure")
    assert figures.count() == 24
    for k in range(3):
        idxs = figures.nth(k).locator("b").all_inner_texts()
        assert int(idxs[0]) % 2 == 0
        assert int(idxs[1]) == int(idxs[0]) + 1
        caption = figures.nth(k).locator("figcaption").inner_text()
        assert caption.endswith("differ in color, scale")  # this test's scale follows the index


def test_paired_data_sets_stand_side_by_side(write: Write, report: Reporter, view: Open) -> None:
    def change(info: dict) -> None:
        info["design"] = None

    folders = {
        variant: write(24, is_exr=False, name=f"pair_{variant}", change=change)
        for variant in ("0-0-0-0", "0-0-0-1", "1-1-1-1")
    }
    write(24, is_exr=False, name="other_0-0-0-0", change=change)
    for path in (folders["0-0-0-1"] / "img").glob("*.npy"):
        record = np.load(path)
        record["factor_values"][:, find_columns("light_angle")[0]] = 0.7
        np.save(path, record)
    info = json.loads((folders["1-1-1-1"] / "dataset.json").read_text())
    (folders["1-1-1-1"] / "dataset.json").write_text(json.dumps({**info, "seed": 99}))
    page = view(report.write(folders["0-0-0-0"])).page
    figures = page.locator("#paired figure")
    assert figures.count() == 6
    for figure in figures.all():
        texts = figure.locator(".members p").all_inner_texts()
        assert [text.split()[1] for text in texts] == ["0-0-0-0", "0-0-0-1"]
        assert len({text.split()[0] for text in texts}) == 1
        assert figure.locator("figcaption").inner_text().endswith("; differ in light angle")


HOSTILE = (
    '<script>window.hacked = 1</script>"\'><img src=x onerror="window.hacked = 2">$x_1$ {{ 7*7 }}'
)


def test_hostile_names_and_reasons_are_text(write: Write, report: Reporter, view: Open) -> None:
    def change(info: dict) -> None:
        info["classes"]["1"]["name"] = HOSTILE
        info["rejected"] = {HOSTILE: HOSTILE}
        info["incomplete"] = {"02691156/bare": HOSTILE}
        info["sources"]["models"]["source"] = HOSTILE
        info["design"]["factors"]["class"]["names"] = [HOSTILE, "</select>", "</title>"]
        info["versions"][HOSTILE] = HOSTILE

    folder = write(num_samples=24, change=change)
    for path in (folder / "img").glob("*.npy"):
        record = np.load(path)
        record["texture"] = record["model_id"] = HOSTILE[:64]
        record["backdrop_texture"] = '"><svg/onload=alert(1)>' + path.stem
        np.save(path, record)
    check = StoredCheck(HOSTILE, HOSTILE, HOSTILE, (HOSTILE,))
    write_audit(folder, StoredAudit(HOSTILE, HOSTILE, 24, 24, (check,)))
    page = view(report.write(folder)).page
    page.locator(".open").first.click()
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("img:not([data-picture]), svg[onload]").count() == 0
    rows = page.locator("#rejected tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [[HOSTILE] * 2, ["02691156/bare", HOSTILE]]
    assert page.locator("#audit tbody li").inner_text() == HOSTILE
    assert page.get_by_role("dialog").get_by_text("<script>").count() > 0


def test_the_page_begins_with_the_design(page_path: Path, view: Open) -> None:
    page = view(page_path).page
    assert page.locator("main > section").first.get_attribute("id") == "design"
    text = page.locator("#design").inner_text()
    assert text.startswith(
        "Design\n\nEach of the 12 combinations of class (3 levels) and azimuth (4)"
    )
    assert "color alone" in text
    lines = page.locator("#design .tuples figure")
    assert lines.count() == 12
    for line in lines.all():
        first, second = line.locator("img").evaluate_all("all => all.map(i => i.alt)")
        idx = int(first.split()[1].rstrip(":"))
        assert (idx % 2, second.split()[1]) == (0, f"{idx + 1}:")
    (table,) = page.locator("#design .joint").all()
    assert table.locator("tbody tr").count() == 3
    cells = table.locator("tbody tr").first.locator("td").all_inner_texts()
    assert [int(cell.split()[0]) for cell in cells[:4]] == [8, 8, 6, 6]  # train
    assert {cell.split()[1] for cell in cells[:4]} == {"6.7"}
    assert len(cells) == 3 * 4


# --- what it is made of ---------------------------------------------------------------------------


def test_all_formats_give_the_same_report(
    write: Write, report: Reporter, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(is_exr=False)
    for idx in range(0, 96, 5):  # where the number of objects varies, an archive fills up
        path = folder / "img" / f"{idx:05d}.npy"
        record = np.load(path)[:1]
        record["factor_values"][:, find_columns("num_objs")[0]] = 1
        np.save(path, record)
    quick = QuickArchiver(folder.parent, capsys, monkeypatch)
    texts = {"raw": report.write(folder, "-n", 40).read_text()}
    quick.run("-d", "made", "-f", "-p", "-r", 16, "-b", 5)
    texts["shards"] = report.write(folder, "-n", 40).read_text()
    for path in folder.glob("imgs_*.h5"):
        path.unlink()
    shutil.rmtree(folder / "img")
    texts["arrays"] = report.write(folder, "-n", 40).read_text()
    for pattern in (
        r'aria-label="(Open sample \d+: [^"]*)"',
        r'role="img" aria-label="([^"]*)"',
        r'(?s)id="splits".*id="audit"',
    ):
        found = {name: re.findall(pattern, text) for name, text in texts.items()}
        assert len(found["raw"]) in (40, 7, 1)
        assert found["raw"] == found["shards"] == found["arrays"]


def test_further_labels_of_a_data_set_are_pictures_too(report: Reporter, view: Open) -> None:
    folder = shutil.copytree(FIXTURES / "before_multi", report.data_dir / "before_multi")
    info = json.loads((folder / "dataset.json").read_text())
    info["settings"]["rendering.labels"] = ["object_coordinates", "world_position"]
    (folder / "dataset.json").write_text(json.dumps(info))
    found = view(report.write(folder))
    found.page.get_by_role("radio", name="object coordinates").check()
    assert found.list_pictures() == {"object coordinates"}
    found.page.get_by_role("radio", name="all").check()
    assert found.list_pictures() > {"image", "depth", "object coordinates", "world position"}


def test_data_sets_of_earlier_versions(report: Reporter, view: Open) -> None:
    for name in ("before_single", "before_multi"):
        folder = shutil.copytree(FIXTURES / name, report.data_dir / name)
        found = view(report.write(folder))
        num = len(list((folder / "img").glob("*.npy")))
        assert count(found) == f"{num} of {num} samples"
        label = found.page.locator("[role=img]").first.get_attribute("aria-label")
        assert label is not None
        assert re.match(r"class. train: [a-z]+ \d+ %, ", label)  # names, not ids
        found.page.locator(".open").first.click()
        assert "class" in found.page.get_by_role("dialog").inner_text()


def test_a_sample_has_its_caption_below_the_picture(report: Reporter, view: Open) -> None:
    folder = shutil.copytree(FIXTURES / "before_multi", report.data_dir / "before_multi")
    page = view(report.write(folder)).page
    caption = synrender.open_dataset(folder)[0]["caption"]
    assert caption.startswith("Two objects: a cabinet with a cracked texture")
    card = page.locator(".card", has=page.locator(f'.said[title="{caption}"]'))
    assert card.locator(".said").text_content() == caption
    card.locator(".open").click()
    assert page.locator("#viewer-facts .said").text_content() == caption


def test_a_large_data_set_makes_no_large_page(write: Write, report: Reporter, view: Open) -> None:
    sizes = {}
    for num_samples in (240, 600):
        folder = write(num_samples, is_exr=False, name=f"made_{num_samples}")
        path = report.write(folder, "-n", 72)
        sizes[num_samples] = path.stat().st_size
    assert sizes[600] < 1.1 * sizes[240] < 1e6
    found = view(path)
    found.unfold()
    shown = found.list_shown()
    cells = [tuple(t for t in tokens.split() if "scale" not in t) for tokens in shown]
    assert len(shown) == 72
    assert len(set(cells)) == 36  # two of each, though the training split is ten times as large
    assert max(map(cells.count, cells)) == 2


def test_many_objects_and_long_sweeps_make_no_large_page_either(
    write: Write, report: Reporter, view: Open
) -> None:
    folder = write(96, num_objs=40, is_exr=False)
    for idx in range(96):
        path = folder / "img" / f"{idx:05d}.npy"
        record = np.load(path)
        record["base"] = idx // 48
        np.save(path, record)
    path = report.write(folder, "-n", 20)
    assert path.stat().st_size < 500_000
    page = view(path).page
    assert page.locator("#twins .members").count() == 2
    assert page.locator("#twins .members").first.locator("b").all_inner_texts()[::9] == ["0", "47"]
    page.locator(".open").first.click()
    assert "(and 28 more objects)" in page.get_by_role("dialog").inner_text()


def test_the_verdicts_are_those_of_the_last_audit(
    write: Write, report: Reporter, view: Open
) -> None:
    folder = write(24)
    page = view(report.write(folder)).page
    assert "Not audited" in page.locator("#audit").inner_text()
    assert "audit_dataset.py -d made" in page.locator("#audit").inner_text()
    checks = (
        StoredCheck("mask", "pass", "IoU 1"),
        StoredCheck("cells", "not applicable", "no grid"),
        StoredCheck("depth", "FAIL", "9 mm", ("7",)),
    )
    write_audit(folder, StoredAudit("2026-01-02T03:04:05+00:00", "0.1.0", 20, 5, checks))
    page = view(report.write(folder)).page
    assert page.get_by_text("no grid").is_hidden()
    page.get_by_text("1 check does not apply").click()
    assert page.get_by_text("no grid").is_visible()
    assert "1 of 2 checks fail" in page.locator("header").inner_text()
    text = page.locator("#audit").inner_text()
    assert "5 of 20 samples, 2026-01-02. The data set has 24 samples now." in text
    assert page.locator("#audit .fail").inner_text() == "FAIL"


def test_a_small_data_set_is_audited_on_the_way(
    rendered_multi: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    reporter = Reporter(rendered_multi.parent, capsys, monkeypatch)
    (rendered_multi / "audit.json").unlink(missing_ok=True)
    reporter.run("-d", rendered_multi.name)
    assert json.loads((rendered_multi / "audit.json").read_text())["num_cast"] == 20
    assert ">audit passes</a>" in (rendered_multi / "report.html").read_text()
    (rendered_multi / "audit.json").unlink()
    monkeypatch.setitem(sys.modules, "embreex", None)
    reporter.run("-d", rendered_multi.name)
    text = (rendered_multi / "report.html").read_text()
    assert "Not audited: the audit needs a ray caster, and embreex is missing" in text
    for name in ("audit.json", "report.html"):
        (rendered_multi / name).unlink(missing_ok=True)


def test_the_command_makes_the_same_data_set(report: Reporter, view: Open, tmp_path: Path) -> None:
    """With the file that the page saves."""
    folder = shutil.copytree(FIXTURES / "before_multi", report.data_dir / "before_multi")
    page = view(report.write(folder)).page
    command = "python render.py -d before_multi_copy -g render_multi before_multi.gin"
    assert page.locator("#command").inner_text() == command
    with page.expect_download() as started:
        page.get_by_role("link", name="before_multi.gin").click()
    started.value.save_as(tmp_path / "saved.gin")
    text = (tmp_path / "saved.gin").read_text()
    assert page.locator("#changes").inner_text() == text
    settings = load_settings(["render_multi", str(tmp_path / "saved.gin")])
    assert settings == read_required_info(folder).settings


# --- the script -----------------------------------------------------------------------------------


def test_the_script_is_one_line_about_mistakes(
    write: Write, report: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(24)
    line = report.run("-d", "mad", status=2)
    assert line.startswith("error: --dataset 'mad': no such data set; did you mean 'made'?")
    path = folder / "img" / "00003.exr"
    path.write_bytes(path.read_bytes()[:300])
    line = report.run("-d", "made", status=2)
    assert str(path) in line
    assert line.count("\n") == 1
    assert not list(folder.glob("*report*"))  # nor a temporary file
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "lacks jinja2; type" in report.run("-d", "made", status=2)


def test_help_teaches_at_once() -> None:
    command = [sys.executable, "-X", "importtime", "report_dataset.py", "--help"]
    result = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    for word in ("examples:", "evenly over classes", "--no_audit", "Arrow", "HDF5"):
        assert word.lower() in result.stdout.lower()
    assert not re.search(r"\| +(numpy|matplotlib|jinja2)$", result.stderr, re.MULTILINE)
