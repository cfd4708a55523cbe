"""The revision of the pixels: which versions of this program render the same ones."""

from __future__ import annotations

from pathlib import Path

from synrender.dataset.info import DatasetInfo
from synrender.errors import UserError, shorten

RENDER_REVISION = 2
"""Goes up with every change that alters any pixel or label of an unchanged configuration.

1: versions 0.1, which did not record it. 2: colors of textures are shown whatever their alpha, and
models are centered in double precision.
"""

_FIRST_VERSION = "0.1.0"


def is_other_revision(info: DatasetInfo, revision: int = RENDER_REVISION) -> bool:
    """Whether a revision, of this program by default, has other pixels than a data set."""
    return info.render_revision != revision


def refuse_other_revision(
    dataset_dir: Path, info: DatasetInfo, does_what: str, revision: int = RENDER_REVISION
) -> None:
    """Refuses to render a data set on, or again, with other pixels.

    Args:
        dataset_dir: folder of the data set.
        info: its description.
        does_what: what the right version does, and any other remedy, such as ``"replays it"``.
        revision: of the program that renders.

    Raises:
        UserError: the revision is another one; the line says which version of this program to use.
    """
    if is_other_revision(info, revision):
        version = shorten(info.versions.get("synrender") or _FIRST_VERSION)
        raise UserError(
            f"{dataset_dir} has pixels of revision {info.render_revision}, and this program "
            f"renders revision {revision}: version {version} of it {does_what}"
        )
