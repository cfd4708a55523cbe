"""Results of audits: ``audit.json``, for programs that do not audit, and ``certificate.json``.

A certificate binds what an audit found to every file of the data set by its hash.
``certificate.npy`` beside it holds the hash of each file of each sample, so that a changed file can
be named: `hashes.FileHashes.samples`, 72 bytes a sample. Nothing here is signed: a person who
changes a file can write another certificate, too. To rule that out, keep the root elsewhere and
compare.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.archived import read_archived
from synrender.dataset.folder import DatasetFolder, name_to_dataset_dir, open_dataset_folder
from synrender.dataset.hashes import (
    HASH_BYTES,
    NO_FILE,
    FileHashes,
    create_samples,
    file_name,
    hash_dataset,
)
from synrender.dataset.names import (
    AUDIT_FILE,
    CERTIFICATE_FILE,
    FILES_PER_SAMPLE,
    FLAT,
    HASHES_FILE,
)
from synrender.dataset.removal import find_foreign_files
from synrender.errors import UserError, shorten
from synrender.system.console import CreateBar, warn
from synrender.system.files import (
    read_sha256,
    read_small_file,
    refuse_folder,
    write_array,
    write_text,
)
from synrender.system.json_text import decode, read_json
from synrender.system.npy_file import find_data, parse_npy
from synrender.system.workers import Workers

MAX_AUDIT_BYTES = 1 << 24
MAX_CULPRITS = 20
"""Largest number of failing samples that are named for each check, as in the printed table."""


@dataclass(frozen=True)
class StoredCheck:
    """Result of one check, in words."""

    name: str
    verdict: str  # "pass", "FAIL" or "not applicable"
    figures: str  # what was measured
    culprits: tuple[str, ...] = ()  # what fails, the worst first

    @property
    def applies(self) -> bool:
        """Whether it judged something."""
        return self.verdict != "not applicable"


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
    """Results of the last audit; None if there was none, or its file is damaged."""
    try:
        return decode(StoredAudit, read_json(dataset_dir / AUDIT_FILE, MAX_AUDIT_BYTES))
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class Difference:
    """A file that is not as the certificate says."""

    what: str  # "changed", "missing" or "extra"
    name: str  # below the data set's folder
    note: str = ""
    expected: bytes = b""  # hash of a sample's file that the certificate has; b"": unknown


def find_differences(
    folder: DatasetFolder, known: FileHashes, found: FileHashes
) -> list[Difference]:
    """Names what differs between the files that a certificate knows and those that are there."""
    pairs = {
        name: (known.description.get(name, NO_FILE), found.description.get(name, NO_FILE))
        for name in sorted(known.description.keys() | found.description.keys())
    }
    idxs = np.union1d(known.samples["sample"], found.samples["sample"])
    kinds = sorted({*known.kinds, *found.kinds})
    columns = [(known.align(kind, idxs), found.align(kind, idxs)) for kind in kinds]
    # A data set has millions of files, and few differ: only these are looked at one by one.
    differs = np.array([(a != b).any(axis=1) for a, b in columns], bool)  # (kinds, n)
    for row, k in np.argwhere(differs.T).tolist():
        name = file_name(folder, int(idxs[row]), kinds[k])
        before, after = columns[k]
        pairs[name] = (before[row].tobytes(), after[row].tobytes())
    pairs = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    origins = _find_origins(folder, known, {after for _, after in pairs.values()} - {NO_FILE})
    differences = [Difference("extra", name) for name in found.others]
    for name, (before, after) in pairs.items():
        what = "changed" if NO_FILE not in (before, after) else "missing"
        what = "extra" if before == NO_FILE else what
        note = f"is what {origins[after]} was" if after in origins else ""
        differences.append(Difference(what, name, note, before))
    return differences


def _find_origins(
    folder: DatasetFolder, known: FileHashes, digests: set[bytes]
) -> dict[bytes, str]:
    """Which files had some hashes: their names."""
    origins = {digest: name for name, digest in known.description.items() if digest in digests}
    heads = np.frombuffer(b"".join(digest[:8] for digest in sorted(digests)), np.uint64)
    for kind in known.kinds:
        column = np.ascontiguousarray(known.samples[kind])
        for row in np.flatnonzero(np.isin(column.view(np.uint64)[:, 0], heads)).tolist():
            if (digest := column[row].tobytes()) in digests:
                name = file_name(folder, int(known.samples["sample"][row]), kind)
                origins.setdefault(digest, name)
    return origins


FORMAT_VERSION = 1
_KIND = re.compile(r"\('([a-z0-9_.]+)', '\|u1', \(32,\)\)")
"""A kind of file, in the header of `HASHES_FILE`."""

MAX_BYTES = 1 << 26
MAX_HASHES_BYTES = 1 << 34
ROOT_ATTRIBUTE = "certificate_root"
"""Attribute of HDF5 files that were made from certified files: the root, hexadecimal."""

TREE = (
    "Merkle tree of RFC 9162, section 2.1.1, over SHA-256; first a leaf 'file' 0 name 0 hash for "
    "each of `files` by name, then a leaf 'sample' 0 index (8 bytes, big-endian) and for each kind "
    "of file, by name: kind 0 hash"
)


@dataclass(frozen=True)
class _Tree:
    """The part of a certificate that describes the hashes of all files."""

    root: str  # hexadecimal
    num_leaves: int
    rule: str
    hashes_file: str
    hashes_sha256: str  # hexadecimal


@dataclass(frozen=True)
class Comparison:
    """A data set against its certificate."""

    root: str  # of the certificate, hexadecimal; "" if it cannot be read
    num_files: int  # that were hashed
    differences: tuple[Difference, ...]


def write_certificate(
    folder: DatasetFolder, findings: Mapping[str, object], hashes: FileHashes
) -> str:
    """Writes the certificate of a data set, or replaces it; returns its root, hexadecimal.

    What the audit found is given as JSON values without NaN.
    """
    remove_certificate(folder)  # the two files must never be of two data sets
    hashes_path = folder.path / HASHES_FILE
    write_array(hashes_path, hashes.samples)
    root = hashes.find_root().hex()
    num_leaves = len(hashes.description) + len(hashes.samples)
    digest = read_sha256(hashes_path, MAX_HASHES_BYTES)[1].hex()
    tree = dataclasses.asdict(_Tree(root, num_leaves, TREE, HASHES_FILE, digest))
    files = {name: digest.hex() for name, digest in hashes.description.items()}
    layout = {"files_per_folder": folder.files_per_folder}
    body = {**findings, **layout, "files": files, "tree": tree}
    certificate = {"format_version": FORMAT_VERSION, "body_sha256": _hash_body(body), "body": body}
    text = json.dumps(certificate, indent=1, allow_nan=False)
    write_text(folder.path / CERTIFICATE_FILE, text + "\n")
    return root


def remove_certificate(folder: DatasetFolder) -> bool:
    """Removes the certificate; returns whether there was one.

    Raises:
        UserError: a folder has its name.
    """
    paths = [folder.path / name for name in (CERTIFICATE_FILE, HASHES_FILE)]
    was_there = paths[0].exists()
    for path in paths:
        refuse_folder(path)
        path.unlink(missing_ok=True)
    return was_there


def open_certified_folder(data_dir: Path, name: str) -> DatasetFolder:
    """Opens a data set to compare its files, also one whose description is damaged.

    Raises:
        UserError: there is no data set of this name, or no description and no certificate.
    """
    try:
        return open_dataset_folder(data_dir, name)
    except UserError:
        dataset_dir = name_to_dataset_dir(data_dir, name)
        if not (dataset_dir / CERTIFICATE_FILE).is_file():
            raise
        body, _ = _read_body(dataset_dir)
        number = body.get("files_per_folder") if isinstance(body, dict) else None
        is_right = type(number) is int and number >= FILES_PER_SAMPLE
        return DatasetFolder(dataset_dir, False, number if is_right else FLAT)


def compare_dataset(folder: DatasetFolder, workers: Workers, create_bar: CreateBar) -> Comparison:
    """Hashes all files of a data set and compares them with its certificate.

    Raises:
        UserError: there is no certificate.
    """
    body, fault = _read_body(folder.path)
    faults = [Difference("changed", CERTIFICATE_FILE, fault)] if fault else []
    try:
        tree = decode(_Tree, body["tree"])
        description = {
            n: bytes.fromhex(d) for n, d in decode(dict[str, str], body["files"]).items()
        }
        if any(len(digest) != HASH_BYTES for digest in description.values()):
            raise ValueError
    except (KeyError, ValueError):
        fault = Difference("changed", CERTIFICATE_FILE, fault or "damaged")
        return Comparison("", 0, (fault,))
    root = tree.root
    found = hash_dataset(folder, workers, create_bar)
    faults += [Difference("extra", name) for name in find_foreign_files(folder)]
    samples = _read_hashes(folder, tree.hashes_sha256)
    known = None if samples is None else FileHashes(description, samples)
    if known is None:
        faults.append(Difference("changed", HASHES_FILE))
    if found.find_root().hex() != root or found.others:
        named = find_differences(folder, known, found) if known else []
        faults += named or [Difference("changed", "", "the root is another; no file can be named")]
    return Comparison(root, found.num_files, tuple(faults))


def find_valid_root(folder: DatasetFolder, workers: Workers, create_bar: CreateBar) -> str | None:
    """Root of the data set's certificate; None if there is none, or it is not true any more.

    Files that are missing because they are in verified shards do not matter.
    """
    if not (folder.path / CERTIFICATE_FILE).exists():
        return None
    comparison, archived = compare_dataset(folder, workers, create_bar), read_archived(folder.path)
    if any(not _is_archived(d, archived) for d in comparison.differences):
        warn(f"{folder.path / CERTIFICATE_FILE}: files differ from it; --verify names them")
        return None
    return comparison.root


def _is_archived(difference: Difference, archived: frozenset[int]) -> bool:
    stem = Path(difference.name).stem
    return difference.what == "missing" and stem.isdecimal() and int(stem) in archived


# --- reading --------------------------------------------------------------------------------------


def _hash_body(body: object) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_body(dataset_dir: Path) -> tuple[dict[str, object], str]:
    """The certificate's body, and what is wrong with it; "" if nothing is."""
    path = dataset_dir / CERTIFICATE_FILE
    try:
        values = read_json(path, MAX_BYTES)
        body, digest = values["body"], values["body_sha256"]
        if not isinstance(body, dict):
            raise TypeError
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; audit_dataset.py -d {dataset_dir.name} --certificate writes it"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        return {}, "damaged"
    if (version := values.get("format_version")) != FORMAT_VERSION:
        return (
            {},
            f"format_version is {shorten(repr(version))}, this program reads {FORMAT_VERSION}",
        )
    return body, "" if _hash_body(body) == digest else "changed since it was written"


def _read_hashes(folder: DatasetFolder, sha256: str) -> np.ndarray | None:
    """Content of `HASHES_FILE`; None if the file has changed."""
    try:
        path = folder.path / HASHES_FILE
        if read_sha256(path, MAX_HASHES_BYTES)[1].hex() != sha256:  # it may be of any size
            return None
        data = read_small_file(path, MAX_HASHES_BYTES)
        kinds = _KIND.findall(data[: find_data(data)].decode("latin-1"))
        return parse_npy(data, [create_samples(0, tuple(kinds)).dtype])
    except (OSError, ValueError):
        return None
