"""The commands: from arguments to values, and one call. Users type the scripts at the top."""
