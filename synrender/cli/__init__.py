"""The commands: each turns arguments into values, and makes one call."""
