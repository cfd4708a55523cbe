from __future__ import annotations

import ctypes
import io
import os
import sys

import pytest

from synrender.errors import nearest_name, shorten, to_line
from synrender.system.console import Progress, captured_output, format_duration, say, warn


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_count_rate_and_eta() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    for done in range(5):
        progress.show(done, 4)
    lines = terminal.getvalue().split("\r")
    assert "0/4 samples" in lines[1]
    assert "2/4 samples" in lines[3]
    assert "/s  ETA 0:00" in lines[3]
    assert lines[-1].endswith("\n")


def test_progress_is_silent_outside_a_terminal() -> None:
    for stream, is_shown in ((io.StringIO(), True), (Terminal(), False)):
        Progress(stream, is_shown).show(1, 2)
        assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3675, "1:01:15")]
)
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_capture_takes_c_output_and_restores_stdout(capfd: pytest.CaptureFixture) -> None:
    libc = ctypes.CDLL(None)
    with captured_output() as capture:
        os.write(1, b"from python\n")
        libc.puts(b"from c")
        libc.fflush(None)
        os.write(2, b"to stderr\n")
        assert capture.tail().splitlines() == ["from python", "from c", "to stderr"]
        assert capture.tail(1) == "to stderr"
        capture.clear()
        assert capture.tail() == ""
        os.write(1, b"after\n")
        assert capture.tail() == "after"
        capture.terminal.write("seen\n")
    print("loud again", flush=True)
    output = capfd.readouterr()
    assert output.out == "loud again\n"
    assert output.err == "seen\n"


def test_capture_ends_with_an_exception(capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), captured_output():
        print(1 / 0)
    print("back", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "back\n"


def test_a_line_stays_one_line_that_can_be_shown(capsys: pytest.CaptureFixture) -> None:
    """Names of files and models come from anybody; a terminal would obey their control codes."""
    name = "a\nb\x1b[2J\x00\udcffé 中"
    shown = r"a\nb\x1b[2J\x00\udcffé 中"
    say(name)
    warn(name)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")
    assert to_line("plain é 中") == "plain é 中"
    assert shorten(name).isprintable()
    assert shorten("\x1b" * 99, 20) == r"\x1b" * 5 + "..."
    assert nearest_name("x", [name]).isprintable()
