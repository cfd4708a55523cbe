"""Checks of the labels that `rendering.labels` names."""
