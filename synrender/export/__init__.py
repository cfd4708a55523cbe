"""Exports data sets to the formats of other tools, with a card that describes them."""

FORMATS = ("webdataset", "parquet", "mds", "coco", "yolo", "imagefolder", "bop", "nerf")
"""Names of the formats; the module of this name defines its `FORMAT`."""
