"""Host side: data sets in the formats of other people's tools, with a card that describes them."""

FORMATS = ("webdataset", "parquet", "coco", "imagefolder")
"""Names of the formats; the module of this name defines its `FORMAT`."""
