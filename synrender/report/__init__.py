"""Contact sheets: pictures that show the samples of a data set."""
