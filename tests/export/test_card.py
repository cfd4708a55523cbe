"""The card: what the Hub reads, and what people do."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from synrender.export import facts
from synrender.report.design_summary import DesignSummary, Promise, Share, summarize_design
from tests.export.helpers import Exporter
from tests.helpers import Renderer, read_images
from tests.report.conftest import write_grid


def read_card(out: Path) -> tuple[dict, str]:
    """Head and body."""
    _, head, body = (out / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), body


def set_sources(data_dir: Path, name: str, models: str, textures: str | None) -> None:
    path = data_dir / name / "dataset.json"
    info = json.loads(path.read_text())
    info["sources"]["models"]["source"] = models
    info["sources"]["textures"]["source"] = textures
    path.write_text(json.dumps(info))


@pytest.fixture
def other(made: Path, exporter: Exporter, tmp_path: Path) -> Exporter:
    """Of a copy of the single data set, `copy`, that a test may change."""
    shutil.copytree(made / "single", tmp_path / "copy")
    return Exporter(tmp_path, tmp_path, exporter.capsys, exporter.monkeypatch)


def test_the_hub_reads_the_head(exporter: Exporter) -> None:
    from huggingface_hub import DatasetCard

    from datasets import Features, Image, List, Value

    card = DatasetCard.load(exporter.export("multi", "parquet") / "README.md")
    data = card.data.to_dict()
    assert data["license"] == "bsd-3-clause"
    assert data["size_categories"] == ["n<1K"]
    assert "depth-estimation" in data["task_categories"]
    (config,) = data["configs"]
    assert config["data_files"][0] == {"split": "train", "path": "data/train-*"}
    features = Features._from_yaml_list(data["dataset_info"]["features"])
    assert features["image"] == Image()
    assert features["rot_mat"] == List(List(List(Value("float64"))))
    assert {s["name"]: s["num_examples"] for s in data["dataset_info"]["splits"]} == {
        "train": 20,
        "validation": 2,
        "test": 2,
    }


def test_features_of_card_and_files_are_equal(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import pyarrow.parquet

    from datasets import Features

    for name in ("single", "multi"):
        out = exporter.export(name, "parquet")
        head, _ = read_card(out)
        schema = pyarrow.parquet.read_schema(next((out / "data").iterdir()))
        of_card = Features._from_yaml_list(head["dataset_info"]["features"])
        assert of_card == Features.from_arrow_schema(schema)


@pytest.mark.parametrize("form", ["webdataset", "imagefolder"])
def test_other_formats_are_found_by_the_hubs_library_too(
    form: str, exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    out = exporter.export("single", form)
    read = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    samples = exporter.samples("single")
    assert {name: len(split) for name, split in read.items()} == {
        name: len(found) for name, found in samples.items()
    }
    if form == "imagefolder":
        lines = (out / "train" / "metadata.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        shown = sorted(zip(read["train"]["sample_idx"], read["train"]["label"], strict=True))
        assert shown == sorted((r["sample_idx"], r["label"]) for r in records)


def test_the_card_tells_what_is_there(exporter: Exporter) -> None:
    _, body = read_card(exporter.export("multi", "webdataset"))
    assert "24 images of 16 x 16 px, rendered in Blender, of 2 objects each, of 10 classes" in body
    assert "| train | 20 |" in body
    assert "| `instance_map` | picture | 16 bits: number of the object, from 1" in body
    assert "| `factor_color_r` | `0.0` | value of the factor color" in body  # constant
    assert "| `factor_azimuth` | list of number | value of the factor azimuth" in body
    assert "webdataset.WebDataset(" in body
    samples = exporter.samples("multi")
    chairs = [sum((s["class"] == 4).sum() for s in samples[name]) for name in samples]
    assert f"| 4 | chair | 00000004 | 5 | {' | '.join(map(str, chairs))} |" in body


def test_the_card_begins_with_the_design(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_shortcut(info: dict) -> None:
        info["design"] |= {"kinds": ["shortcut"], "grid": [], "twins": [], "block_size": 1}
        shortcut = {"cue": "azimuth", "target": "class", "partners": [0, 1, 2]}
        info["design"]["shortcut"] = shortcut | {"rho": [0.5, 0, 0]}

    def summarize(*arguments) -> DesignSummary:
        design = summarize_design(*arguments)
        unseen = Promise("what no sample has the causes of", 3 * (Share(0, 0, 0.5),), True)
        return dataclasses.replace(design, promises=(*design.promises, unseen))

    monkeypatch.setattr(facts, "summarize_design", summarize)
    write_grid(tmp_path / "made", 24, 1, False, add_shortcut)
    real = Exporter(tmp_path, tmp_path, exporter.capsys, monkeypatch)
    out = real.export("made", "imagefolder")
    _, body = read_card(out)
    assert re.findall("^#+ .*", body, re.M)[:2] == ["# made", "## Design"]
    assert "In training the azimuth predicts the class with probability 0.5" in body
    assert body.index("](design.svg)") < body.index("](samples.png)") < body.index("## Splits")
    assert "strength" not in (out / "design.svg").read_text()
    promise = re.search(r"\| the azimuth is the partner of the class \|(.*)\|\n", body)
    assert promise is not None
    assert re.sub(r"[\d.]+ % \(", "(", promise[1]) == " (62.5 %) | (25 %) | (25 %) "
    assert "what no sample has" not in body
    listed = (out / "export.json").read_text()
    assert "design.svg" in listed


def test_placeholders_are_one_line(other: Exporter) -> None:
    command = ("-d", "copy", "--to", "imagefolder", "--out", other.out_dir / "out")
    last = other.run(*command).splitlines()[-1]
    assert last.startswith("croissant.json has placeholders: before you publish, add --creator and")
    named = ("--creator", "Us", "--url", "https://example.com/data")
    assert "has placeholders" not in other.run(*command, *named)
    text = (other.out_dir / "out" / "croissant.json").read_text()
    assert "example.org" not in text


def test_tables_are_whole(exporter: Exporter) -> None:
    """A blank line in a table, or a row with another number of cells, would break it."""
    for name, form in (("multi", "parquet"), ("single", "imagefolder")):
        _, body = read_card(exporter.export(name, form))
        tables = re.findall(r"(?:^\|.*\n)+", body, re.M)
        assert len(tables) >= 4
        for table in tables:
            rows = table.splitlines()
            assert len({row.count("|") for row in rows}) == 1, table
            assert set(rows[1]) == {"|", "-"}


@pytest.mark.parametrize("name", ["single", "single_h5", "multi_h5"])
def test_the_picture_shows_samples(name: str, exporter: Exporter) -> None:
    out = exporter.export(name, "webdataset")
    with Image.open(out / "samples.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert min(pixels.shape[:2]) > 200
    assert pixels.std() > 20
    assert "](samples.png)" in read_card(out)[1]


def test_licenses_of_images_and_sources_are_told_apart(other: Exporter) -> None:
    set_sources(other.data_dir, "copy", "/secret/home/ShapeNetCore.v2", "/secret/home/dtd")
    stated = ("--models_license", "ShapeNet", "--textures_license", "dtd")
    out = other.export("copy", "webdataset", *stated)
    head, body = read_card(out)
    assert (head["license"], head["license_name"]) == ("other", "research-only")
    assert head["license_link"] == "https://shapenet.org/terms"
    assert "non-commercial research and education" in body
    assert "Describable Textures Dataset" in body
    assert "needs ShapeNetCore.v2 and Describable Textures Dataset (DTD)" in body
    texts = [p.read_bytes() for p in out.iterdir() if p.is_file() and p.suffix != ".tar"]
    assert not any(b"/secret" in text for text in texts)  # a path of the machine

    head, body = read_card(other.export("copy", "parquet", *stated, "--license", "cc-by-nc-4.0"))
    assert head["license"] == "cc-by-nc-4.0"
    assert "https://spdx.org/licenses/CC-BY-NC-4.0.html" in body
    assert "https://shapenet.org/terms" in body


def test_licenses_and_creators_that_a_source_states_reach_the_card(other: Exporter) -> None:
    set_sources(other.data_dir, "copy", "/data/models", None)
    path = other.data_dir / "copy" / "dataset.json"
    info = json.loads(path.read_text())
    by_many = [
        {"license": "cc-by-4.0", "creator": f"somebody_{k}", "num_models": 2, "models": []}
        for k in range(12)
    ]
    unknown = {"license": None, "creator": None, "num_models": 1, "models": ["02691156/x"]}
    info["sources"]["models"]["credits"] = [unknown, *by_many]
    path.write_text(json.dumps(info))
    _, body = read_card(other.export("copy", "webdataset"))
    assert "Own models: CC-BY-4.0 (24 models); license not stated (1 model); by " in body
    assert "somebody\\_0, somebody\\_1" in body
    assert "2 more" in body
    assert "the license of the models is not stated" in body
    info["sources"]["models"]["credits"] = by_many
    path.write_text(json.dumps(info))
    _, body = read_card(other.export("copy", "parquet"))
    assert "the models and textures have licenses of their own" in body
    info["sources"]["models"]["credits"] = [{**unknown, "creator": "a\nb"}]
    path.write_text(json.dumps(info))
    assert "must be one line" in other.refuse("-d", "copy", "--to", "imagefolder")


def test_a_folder_does_not_tell_whose_models_are_in_it(other: Exporter) -> None:
    """Own models lie in a folder of ShapeNet's layout, and may be called like it."""
    set_sources(other.data_dir, "copy", "/data/ShapeNetCore.v2", "/data/dtd")
    out = other.export("copy", "webdataset")
    head, body = read_card(out)
    assert head["license"] == "unknown"
    assert "| models | own models | Own models: license not stated |" in body
    assert "| textures | own textures | Own textures: license not stated |" in body
    metadata = json.loads((out / "croissant.json").read_text())
    assert metadata["license"][0] == "not stated"
    assert "Own models: license not stated" in metadata["rai:dataCollectionRawData"]
    texts = body + json.dumps(metadata)
    assert not re.search("shapenet.org|vgg/data/dtd|ShapeNet's terms|freckled|no scene has", texts)

    stated = ("--models_license", "cc-by-4.0", "--textures_license", "LicenseRef-mine")
    head, body = read_card(other.export("copy", "parquet", *stated))
    assert head["license"] == "unknown"
    assert "| [own models](https://spdx.org/licenses/CC-BY-4.0.html) |" in body
    assert "| Own models: CC-BY-4.0 |" in body
    assert "| own textures | Own textures: LicenseRef-mine |" in body


def test_the_card_says_which_models_lack_a_part_of_their_look(other: Exporter) -> None:
    path = other.data_dir / "copy" / "dataset.json"
    reasons = {f"02691156/m{k:02d}": "skin_a.png: not there" for k in range(22)}
    path.write_text(json.dumps({**json.loads(path.read_text()), "incomplete": reasons}))
    _, body = read_card(other.export("copy", "imagefolder"))
    assert "22 models are shown without all of their own textures and colors" in body
    assert "- `02691156/m00`: skin_a.png: not there\n" in body
    assert body.count("02691156/m") == 20
    assert "\n- and 2 more\n" in body


def test_a_card_is_written_again_if_it_would_tell_something_else(
    other: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synrender.dataset.certificate import StoredAudit, write_audit
    from synrender.export import run

    out = other.export("copy", "imagefolder")
    (image, *_), card = sorted((out / "train").rglob("*.png")), out / "README.md"
    before = image.stat().st_mtime_ns
    command = ("-d", "copy", "--to", "imagefolder", "--out", out)
    assert "there already\n" in other.run(*command)

    monkeypatch.setattr(run, "describe", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    other.run(*command, "--license", "mit", status=130)
    monkeypatch.undo()
    assert read_card(out)[0]["license"] == "bsd-3-clause"
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(other.data_dir))
    assert "with a new description" in other.run(*command, "--license", "mit")
    assert read_card(out)[0]["license"] == "mit"
    assert "there already\n" in other.run(*command, "--license", "mit")
    write_audit(other.data_dir / "copy", StoredAudit("2026-11-24", "0.1.0", 24, 12, ()))
    assert "with a new description" in other.run(*command, "--license", "mit")
    assert "on 2026-11-24" in card.read_text()
    assert "there already\n" in other.run(*command, "--license", "mit")
    assert image.stat().st_mtime_ns == before


def test_a_license_is_not_declared_of_what_has_one(other: Exporter) -> None:
    out = other.out_dir / "refused"
    command = ("-d", "copy", "--to", "parquet", "--out", out)
    line = other.refuse(*command, "--models_license", "mit")
    assert "are from the built-in demo set, whose license is known; leave it out" in line
    set_sources(other.data_dir, "copy", "/data/mine", None)
    line = other.refuse(*command, "--textures_license", "mit")
    assert "do not exist; leave it out" in line
    assert not out.exists()


def test_without_textures_there_are_none_to_license(other: Exporter) -> None:
    set_sources(other.data_dir, "copy", "demo, version 2", None)
    head, body = read_card(other.export("copy", "webdataset"))
    assert head["license"] == "bsd-3-clause"
    assert "| models |" in body
    assert "| textures |" not in body


def test_environments_have_a_license_of_their_own(other: Exporter) -> None:
    path = other.data_dir / "copy" / "dataset.json"
    info = json.loads(path.read_text())
    info["sources"]["environments"] = None
    path.write_text(json.dumps(info))
    assert "| environments |" not in read_card(other.export("copy", "webdataset"))[1]
    environments = {"source": "/data/hdris", "num_environments": 2, "fingerprint": "0123"}
    path.write_text(
        json.dumps(info | {"sources": info["sources"] | {"environments": environments}})
    )
    _, body = read_card(other.export("copy", "parquet"))
    assert "| environments | own environments | Own environments: license not stated |" in body
    stated = ("--environments_license", "cc0-1.0")
    _, body = read_card(other.export("copy", "imagefolder", *stated))
    assert "Own environments: CC0-1.0" in body


def test_the_audit_is_told_if_there_was_one(other: Exporter) -> None:
    from synrender.dataset.certificate import StoredAudit, StoredCheck, write_audit

    _, body = read_card(other.export("copy", "imagefolder"))
    assert "Not audited yet. `python audit_dataset.py -d copy`" in body
    checks = (StoredCheck("mask", "pass", "IoU | mean 0.9999"),)
    audit = StoredAudit("2026-11-24T10:00:00+00:00", "0.1.0", 24, 12, checks)
    write_audit(other.data_dir / "copy", audit)
    out = other.export("copy", "parquet")
    assert "on 2026-11-24 against rays" in read_card(out)[1]
    assert "cast rays for 12 of 24 samples" in read_card(out)[1]
    assert "| mask | pass | IoU &#124; mean 0.9999 |" in read_card(out)[1]
    assert "passed 1 checks" in (out / "croissant.json").read_text()


def test_the_command_of_the_card_renders_the_same_samples(
    rendered_single: Path, wheel: Renderer, exporter: Exporter, tmp_path: Path
) -> None:
    """To the bit, from the configuration in the export."""
    real = Exporter(rendered_single.parent, tmp_path, exporter.capsys, exporter.monkeypatch)
    out = real.export(rendered_single.name, "imagefolder")
    _, body = read_card(out)
    command = re.search(r"python render.py -d (\S+) -g (\S+)", body)
    assert command is not None
    assert command[1] == rendered_single.name
    wheel.run("-d", "from_card", "-g", tmp_path / command[2], "-p", "batch.num_samples = 3")
    again = read_images(wheel.data_dir / "from_card")
    np.testing.assert_array_equal(again, read_images(rendered_single)[:3])
