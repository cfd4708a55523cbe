"""Whatever the user's environment holds, pixels are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synrender.blender.start import create_environment, drop_blender_variables
from tests.helpers import Renderer, RenderServer, read_channels

OTHER_COLORS = """\
ocio_profile_version: 1
search_path: ""
luma: [0.2126, 0.7152, 0.0722]
roles:
  {scene_linear: Linear, rendering: Linear, reference: Linear, data: Linear, default_byte: sRGB,
   default_float: Linear, default_sequencer: sRGB, matte_paint: sRGB, color_picking: sRGB,
   texture_paint: Linear, compositing_linear: Linear}
displays:
  sRGB:
    - !<View> {name: Standard, colorspace: sRGB}
    - !<View> {name: Filmic, colorspace: sRGB}
active_displays: [sRGB]
active_views: [Standard, Filmic]
colorspaces:
  - !<ColorSpace> {name: Linear}
  - !<ColorSpace>
    name: sRGB
    to_reference: !<MatrixTransform> {matrix: [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}
"""
"""A color configuration with Blender's names that swaps red and green."""


def test_variables_that_blender_reads_change_nothing(
    renderer: Renderer, each_server: RenderServer, tmp_path: Path
) -> None:
    config = tmp_path / "config.ocio"
    config.write_text(OTHER_COLORS)
    exr = ("rendering.render_exr = True", "batch.num_samples = 1")
    quiet = each_server.render("plain_environment", *exr)
    influenced = Renderer(
        renderer.name,
        renderer.data_dir,
        {
            **renderer.environment,
            "OCIO": str(config),
            "CYCLES_CPU_NO_AVX2": "1",
            "BLENDER_SYSTEM_DATAFILES": str(tmp_path),
            "OIDN_NUM_THREADS": "1",
        },
    ).render("influenced", *exr)
    pixels, others = read_channels(quiet, 0), read_channels(influenced, 0)
    assert pixels.keys() == others.keys()
    for name in pixels:
        np.testing.assert_array_equal(pixels[name], others[name], name)


def test_an_executable_gets_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", "/lab/aces.ocio")
    monkeypatch.setenv("BLENDER_USER_RESOURCES", "/home/me/blender")
    environment = create_environment(tmp_path)
    assert "OCIO" not in environment
    assert environment["BLENDER_USER_RESOURCES"] == str(tmp_path / "user")


def test_what_finds_programs_and_devices_stays() -> None:
    kept = {"PATH": "/bin", "LD_LIBRARY_PATH": "/lib", "CUDA_VISIBLE_DEVICES": "1", "HOME": "/me"}
    assert drop_blender_variables({**kept, "MESA_GL_VERSION_OVERRIDE": "3.0"}) == kept
