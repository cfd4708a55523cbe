"""Checks of designs, from the records alone."""
