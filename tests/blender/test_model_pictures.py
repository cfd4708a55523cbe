"""``synrender.assets --sheet`` draws one model of each class; a rejected one gives the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from synrender.report.model_sheet import HEADER_PX, MARGIN_PX
from synrender.report.pictures import EMPTY
from tests.assets.helpers import create_obj, write_files
from tests.assets.layouts import create_glb
from tests.helpers import PROJECT_DIR

SIDE = 192


def test_a_sheet_shows_a_model_of_each_class(tmp_path: Path) -> None:
    files = {
        "box/a.glb": b"glTF", "box/b.glb": create_glb(1), "box/c.glb": create_glb(2),
        "bad/a.obj": b"f 1 2 3\n", "tetrahedron/a.obj": create_obj(),
    }  # fmt: skip
    path, sheet = write_files(tmp_path / "set", files), tmp_path / "sheets" / "sheet.png"
    command = [sys.executable, "-m", "synrender.assets", path, "--sheet", sheet]

    def run() -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)

    missing = run()
    assert missing.returncode == 2
    assert missing.stderr.endswith("no such folder; name a file in another folder with --sheet\n")
    assert not missing.stdout  # before anything is read
    sheet.parent.mkdir()
    result = run()
    assert (result.returncode, result.stderr) == (0, "")
    assert f"{sheet}: a picture of one model of each class" in result.stdout
    assert [p.name for p in sheet.parent.iterdir()] == ["sheet.png"]
    pixels = np.asarray(Image.open(sheet)).astype(int)
    top, step = HEADER_PX, SIDE + MARGIN_PX
    bad, box, tetrahedron = (
        pixels[top : top + SIDE, MARGIN_PX + k * step : MARGIN_PX + k * step + SIDE]
        for k in range(3)
    )
    assert (bad[60:] == EMPTY).all()
    for shown in (box, tetrahedron):
        assert np.ptp(shown[40:-40, 40:-40]) > 80 > np.ptp(shown[:9])  # an object, a backdrop
    assert np.abs(box - tetrahedron).max() > 20
