"""What a record shows has the names that rejected assets have."""

from __future__ import annotations

from synrender.dataset.rejections import find_shown
from tests.helpers import create_record


def test_a_record_shows_its_models_textures_and_environment() -> None:
    record = create_record()
    plain = find_shown(record)
    record["texture"], record["environment"] = "woven_0001", "sky"
    assert find_shown(record) - plain == {"woven_0001", "environment:sky"}
