"""Layouts in which models come: one module for each, listed in `registry`."""
