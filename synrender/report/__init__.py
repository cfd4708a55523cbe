"""Pictures of data sets for people to look at."""
