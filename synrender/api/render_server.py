"""A process that renders samples for a `Renderer`, one request a line.

Blender's output, its crashes and its global state stay out of the user's program.

Request: ``{"gin": settings, "folder": data set, "idxs": of the samples}``. Answer: ``{"error": one
line or null, "is_user_error": whether the error is the user's mistake}``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import TypedDict

from synrender.api.functions import load_sources
from synrender.assets.catalog import Catalog
from synrender.blender.batch import render_some
from synrender.errors import UserError
from synrender.settings.load import load_settings
from synrender.system.folders import Folders, find_folders


def serve() -> None:
    """Answers requests until standard input ends. Standard output carries nothing but answers."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        folders, catalogs = find_folders(os.environ), {}
        for line in sys.stdin:
            answer: dict[str, object] = {"error": None, "is_user_error": False}
            try:
                _render(json.loads(line), folders, catalogs)
            except UserError as error:
                answer = {"error": str(error), "is_user_error": True}
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}", "is_user_error": False}
            print(json.dumps(answer), file=answers, flush=True)


class Request(TypedDict):
    """What is to be rendered."""

    gin: str
    folder: str
    idxs: list[int]


def _render(request: Request, folders: Folders, catalogs: dict[str, Catalog]) -> None:
    settings = load_settings((), [request["gin"]])
    path = request["folder"]
    if path not in catalogs:
        _, catalogs[path] = load_sources(settings, folders)
    render_some(settings, catalogs[path], request["idxs"], Path(path), folders.blender)


if __name__ == "__main__":
    serve()
    sys.stdout.flush()
    os._exit(0)  # Blender can crash during a normal exit
