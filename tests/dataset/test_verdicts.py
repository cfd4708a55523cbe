from __future__ import annotations

import json
from pathlib import Path

import pytest

from synrender.dataset.certificate import (
    MAX_CULPRITS,
    StoredAudit,
    StoredCheck,
    read_audit,
    write_audit,
)
from synrender.dataset.names import AUDIT_FILE

AUDIT = StoredAudit(
    "2026-01-02T03:04:05+00:00", "0.1.0", 20, 5,
    (StoredCheck("mask", "pass", "IoU 1"), StoredCheck("class", "FAIL", "3 px", ("7", "8"))),
)  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_audit(tmp_path) is None
    write_audit(tmp_path, AUDIT)
    assert read_audit(tmp_path) == AUDIT
    assert [path.name for path in tmp_path.iterdir()] == [AUDIT_FILE]


def test_a_million_culprits_make_no_large_file(tmp_path: Path) -> None:
    check = StoredCheck("files", "FAIL", "", tuple(map(str, range(1_000_000))))
    write_audit(tmp_path, StoredAudit("", "", 0, 0, (check,)))
    found = read_audit(tmp_path)
    assert found is not None
    assert found.checks[0].culprits == check.culprits[:MAX_CULPRITS]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "[" * 100_000, '{"checks": [{}]}', "\xff"]
)
def test_a_damaged_file_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / AUDIT_FILE).write_text(text)
    assert read_audit(tmp_path) is None


@pytest.mark.parametrize("value", [{"a": 1}, 5, None, "\ud800", "\0"])
def test_values_of_other_types_say_nothing(value: object, tmp_path: Path) -> None:
    write_audit(tmp_path, AUDIT)
    values = json.loads((tmp_path / AUDIT_FILE).read_text())
    values["checks"][0]["figures"] = value
    (tmp_path / AUDIT_FILE).write_text(json.dumps(values))
    assert read_audit(tmp_path) is None
