"""A data set on disk: folder, description and records. Only this package depends on its layout."""
