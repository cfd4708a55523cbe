"""Synthetic-dataset renderer: every sample is a pure function of (config, seed, index)."""
