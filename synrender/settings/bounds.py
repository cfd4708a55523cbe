"""Upper bounds of settings and arguments: what their use can bear. Imports nothing."""

MAX_SAMPLES = 10_000_000
"""Of a run: the list of the missing ones then takes 400 MB."""

MAX_TOTAL_SAMPLES = 1_000_000_000_000
"""Of a data set, of which each run renders a part: designs are computed and not listed."""

MAX_TEXT = 200
"""Characters of a text that is shown, such as the name of a class."""

MAX_NAME_LENGTH = 64
"""Characters of a synset id, a model id or the name of a texture in a record."""

MAX_CLASSES = 1000
MAX_OBJECTS = 1000
"""Of a sample."""

MAX_LEVELS = 1_000_000
"""Of a factor."""

MAX_BUCKETS = 10_000
MAX_SHARDS = 1000
"""Files of an archive."""

MAX_SEED = 2**63 - 1
"""What an attribute of an HDF5 file can hold."""

MAX_RESOLUTION = 16_384
"""Side of an image, px: an EXR of that size takes 5 GB of memory."""

MAX_CPUS = 8192
"""What Linux can be built for."""

MAX_THREADS = 1024
"""Of Blender."""

MAX_SECONDS = 10_000_000
"""Of a time limit: four months. The timer of the operating system overflows at 9e9."""

MAX_LENGTH_M = MAX_ANGLE_RAD = 1e6
MAX_ENERGY = 1e9
"""Beyond these, single precision leaves blank pictures."""


def check_line(text: str) -> str:
    """A text that can be shown in one line.

    Raises:
        ValueError: it cannot; the message says the rule.
    """
    if not text.isprintable() or not 0 < len(text) <= MAX_TEXT:
        raise ValueError(f"must be one line of at most {MAX_TEXT} characters that can be shown")
    return text
