#!/usr/bin/env bash
# Usage: tools/test_loaders.sh
#
# Runs the lines of "Other loaders" in docs/howto/export.md with the packages that they name, in an
# environment of their own (6 GB in a temporary folder, which is removed at the end), on exports of a
# small data set that is rendered for it.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
export SYNRENDER_DATA_DIR=$work/datasets HF_HUB_OFFLINE=1 HF_DATASETS_CACHE=$work/cache

.venv/bin/python render.py -d name -g render_single -p "batch.num_samples = 24" \
    "object.total_num_samples = 24" "rendering.resolution = 32" "rendering.render_samples = 1"
for format in parquet webdataset imagefolder; do
    .venv/bin/python export_dataset.py -d name --to "$format"
done
.venv/bin/uv venv --quiet --python .venv/bin/python "$work/venv"
.venv/bin/uv pip install --quiet --python "$work/venv/bin/python" \
    torch torchvision timm lightning litdata polars kornia datasets webdataset

cd "$work"
venv/bin/python - "$project/docs/howto/export.md" <<'END'
import glob, importlib, importlib.metadata, os, pathlib, re, sys
import datasets, kornia, lightning, litdata, timm.data, torch

text = pathlib.Path(sys.argv[1]).read_text().split("## Other loaders")[1].split("\n## ")[0]
(code,) = re.findall(r"```python\n(.*?)```", text, re.S)
exec(code)  # makes the index of LitData
lines = re.findall(r"^\| (\w+) ([\d.]+) \| `(.*?)`", text, re.M)
assert len(lines) == 6, lines
for name, version, line in lines:
    found = importlib.metadata.version(name.lower())
    assert found.startswith(version), (name, found)
    read = eval(line.replace("num_samples=1000", "num_samples=20"))
    if name == "Lightning":
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
        lightning.Trainer(max_epochs=1, accelerator="cpu", **quiet).fit(model, read)
        assert model.num == 20
    elif name == "Kornia":
        assert read.shape == (3, 32, 32)
    elif name == "LitData":
        assert sum(sample["split"] == "train" for sample in read) == 20
    else:
        samples = list(read)
        assert len(samples) == 20 and all(target >= 0 for _, target in samples)
    print(f"{name} {found}: reads it")
END
