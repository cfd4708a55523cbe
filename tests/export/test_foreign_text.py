"""Names and arguments of any kind: refused where they enter, escaped where they leave."""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from synrender.dataset.info import read_required_info
from synrender.export.card import Markdown, code, escape, link
from synrender.export.columns import name_classes
from synrender.export.licenses import check_license_id
from synrender.system.files import to_file_name
from tests.export.helpers import Exporter

NAMES = (
    "<script>alert(1)</script>", "a|b", "[click](javascript:alert(1))", "`code` *bold* _em_ ~~s~~",
    "![x](https://e.example/x.png)", "../../up", "# $math$ www.e.example", "x" * 200,
    "\u00e9" * 200, 'CON<>:"/\\\\|?*.',
)  # fmt: skip
BAD_NAMES = ("x" * 201, "a\0b", "a\nb", "a\x1b[2Jb", "a\u2028b", "", "a\ud800b")


def set_class_names(folder: Path, names: tuple[str, ...]) -> None:
    path = folder / "dataset.json"
    info = json.loads(path.read_text())
    for known, name in zip(info["classes"].values(), names, strict=False):
        known["name"] = name
    path.write_text(json.dumps(info))


@pytest.fixture
def odd(made: Path, exporter: Exporter, tmp_path: Path) -> Exporter:
    """Of copies, `single` and `multi`, whose classes have odd names."""
    for name in ("single", "multi"):
        shutil.copytree(made / name, tmp_path / name)
        set_class_names(tmp_path / name, NAMES)
    return Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)


def find_marks(body: str) -> str:
    """What marks something up in Markdown: the text without code, tables and what is escaped."""
    body = re.sub(r"```.*?```", "", body, flags=re.DOTALL)
    body = re.sub(r"(`+)[^`].*?\1", "", body)
    return re.sub(r"\\.|&(?:#\d+|\w+);", "", body)


@pytest.mark.parametrize("form", ["webdataset", "parquet", "coco", "imagefolder"])
def test_odd_class_names_are_text_in_a_card(form: str, odd: Exporter) -> None:
    out = odd.export("multi" if form == "coco" else "single", form)
    text = (out / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    assert "<script>" not in body
    assert yaml.safe_load(head)["pretty_name"]
    marks = find_marks(body)
    assert not set("<>`") & set(marks)
    links = re.findall(r"\]\(([^)]*)\)", marks)
    assert len(links) == marks.count("[") == marks.count("](")
    assert all(u == "samples.png" or u.startswith("https://") for u in links)
    assert not any("e.example" in u for u in links)
    for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
        assert len({row.count("|") for row in table.splitlines()}) == 1
    json.loads((out / "croissant.json").read_text())


def test_odd_names_of_a_data_set_its_programs_and_its_checks_are_text(odd: Exporter) -> None:
    from synrender.dataset.certificate import StoredAudit, StoredCheck, write_audit

    name = "a|b`c`[x](javascript:1) <script>'q' \"r\""
    folder = (odd.data_dir / "single").rename(odd.data_dir / name)
    info = json.loads((folder / "dataset.json").read_text())
    info["versions"]["blender"] = "<b>4|5</b> `x`"
    (folder / "dataset.json").write_text(json.dumps(info))
    checks = (StoredCheck("mask|", "<pass>", "IoU | [x](javascript:1)\n# b"),)
    for audit in (None, StoredAudit("2026<", "0.1.0", 24, 12, checks)):
        if audit:
            write_audit(folder, audit)
        out = odd.export(name, "parquet", "--overwrite")
        _, head, body = (out / "README.md").read_text().split("---\n", 2)
        assert yaml.safe_load(head)["pretty_name"] == name
        code_line = re.search(r"^data = (.*)$", body, re.MULTILINE)
        assert code_line
        (read,) = ast.parse(code_line[1]).body
        assert isinstance(read, ast.Expr)
        assert ast.literal_eval(read.value.args[0]) == out.name
        marks = find_marks(body)
        assert not set("<>`") & set(marks)
        assert "javascript" not in "".join(re.findall(r"\]\([^)]*\)", marks))
        for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
            assert len({row.count("|") for row in table.splitlines()}) == 1
        assert json.loads((out / "croissant.json").read_text())["url"].isascii()


def test_odd_class_names_make_folders_of_any_system(odd: Exporter) -> None:
    out = odd.export("single", "imagefolder")
    folders = [path.name for path in (out / "train").iterdir() if path.is_dir()]
    assert all(re.fullmatch(r"[\w .'()+&-]+", name) for name in folders)
    assert max(len(name.encode()) for name in folders) <= 100
    assert len({name.casefold() for name in folders}) == len(folders)
    names = [*name_classes(read_required_info(odd.data_dir / "single")).values()]
    for line in (out / "train" / "metadata.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert (out / "train" / record["file_name"]).is_file()
        assert record["file_name"].split("/")[0] == names[record["label"]]


def test_class_names_that_differ_in_case_alone_are_told_apart(odd: Exporter) -> None:
    set_class_names(odd.data_dir / "single", ("Chair", "chair", "a/b", "a:b", "fine"))
    names = list(name_classes(read_required_info(odd.data_dir / "single")).values())[:5]
    assert names == ["Chair_00000000", "chair_00000001", "a_b_00000002", "a_b_00000003", "fine"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_class_name_that_no_line_can_show_is_refused_where_it_is_read(
    name: str, odd: Exporter
) -> None:
    set_class_names(odd.data_dir / "single", ("fine", name))
    line = odd.refuse("-d", "single", "--to", "imagefolder", "--out", odd.out_dir / "out")
    assert "dataset.json: damaged" in line
    assert line.isprintable()
    assert len(line) < 500 + len(str(odd.data_dir))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--license", "<script>"), ("--license", "any text | of mine"), ("--license", "x" * 65),
        ("--models_license", "a\nb"), ("--textures_license", "[x](javascript:1)"),
        ("--creator", "a\nb"), ("--creator", "x" * 201), ("--creator", "a\x1b[2Jb"),
        ("--url", "javascript:alert(1)"), ("--url", "https://e.example/a b"), ("--url", "https://"),
        ("--url", "https://e.example/\"><script>"), ("--out", "a\nb"), ("-d", "a\nb"),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be_shown_is_refused(
    option: str, value: str, exporter: Exporter
) -> None:
    arguments = {"-d": "single", "--to": "parquet", "--out": exporter.out_dir / "out"}
    arguments[option] = exporter.out_dir / value if option == "--out" else value
    line = exporter.refuse(*(text for pair in arguments.items() for text in pair))
    assert line.isprintable()
    assert ("--dataset" if option == "-d" else option) in line
    assert not (exporter.out_dir / "out").exists()


def test_what_a_publisher_may_say_is_told(exporter: Exporter) -> None:
    said = ("--creator", 'Ann "A" <a@e.example>', "--url", "https://e.example/a-b?c=1#d")
    out = exporter.export("single", "parquet", *said, "--license", "cc-by-sa-4.0")
    metadata = json.loads((out / "croissant.json").read_text())
    assert metadata["creator"]["name"] == said[1]
    assert metadata["url"] == said[3]
    assert check_license_id("LicenseRef-my.own+1")


def test_text_in_markdown() -> None:
    assert escape("a_b <c> | &") == "a\\_b &lt;c&gt; &#124; &amp;"
    assert escape("a\n# b") == "a\\\\n\\# b"
    assert escape("https://e.example _www.e.x") == "https&#58;//e.example \\_www&#46;e.x"
    assert escape(escape("*")) == escape("*") == "\\*"
    assert escape(Markdown("*b*")) == "*b*"
    assert code("a|b") == "`a\\|b`"
    assert code("a``b`") == "``` a``b` ```"
    assert link("a]b", "https://e.example") == "[a\\]b](https://e.example)"
    assert link("a", "") == "a"


def test_names_of_files() -> None:
    assert to_file_name("sport utility vehicle") == "sport utility vehicle"
    assert to_file_name("../a\0b:") == "_a_b_"
    assert to_file_name("...") == "_"
    assert len(to_file_name("\u00e9" * 200).encode()) == 100
