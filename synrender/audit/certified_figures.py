"""What a certificate says: the figures of an audit with their bounds, and what they rest on."""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from typing import Any

import numpy as np

from synrender.audit.check import Check, Measure
from synrender.audit.run import Audit
from synrender.dataset.certificate import write_certificate
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.hashes import FileHashes
from synrender.dataset.info import DatasetInfo
from synrender.system.version import find_program_version

PACKAGES = ("numpy", "scipy", "scikit-image", "trimesh", "embreex", "openexr", "pillow")
"""Of whose versions the figures may depend; embreex brings Embree."""


def certify(folder: DatasetFolder, audit: Audit, seed: int, hashes: FileHashes) -> str:
    """Writes the certificate of an audit without failures; returns its root, hexadecimal.

    The same files, audited by the same program, give the same certificate: it holds no time and no
    name of a machine.

    Args:
        folder: of the data set.
        audit: of all of it; no check may fail.
        seed: of the draw of samples to cast rays for.
        hashes: of the files that were audited.
    """
    return write_certificate(folder, describe_audit(folder.read_info(), audit, seed), hashes)


def describe_audit(info: DatasetInfo, audit: Audit, seed: int) -> dict[str, Any]:
    """The figures with their bounds, their basis, and all versions, as JSON values."""
    return {
        "verdict": "FAIL" if audit.num_failed else "pass",
        "checks": [_describe_check(check) for check in audit.checks],
        "examined": {
            "samples": audit.num_samples,
            "samples_by_rays": len(audit.cast_idxs),
            "which_by_rays": list_ranges(audit.cast_idxs),
            "objects_by_rays": audit.num_objects,
            "pixels_by_rays": audit.num_px,
            "seed_of_the_draw": seed,
            "samples_hashed": "all",
        },
        "versions": {
            "audit": {"synrender": find_program_version(), **_find_versions()},
            "data set": {**info.versions, "device": info.device},
        },
        "models": {
            "source": info.sources.models.source,
            "fingerprint": info.sources.models.fingerprint,
        },
    }


def _describe_check(check: Check) -> dict[str, Any]:
    measures = [_describe_measure(measure) for measure in check.measures]
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "figures": check.figures,
        "measures": measures,
    }


def _describe_measure(measure: Measure) -> dict[str, Any]:
    values = {name: _to_json(v) for name, v in dataclasses.asdict(measure).items()}
    return {name: v for name, v in values.items() if v not in (None, "") or name == "value"}


def _to_json(value: Any) -> Any:
    """A plain number or text; null for what is not finite, which JSON does not know."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _find_versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def list_ranges(idxs: Sequence[int]) -> str:
    """Ascending numbers as text: ``"0-3, 7, 9-10"``."""
    if not len(idxs):
        return ""
    numbers = np.array(idxs, np.int64)
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else f"{p[0]}" for p in parts)
