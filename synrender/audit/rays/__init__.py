"""A second renderer: rays through pixel centers, cast at the model files."""
