"""All formats, by name."""

from synrender.export.coco import COCO
from synrender.export.imagefolder import IMAGEFOLDER
from synrender.export.parquet import PARQUET
from synrender.export.webdataset import WEBDATASET

FORMATS = {form.name: form for form in (WEBDATASET, PARQUET, COCO, IMAGEFOLDER)}
