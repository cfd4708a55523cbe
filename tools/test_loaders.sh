#!/usr/bin/env bash
# Usage: tools/test_loaders.sh
#
# Runs the lines that cards of exports have for other packages, with these packages, in environments of
# their own (10 GB in a temporary folder, which is removed at the end), on exports of two small data
# sets that are rendered for it.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
export SYNRENDER_DATA_DIR=$work/datasets HF_HUB_OFFLINE=1 HF_DATASETS_CACHE=$work/cache

size=("batch.num_samples = 24" "object.total_num_samples = 24" "rendering.resolution = 32"
    "rendering.render_samples = 1")
.venv/bin/python render.py -d single -g render_single -p "${size[@]}"
.venv/bin/python render.py -d multi -g render_multi -p "${size[@]}" "rendering.labels = ['normal', 'amodal']"
for format in parquet webdataset imagefolder mds; do
    .venv/bin/python export_dataset.py -d single --to "$format"
done
for format in parquet mds; do
    .venv/bin/python export_dataset.py -d multi --to "$format"
done

install() { # install FOLDER PACKAGE...: an environment with some packages
    "$project/.venv/bin/python" -m venv "$work/$1"
    "$work/$1/bin/python" -m pip install --quiet "${@:2}"
}

cat >"$work/run_lines.py" <<'END'
import importlib.metadata, pathlib, re, shutil, sys

def find_scripts(card):
    """Each package that a card names, and the lines that make `data` with it."""
    text = card.read_text().split("## Read the data set")[1].split("\n## ")[0]
    return re.findall(r"(?:^With (\w+) ([\d.]+)[,:][^\n]*\n\n)?^```python\n(.*?)```", text, re.M | re.S)

def check(name, data, is_single):
    if name == "Lightning":
        import lightning, torch
        class Model(lightning.LightningModule):
            num = 0
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(3 * 32 * 32, 1000)
            def training_step(self, batch, _):
                self.num += len(batch["label"])
                images = batch["image"].flatten(1) / 255
                return torch.nn.functional.cross_entropy(self.layer(images), batch["label"])
            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters())
        model, quiet = Model(), dict(logger=False, enable_checkpointing=False)
        lightning.Trainer(max_epochs=1, accelerator="cpu", **quiet).fit(model, data)
        assert model.num == 20
    elif name == "Kornia":
        assert data.shape == (3, 32, 32)
    elif name == "LitData":
        assert sum(sample["split"] == "train" for sample in data) == 20
    elif name == "timm":
        samples = list(data)
        assert len(samples) == 20 and all(target >= 0 for _, target in samples)
    else:
        samples = list(data)
        assert len(samples) == 20 and all(sample["image"].size == (32, 32) for sample in samples)
        assert {sample["split"] for sample in samples} == {"train"}
        for sample in samples:
            assert isinstance(sample["caption"], str) and sample["caption"].endswith(".")
            if not is_single:
                num = len(sample["label"])
                assert sample["normal"].shape == (32, 32, 3) and str(sample["normal"].dtype) == "uint16"
                assert sample["amodal"].shape == (num, 32, 32) and sample["amodal"].max() == 1

expected, *wanted = sys.argv[1:]
num = 0
for card in sorted(pathlib.Path(".").glob("*_*/README.md")):
    folder = card.parent
    for name, version, code in find_scripts(card):
        name = name or {"mds": "streaming"}.get(folder.name.split("_")[1], "")
        if name not in wanted:
            continue
        names = {}
        exec(code, names)
        shutil.rmtree("index", ignore_errors=True)
        found = importlib.metadata.version({"streaming": "mosaicml-streaming"}.get(name, name.lower()))
        assert found.startswith(version), (name, found)
        check(name, names["data"], folder.name.startswith("single"))
        print(f"{name} {found}: reads {folder.name}", flush=True)
        num += 1
assert num == int(expected), num
END

cd "$work/datasets"
install others torch torchvision timm lightning litdata polars kornia datasets webdataset
"$work/others/bin/python" "$work/run_lines.py" 7 timm Lightning LitData Kornia
install streaming mosaicml-streaming
"$work/streaming/bin/python" "$work/run_lines.py" 2 streaming
