"""No mutant of a model, an archive or an environment is a traceback, takes long, or shows magenta.

Each is read, or refused with a reason of one line, by our readers and then through Blender.
``make test-mutations N=1000`` tries 1,000 of each kind in either way.
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
from tests.assets.helpers import write_files
from tests.helpers import PROJECT_DIR
from tests.hostile.environment_mutants import write_environments
from tests.hostile.file_mutants import mutate
from tests.hostile.model_files import export, write_models
from tests.hostile.run_file_mutants import (
    ENVIRONMENT_FILES,
    MODEL_FILES,
    read_environments,
    read_models,
)
from tests.hostile.test_file_mutants import print_table
from tests.hostile.test_mutants import MAX_SECONDS, print_harm, render_all

NUM_MUTANTS = int(os.environ.get("SYNRENDER_TEST_MUTANTS", "50"))
FILES = {"models": MODEL_FILES, "environments": ENVIRONMENT_FILES}
KINDS = {kind: group for group, files in FILES.items() for kind, _ in files}
READERS = {"models": read_models, "environments": read_environments}
NUM_QUICK, NUM_QUICK_RENDERED = 30, 2
"""Of each kind, in every run of the tests."""

MAX_CPU_SECONDS = 10
SEED = 31


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mutants are made of, as `run_file_mutants` wants it."""
    root = tmp_path_factory.mktemp("mutants") / "models"
    write_environments(write_models(root))
    return root


def make_mutant(bases: Path, kind: str, idx: int, folder: Path) -> tuple[str, str]:
    """A copy of a kind's files in a folder, one of which is a mutant; its name, and its way."""
    names = [name for other, name in FILES[KINDS[kind]] if other == kind]
    name, rng = names[idx % len(names)], np.random.Generator(np.random.PCG64([SEED, idx]))
    shutil.copytree(bases / kind, folder / kind, copy_function=os.link)
    return name, mutate(folder / kind / name, rng)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_mutants_are_read_or_refused(bases: Path, kind: str, tmp_path: Path) -> None:
    num_refused = 0
    for idx in range(NUM_QUICK):
        make_mutant(bases, kind, idx, tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                num_refused += READERS[KINDS[kind]](kind)(tmp_path) > 0
            except UserError:
                num_refused += 1
        shutil.rmtree(tmp_path / kind)
    assert num_refused


@pytest.mark.slow
@pytest.mark.timeout(600 + 10 * NUM_MUTANTS)
def test_every_mutant_is_read_or_refused(bases: Path) -> None:
    num = NUM_MUTANTS * len(KINDS)
    command = [sys.executable, "-m", "tests.hostile.run_file_mutants", bases.parent, SEED, 0, num]
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
    assert len(counts) == sum(map(len, FILES.values()))


@pytest.mark.timeout(600 + 10 * NUM_MUTANTS)
@pytest.mark.parametrize("group", FILES)
@pytest.mark.parametrize(
    "num", [NUM_QUICK_RENDERED, pytest.param(NUM_MUTANTS, marks=pytest.mark.slow)]
)
def test_no_mutant_does_harm_in_blender(bases: Path, tmp_path: Path, group: str, num: int) -> None:
    kinds = [kind for kind in KINDS if KINDS[kind] == group]
    ways = []
    for idx in range(num * len(kinds)):
        kind = kinds[idx % len(kinds)]
        name, way = make_mutant(bases, kind, idx // len(kinds), tmp_path / f"m{idx:05d}")
        (tmp_path / f"m{idx:05d}.name").write_text(name)
        ways.append(f"{kind} {name} {way}")
    write_files(tmp_path / "ball", {"c/ball.stl": export("stl")})
    ends = render_all(tmp_path, len(ways), kind=group)
    for end, way in zip(ends, ways, strict=True):
        if end["end"] == "ok" and end["seconds"] > MAX_SECONDS:
            end["end"] = "hang"
        end["way"] = way
    print_harm(ends, *kinds)
    shutil.rmtree(tmp_path)
    assert {e["end"] for e in ends} <= {"ok", "line"}, [
        e for e in ends if e["end"] not in ("ok", "line")
    ]
    if num > NUM_QUICK_RENDERED:  # neither is all rejected, nor nothing
        assert 0.1 < sum(bool(e.get("rejected")) for e in ends) / len(ends) < 0.9
