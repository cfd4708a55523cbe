"""Synthetic-dataset renderer: every sample is a pure function of (config, seed, index)."""

__version__ = "0.1.0"
