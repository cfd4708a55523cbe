"""``croissant.json``: metadata that search engines and loaders of data sets read.

Croissant 1.0 with the fields of responsible AI: https://docs.mlcommons.org/croissant/
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from synrender.export.card_facts import Facts
from synrender.export.card_text import (
    ANNOTATION,
    CITATION,
    COLLECTION,
    IMPACT,
    MAINTENANCE,
    USES,
    find_biases,
    find_limits,
    find_personal,
)

_NAMES_OF_CROISSANT = (
    "citeAs column equivalentProperty extract field fileProperty fileObject fileSet "
    "format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform"
)
UNNAMED = "not named yet"


def render_croissant(facts: Facts) -> str:
    """Text of ``croissant.json``."""
    return json.dumps(create_metadata(facts), indent=1, ensure_ascii=False) + "\n"


def create_metadata(facts: Facts) -> dict[str, Any]:
    """The metadata, as JSON-LD."""
    found = facts.form.describe(facts.content, facts.files)
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
        "license": _list_licences(facts),
        "url": facts.publisher.url or f"https://example.org/{quote(facts.name)}",
        "creator": {"@type": "sc:Organization", "name": facts.publisher.creator or UNNAMED},
        "citeAs": CITATION,
        "keywords": ["synthetic", "rendered", "Blender", *(row.name for row in facts.classes)],
        "isLiveDataset": False,
        **_create_responsible_ai(facts),
        "distribution": list(found.files),
        "recordSet": list(found.record_sets),
    }


def _list_licences(facts: Facts) -> list[str]:
    """Addresses of the licences of the images and of what they show; names where there is none."""
    found = [facts.licence.url or facts.licence.name]
    return list(dict.fromkeys([*found, *(s.url or s.terms for s in facts.sources)]))


def _create_responsible_ai(facts: Facts) -> dict[str, Any]:
    """Fields of the extension for responsible AI."""
    sources = "; ".join(f"{s.what}: {s.name} ({s.terms})" for s in facts.sources)
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
        "rai:dataLimitations": find_limits(facts.sources),
        "rai:dataBiases": find_biases(facts.sources),
        "rai:dataSocialImpact": IMPACT,
        "rai:personalSensitiveInformation": find_personal(facts.sources),
        "rai:dataReleaseMaintenancePlan": MAINTENANCE,
    }


def _create_context() -> dict[str, Any]:
    """The context of version 1.0, which says what each name means."""
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
