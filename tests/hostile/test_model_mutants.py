"""No mutant of a GLB, glTF, PLY or STL file, or of an archive, is a traceback, or takes long.

Each is read, or refused with a reason of one line; ``make test-mutations N=1000`` tries 1,000 of
each kind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from synrender.errors import UserError
from tests.helpers import PROJECT_DIR
from tests.hostile.file_mutants import mutate
from tests.hostile.model_files import write_models
from tests.hostile.run_file_mutants import MODEL_FILES, read_models
from tests.hostile.test_file_mutants import print_table

NUM_MUTANTS = int(os.environ.get("SYNRENDER_TEST_MUTANTS", "200"))
KINDS = sorted({kind for kind, _ in MODEL_FILES})
NUM_QUICK = 100
"""Of each kind, in every run of the tests."""

MAX_CPU_SECONDS = 10
SEED = 31


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mutants are made of, as `run_file_mutants` wants it."""
    return write_models(tmp_path_factory.mktemp("mutants") / "models").parent


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_mutants_are_read_or_refused(models: Path, kind: str, tmp_path: Path) -> None:
    names = [name for other, name in MODEL_FILES if other == kind]
    num_refused = 0
    for idx in range(NUM_QUICK):
        rng = np.random.Generator(np.random.PCG64([SEED, idx]))
        shutil.copytree(models / "models" / kind, tmp_path / kind)
        mutate(tmp_path / kind / names[idx % len(names)], rng)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                num_refused += read_models(kind)(tmp_path) > 0
            except UserError:
                num_refused += 1
        shutil.rmtree(tmp_path / kind)
    assert num_refused


@pytest.mark.slow
@pytest.mark.timeout(600 + 10 * NUM_MUTANTS)
def test_every_mutant_of_a_model_is_read_or_refused(models: Path) -> None:
    num = NUM_MUTANTS * len(KINDS)
    command = [sys.executable, "-m", "tests.hostile.run_file_mutants", models, SEED, 0, num]
    result = subprocess.run(
        list(map(str, command)), cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    ends = [json.loads(line) for line in result.stdout.splitlines()]
    for end in ends:
        if end["end"] in ("ok", "line") and end["cpu"] > MAX_CPU_SECONDS:
            end["end"] = "hang"
    print_table(ends)
    assert len(ends) == num
    bad = [e for e in ends if e["end"] not in ("ok", "line")]
    assert not bad, "\n".join(
        f"{e['idx']} {e['target']} {e['way']} {e['command']}: {e['line']}" for e in bad
    )
    counts = Counter(e["target"] for e in ends)
    assert len(counts) == len(MODEL_FILES)
