from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from synrender.system.files import is_alive


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells zombies apart")
def test_a_process_that_waits_for_its_parent_is_not_alive() -> None:
    """Else the temporary files of killed workers would stay where init reaps nobody."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(process.pid)
    process.kill()
    end = time.monotonic() + 10
    while is_alive(process.pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(process.pid)  # though it was not waited for
    process.communicate()
