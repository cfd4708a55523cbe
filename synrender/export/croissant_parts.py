"""Pieces of Croissant metadata (version 1.0): files, tables, and the columns of tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from synrender.export.columns import INTEGER, LABEL, NUMBER, PICTURE, TEXT, Column

Node = dict[str, Any]

_TYPES = {
    PICTURE: "sc:ImageObject",
    LABEL: "sc:Integer",
    INTEGER: "sc:Integer",
    NUMBER: "sc:Float",
    TEXT: "sc:Text",
}


_FILE_NAME = Column("filename", TEXT, 0, "begins with the number of the sample")


@dataclass(frozen=True)
class Distribution:
    """The files of an export, and the tables that they hold."""

    files: tuple[Node, ...]
    record_sets: tuple[Node, ...]


def file_object(path: str, encoding: str, sha256: str) -> Node:
    """A file of the export."""
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": encoding,
        "sha256": sha256,
    }


def file_set(name: str, pattern: str, encoding: str, containers: Sequence[str] = ()) -> Node:
    """Files whose path fits a pattern, in the folder of the export or in files of it."""
    node: Node = {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "encodingFormat": encoding,
        "includes": pattern,
    }
    if containers:
        node["containedIn"] = [{"@id": container} for container in containers]
    return node


def samples_of_table(columns: Iterable[Column], files: str) -> Node:
    """One record for each row of a table."""
    fields = [
        _to_field(column, files, {"column": column.name}, "samples", column.type == PICTURE)
        for column in columns
    ]
    return _to_record_set("samples", "One sample", fields)


def records_of_files(files: str, description: str) -> Node:
    """One record for each JSON file: its text, since columns in tars are beyond mlcroissant."""
    of_record = Column("record", TEXT, 0, description)
    fields = [
        _to_field(_FILE_NAME, files, {"fileProperty": "filename"}, "samples"),
        _to_field(of_record, files, {"fileProperty": "content"}, "samples"),
    ]
    return _to_record_set("samples", "One sample", fields)


def samples_of_paths(files: str, description: str, columns: Iterable[Column], root: str) -> Node:
    """One record for each object that a JSON path leads to."""
    name = f"{files}_table"
    fields = [_to_field(c, files, {"jsonPath": f"{root}.{c.name}"}, name) for c in columns]
    return _to_record_set(name, description, fields)


def pictures_of_files(column: Column) -> Node:
    """One record for each picture file; the set of files has the column's name."""
    name = f"{column.name}_pictures"
    fields = [
        _to_field(_FILE_NAME, column.name, {"fileProperty": "filename"}, name),
        _to_field(column, column.name, {"fileProperty": "content"}, name),
    ]
    return _to_record_set(name, column.meaning, fields)


def _to_record_set(name: str, description: str, fields: list[Node]) -> Node:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": fields,
    }


def _to_field(
    column: Column, files: str, extract: Node, record_set: str, is_struct: bool = False
) -> Node:
    source: Node = {"fileSet": {"@id": files}, "extract": extract}
    if is_struct:  # a picture in a table: its bytes and its name
        source["transform"] = {"jsonPath": "bytes"}
    node: Node = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column.name}",
        "name": column.name,
        "description": column.meaning,
        "dataType": _TYPES[column.type],
        "source": source,
    }
    if column.depth:
        node["repeated"] = True
    return node
