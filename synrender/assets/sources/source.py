"""What a module of this folder says of a layout of models, and what several of them need."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from synrender.assets.model_file import ModelFile
from synrender.assets.tree import Tree
from synrender.errors import UserError, shorten

UNLABELED = "unlabeled"
"""The class of models of which a source says none."""


@dataclass(frozen=True)
class ModelClass:
    """A class of models."""

    key: str  # in records: a synset id, or the name of a folder
    name: str  # as the source names it
    named_by: str  # the file or folder that does, for messages
    is_there: bool = True  # False: it is named, but has no models


@dataclass(frozen=True)
class ModelEntry:
    """A model."""

    model_id: str  # in records; unique in its class
    file: ModelFile
    license: str | None = None  # in words of the source; None: it states none
    creator: str | None = None
    split: str | None = None  # train, validation or test; None: whichever
    source: str | None = None  # what set it is from; None: not stated
    title: str | None = None  # what its creator calls it
    up: str | None = None  # axis of the file that is up: "y" or "z"; None: not stated


@dataclass(frozen=True)
class Source:
    """A layout of models. All functions take the tree of what the user names."""

    name: str  # in ``assets.source``
    title: str  # in messages
    recognizes: Callable[[Tree], bool]
    list_classes: Callable[[Tree], tuple[ModelClass, ...]]
    list_models: Callable[[Tree, ModelClass], tuple[ModelEntry, ...]]  # sorted by their ids
    origin: str | None = None  # what set all its models are from; None: any may have this layout
    credit: Callable[[Tree, Sequence[ModelEntry]], Sequence[ModelEntry]] | None = None
    """Gives models what takes long to read: license, creator and title. None: `list_models` did."""
    usual_up: str = "y"  # axis that is up in most of its files
    levels: tuple[str, ...] = ()  # patterns of the names of folders between its root and a model
    find_missing: Callable[[Tree], str] = lambda tree: ""
    """What a partial download lacks besides models, and what then is unknown; "" if nothing."""


# --- layouts of which all models are listed at once -----------------------------------------------


Groups = Callable[[Tree], dict[str, tuple[ModelEntry, ...]]]
"""All models by their class, both sorted."""


def list_group_classes(groups: Groups, file: str = "") -> Callable[[Tree], tuple[ModelClass, ...]]:
    """What lists the classes of groups, which a file below the tree names, or the tree itself."""

    def list_classes(tree: Tree) -> tuple[ModelClass, ...]:
        named_by = str(tree.file(file) if file else tree)
        return tuple(ModelClass(name, name, named_by) for name in groups(tree))

    return list_classes


def list_group_models(groups: Groups) -> Callable[[Tree, ModelClass], tuple[ModelEntry, ...]]:
    """What lists the models of a class of groups."""
    return lambda tree, model_class: groups(tree)[model_class.key]


def find_glbs(tree: Tree, folder: str, parts: Iterable[str]) -> dict[str, str]:
    """Names of the files ``<folder>/<part>/<id>.glb`` below a tree, by their ids."""
    return {
        name.removesuffix(".glb"): f"{folder}/{part}/{name}"
        for part in parts
        for name in tree.list(f"{folder}/{part}").files
        if name.endswith(".glb")
    }


# --- lists that a set of models brings along ------------------------------------------------------


MAX_PACKED_BYTES = 1 << 27
MAX_BYTES = 1 << 30
"""Of a list when it is unpacked. The largest one of ABO takes 30 MB, of Objaverse 130 MB."""

_CHUNK_BYTES = 1 << 20


def unpack_list(file: ModelFile) -> bytes:
    """Content of a list that is packed by gzip.

    Raises:
        UserError: it is missing, not packed by gzip, damaged, or too large.
    """
    unpacked = bytearray()
    try:
        packed = io.BytesIO(file.read(MAX_PACKED_BYTES))
        with gzip.GzipFile(fileobj=packed) as content:
            while chunk := content.read(_CHUNK_BYTES):
                unpacked += chunk
                if len(unpacked) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES >> 20} MiB when it is unpacked")
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: {shorten(error)}; download it again") from None
    return bytes(unpacked)
