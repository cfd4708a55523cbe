"""``croissant.json``: metadata that search engines and loaders of data sets read.

Croissant 1.0 with the fields of responsible AI: https://docs.mlcommons.org/croissant/
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from synrender.export.columns import ARRAY, INTEGER, LABEL, NUMBER, PICTURE, TEXT, Column, Schema
from synrender.export.facts import (
    ANNOTATION,
    CITATION,
    COLLECTION,
    IMPACT,
    MAINTENANCE,
    USES,
    Facts,
    find_biases,
    find_limits,
    find_personal,
)
from synrender.export.format import CroissantParts, ExportedFile, Node

_NAMES_OF_CROISSANT = (
    "citeAs column equivalentProperty extract field fileProperty fileObject fileSet "
    "format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform"
)
UNNAMED = "not named yet"


def render_croissant(facts: Facts) -> str:
    """Text of ``croissant.json``."""
    return json.dumps(create_metadata(facts), indent=1, ensure_ascii=False) + "\n"


def find_placeholders(facts: Facts) -> str | None:
    """A line about what ``croissant.json`` requires and nobody has told yet."""
    missing = {"--creator": facts.publisher.creator, "--url": facts.publisher.url}
    options = " and ".join(name for name, given in missing.items() if not given)
    if not options:
        return None
    return (
        f"croissant.json has placeholders: before you publish, add {options} to the same command, "
        "which then writes the description alone"
    )


def create_metadata(facts: Facts) -> dict[str, object]:
    """The metadata, as JSON-LD."""
    found = facts.form.describe(facts.plan.schema, facts.files)
    return {
        "@context": _create_context(),
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": facts.name,
        "description": facts.summary,
        "version": "1.0.0",
        "datePublished": facts.date,
        "license": _list_licenses(facts),
        "url": facts.publisher.url or f"https://example.org/{quote(facts.name)}",
        "creator": {"@type": "sc:Organization", "name": facts.publisher.creator or UNNAMED},
        "citeAs": CITATION,
        "keywords": ["synthetic", "rendered", "Blender", *(row.name for row in facts.classes)],
        "isLiveDataset": False,
        **_create_responsible_ai(facts),
        "distribution": list(found.files),
        "recordSet": list(found.record_sets),
    }


def _list_licenses(facts: Facts) -> list[str]:
    """Addresses of the licenses of images, models and textures; or their names."""
    found = [facts.license.url or facts.license.name]
    return list(dict.fromkeys([*found, *(s.url or s.terms for s in facts.credits)]))


def _create_responsible_ai(facts: Facts) -> dict[str, object]:
    """Fields of the extension for responsible AI."""
    sources = "; ".join(f"{s.what}: {s.name} ({s.terms})" for s in facts.credits)
    annotation = ANNOTATION
    if facts.audit:
        passed = sum(check.verdict == "pass" for check in facts.audit.checks)
        failed = [check.name for check in facts.audit.checks if check.verdict == "FAIL"]
        annotation += (
            f" An audit against rays cast at the original models passed {passed} checks"
            + (f" and failed {', '.join(failed)}." if failed else ".")
        )
    return {
        "rai:dataCollection": f"{COLLECTION} Made by: {facts.render_command}",
        "rai:dataCollectionType": ["Software Collection", "Experiments"],
        "rai:dataCollectionRawData": sources,
        "rai:dataPreprocessingProtocol": [
            "Pictures are PNG files of 8 bits in sRGB; labels are stored without loss, and depth "
            "in steps of 0.1 mm."
        ],
        "rai:dataAnnotationProtocol": [annotation],
        "rai:machineAnnotationTools": [f"Blender {facts.info.versions.get('blender')}"],
        "rai:dataUseCases": list(USES),
        "rai:dataLimitations": find_limits(facts.credits),
        "rai:dataBiases": find_biases(facts.credits),
        "rai:dataSocialImpact": IMPACT,
        "rai:personalSensitiveInformation": find_personal(facts.credits),
        "rai:dataReleaseMaintenancePlan": MAINTENANCE,
    }


def _create_context() -> dict[str, object]:
    """The context of version 1.0: the meaning of each name."""
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{name: f"cr:{name}" for name in _NAMES_OF_CROISSANT.split()},
    }


# --- files, tables and columns --------------------------------------------------------------------


_TYPES = {
    PICTURE: "sc:ImageObject",
    ARRAY: "sc:Float",
    LABEL: "sc:Integer",
    INTEGER: "sc:Integer",
    NUMBER: "sc:Float",
    TEXT: "sc:Text",
}


_FILE_NAME = Column("filename", TEXT, 0, "begins with the number of the sample")


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
    """One record for each JSON file: its text, since mlcroissant reads no columns in tars."""
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
    """One record for each file of pixels; the set of files has the column's name.

    mlcroissant reads no arrays, so it gives the bytes of a NumPy file.
    """
    name = f"{column.name}_pictures"
    if column.type == ARRAY:
        column = dataclasses.replace(column, type=TEXT)
    fields = [
        _to_field(_FILE_NAME, column.name, {"fileProperty": "filename"}, name),
        _to_field(column, column.name, {"fileProperty": "content"}, name),
    ]
    return _to_record_set(name, column.meaning, fields)


def describe_files(
    images: str, *others: tuple[str, str, str]
) -> Callable[[Schema, Sequence[ExportedFile]], CroissantParts]:
    """What `Format.describe` does of a format without tables: sets of files, and the images.

    Args:
        images: pattern of the images' paths, PNG files.
        others: name, pattern and encoding of each other set of files.
    """

    def describe(schema: Schema, files: Sequence[ExportedFile]) -> CroissantParts:
        (image,) = schema.pixel_columns
        sets = (*others, (image.name, images, "image/png"))
        return CroissantParts(tuple(file_set(*one) for one in sets), (pictures_of_files(image),))

    return describe


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
    if column.depth or column.type == ARRAY:
        node["repeated"] = True
    return node
