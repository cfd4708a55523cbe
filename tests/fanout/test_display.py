from __future__ import annotations

import pytest

from synrender.fanout.display import Display


def test_a_reason_of_a_model_stays_one_line(capsys: pytest.CaptureFixture) -> None:
    display = Display([], 0, False)
    display.say("rejected 1/a\x1b[2J: no\nfaces")
    display.warn("failed: a\nb")
    assert capsys.readouterr() == ("rejected 1/a\\x1b[2J: no\\nfaces\n", "failed: a\\nb\n")
