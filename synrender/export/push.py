"""Uploads a complete export to a data set repository of the Hugging Face Hub, in one commit.

``export.json`` in the repository lists what was uploaded before. Of that, files that are no longer
in the export are removed; all else in the repository is left as it is, and never replaced.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from synrender import __version__
from synrender.errors import CutShort, UserError, shorten
from synrender.export.marker import MARKER, list_all_files, read_marker
from synrender.system.console import say

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_URL = re.compile(r"hf://(?:datasets/)?([\w.-]+/[\w.-]+)/?")
_PACKAGE = "huggingface_hub"


def parse_repository(url: str) -> str:
    """``user/name`` of an address such as ``hf://user/name``.

    Raises:
        UserError: it is none.
    """
    match = _URL.fullmatch(url)
    if not match:
        raise UserError(f"--push {shorten(url)}: must be an address such as hf://user/name")
    return match[1]


def push_export(out: Path, repository: str, overwrite: bool) -> None:
    """Uploads all files of an export that the repository does not hold.

    Args:
        out: folder of a complete export.
        repository: ``user/name``; it is made if it is not there.
        overwrite: replace files that this program did not upload.

    Raises:
        UserError: the package is missing, the user is not logged in, or other files are there.
        CutShort: the Hub does not answer.
    """
    if importlib.util.find_spec(_PACKAGE) is None:
        command = f"hf upload {repository} {shlex.quote(str(out))} . --repo-type dataset"
        raise UserError(
            f"--push hf://{repository}: needs the Python package {_PACKAGE}; pip install "
            f"{_PACKAGE}, hf auth login, and type the same command again, or: {command}"
        )
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    try:
        _push(HfApi(), out, repository, overwrite)
    except UserError:
        raise
    except HFValidationError as error:
        raise UserError(f"--push hf://{repository}: {shorten(error, 200)}") from None
    except LocalTokenNotFoundError:
        raise UserError(f"--push hf://{repository}: not logged in; hf auth login does it") from None
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in (401, 403):
            raise UserError(
                f"--push hf://{repository}: the Hub does not let you write there; hf auth login "
                "with a token that may, or choose another name"
            ) from None
        raise CutShort(f"hf://{repository}: {shorten(error, 200)}") from None
    except Exception as error:  # each way to send has its own
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        raise CutShort(f"hf://{repository}: cannot be written ({reason})") from None


def _push(api: HfApi, out: Path, repository: str, overwrite: bool) -> None:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    listed = {file.path: file for file in list_all_files(out)}
    api.create_repo(repository, repo_type="dataset", exist_ok=True)
    there = set(api.list_repo_files(repository, repo_type="dataset"))
    known = _read_known(api, repository) if MARKER in there else {}
    is_equal = known == {path: file for path, file in listed.items() if path != MARKER}
    if is_equal and listed.keys() <= there:
        say(f"hf://{repository}: there already")
        return
    others = sorted(there & listed.keys() - known.keys() - {MARKER if known else ""})
    if others and not overwrite:
        raise UserError(
            f"hf://{repository}: holds {others[0]!r}, which this program did not upload; choose "
            "another name, or --overwrite"
        )
    stale = sorted(there & known.keys() - listed.keys())
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationDelete(path) for path in stale
    ]
    operations += [CommitOperationAdd(path, out / path) for path in sorted(listed)]
    message = f"Upload {out.name} with synrender {__version__}"
    # Not `upload_folder`, which cuts large folders into several commits.
    api.create_commit(repository, operations, commit_message=message, repo_type="dataset")
    say(f"hf://{repository}: {len(listed)} files uploaded")


def _read_known(api: HfApi, repository: str) -> dict[str, object]:
    """Files that were uploaded before, by path."""
    with tempfile.TemporaryDirectory() as folder:
        path = api.hf_hub_download(repository, MARKER, repo_type="dataset", local_dir=folder)
        marker = read_marker(Path(path))
    return {file.path: file for file in marker.find_listed()} if marker else {}
