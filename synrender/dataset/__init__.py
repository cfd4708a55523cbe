"""A data set on disk: its folder, its description, its records. Nobody else knows its layout."""
