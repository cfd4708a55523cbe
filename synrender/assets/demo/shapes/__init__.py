"""The demo models: a module for each class."""
