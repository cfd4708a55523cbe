"""``audit.json``: what the last audit of a data set found, for programs that do not audit."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from synrender.dataset.names import AUDIT_FILE
from synrender.system.files import write_text
from synrender.system.json_text import decode, read_json

MAX_BYTES = 1 << 24
MAX_CULPRITS = 20
"""What fails is named up to this number for each check; the table that was printed has no more."""


@dataclass(frozen=True)
class StoredCheck:
    """Result of one check, in words."""

    name: str
    verdict: str  # "pass", "FAIL" or "not applicable"
    figures: str  # what was measured
    culprits: tuple[str, ...] = ()  # what fails, the worst first


@dataclass(frozen=True)
class StoredAudit:
    """Results of an audit, and what it looked at."""

    date: str  # ISO 8601, UTC
    version: str  # of this program
    num_samples: int  # complete samples that the data set had then
    num_cast: int  # samples of them that rays were cast for, at most
    checks: tuple[StoredCheck, ...]


def write_audit(dataset_dir: Path, audit: StoredAudit) -> None:
    """Writes ``audit.json`` atomically, over an earlier one."""
    checks = [dataclasses.replace(c, culprits=c.culprits[:MAX_CULPRITS]) for c in audit.checks]
    values = dataclasses.asdict(dataclasses.replace(audit, checks=tuple(checks)))
    write_text(dataset_dir / AUDIT_FILE, json.dumps(values, indent=1) + "\n")


def read_audit(dataset_dir: Path) -> StoredAudit | None:
    """What the last audit found; None if there was none, or its file is damaged."""
    try:
        return decode(StoredAudit, read_json(dataset_dir / AUDIT_FILE, MAX_BYTES))
    except (OSError, ValueError):
        return None
