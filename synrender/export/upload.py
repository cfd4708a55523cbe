"""Copies finished files to remote storage, so that a copy that was cut short can be continued.

``.uploads`` in the remote folder lists what belongs there, with sizes and SHA-256. It is written
before the files, so a file that it lists, with the listed size, is whole and has this content.
Files that it does not list are not ours, and are never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synrender.dataset.export_marker import ListedFile, parse_line
from synrender.errors import UserError
from synrender.export.listing import CreateBar
from synrender.system.console import say
from synrender.system.remote import RemoteFolder

UPLOADS = ".uploads"


def upload_files(
    source: Path,
    files: Sequence[ListedFile],
    target: RemoteFolder,
    create_bar: CreateBar,
    overwrite: bool = False,
) -> None:
    """Copies the files that are not there yet, in the given order.

    Args:
        source: local folder of the files.
        files: to copy; the last one may say that all others are there.
        target: where they go.
        create_bar: creates the progress bar.
        overwrite: replace files that were copied before and are other ones now.

    Raises:
        UserError: other files are there.
        CutShort: the storage does not answer; copied files stay.
    """
    sizes, known = target.find_sizes(), _read_uploads(target)
    for file in files:
        _refuse_other(file, known.get(file.path), file.path in sizes, target, overwrite)
    changed = [f.path for f in files if f.path in known and known[f.path] != f]
    for path in reversed(changed):  # first the one that says that all others are there
        if path in sizes:
            target.remove(path)
            del sizes[path]
    listed = {**known, **{file.path: file for file in files}}
    if listed != known:
        lines = "".join(file.to_line() + "\n" for file in listed.values())
        target.write(UPLOADS, lines.encode())
    todo = [file for file in files if sizes.get(file.path) != file.bytes]
    with create_bar(len(todo), "upload") as bar:
        for file in todo:
            target.upload(source / file.path, file.path)
            bar.update()
    there = f", {len(files) - len(todo)} were there" if len(todo) < len(files) else ""
    say(f"{target}: {len(todo)} files copied{there}")


def _refuse_other(
    file: ListedFile,
    known: ListedFile | None,
    is_there: bool,
    target: RemoteFolder,
    overwrite: bool,
) -> None:
    if is_there and known is None:
        raise UserError(
            f"{target}: holds {file.path!r}, which this program did not copy there; choose another "
            "place"
        )
    if is_there and known != file and not overwrite:
        raise UserError(
            f"{target}: holds another {file.path!r}, copied before it changed; choose another "
            "place, or --overwrite"
        )


def _read_uploads(target: RemoteFolder) -> dict[str, ListedFile]:
    """What was to be copied to a folder before, by path.

    Raises:
        UserError: the list is damaged.
    """
    try:
        lines = target.read(UPLOADS).decode().split("\n")[:-1]
        return {file.path: file for file in map(parse_line, lines)}
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{target}/{UPLOADS}: damaged ({error}); choose another place") from None
